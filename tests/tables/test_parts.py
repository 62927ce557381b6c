"""Three parts: their sizes, what stays together, and what is refused."""

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tables import parts


@pytest.mark.parametrize(("count", "held"), [(10, 2), (11, 2), (12, 2), (40, 6), (100, 15)])
def test_fifteen_in_a_hundred_are_held_out_twice(count: int, held: int):
    assert parts.sizes(count) == (count - 2 * held, held)
    split = parts.shuffled(count)
    assert [len(part) for part in split] == [count - 2 * held, held, held]
    assert sorted(np.concatenate(split).tolist()) == list(range(count))


def test_the_shuffle_is_always_the_same():
    order = np.random.default_rng(0).permutation(20)
    assert np.concatenate(parts.shuffled(20)).tolist() == order.tolist()
    labels = np.zeros(20, int)
    assert np.concatenate(parts.stratified(labels)).tolist() == order.tolist()
    steps = np.repeat(labels[:, None], 2, 1)
    assert np.concatenate(parts.shown(steps)).tolist() == order.tolist()


def test_each_class_has_its_share_in_each_part():
    labels = np.repeat([0, 1], [20, 80])
    for part, share in zip(parts.stratified(labels), (14, 3, 3), strict=True):
        assert (labels[part] == 0).sum() == share


def test_the_first_sequence_of_each_class_is_to_train():
    labels = np.zeros((20, 3), int)
    order = np.random.default_rng(0).permutation(20)
    labels[order[-2:], 2] = [1, 1]  # which would be tested
    train, _, test = parts.shown(labels)
    assert order[-2] in train and order[-1] in test


def test_groups_are_whole():
    groups = np.repeat(np.arange(3), [20, 2, 2])
    split = parts.grouped(groups)
    assert [len(np.unique(groups[part])) for part in split] == [1, 1, 1]
    assert sorted(np.concatenate(split).tolist()) == list(range(24))
    with pytest.raises(BadInput, match="at least 3 groups for three parts, got 2"):
        parts.grouped(groups[:22])


def test_a_part_is_full_at_fifteen_in_a_hundred():
    groups = np.repeat(np.arange(20), 5)
    assert [len(part) for part in parts.grouped(groups)] == [70, 15, 15]


def test_values_must_vary_by_more_than_rounding():
    flat, same = torch.zeros(4, 2), torch.tensor([[0.0, 1.0], [0.0, 1.0 + 1e-6]])
    parts.check_varies(torch.tensor([[0.0, 1.0], [0.0, 1.0 + 4e-6]]))  # one column is enough
    for wrong in (flat, same, torch.zeros(1, 1)):
        with pytest.raises(BadInput, match=f"got {len(wrong)} times the same in one"):
            parts.check_varies(torch.randn(9, 2), wrong)
    parts.check_varies(torch.tensor([[[0.0], [1.0]]]))  # of steps


def test_windows_of_rows_in_time():
    learn, valid, test = parts.windows(torch.arange(20.0)[:, None], 10, 5, 2)
    assert learn.x[:, :, 0].tolist() == [[row, row + 1] for row in range(8)]
    assert (learn.y == learn.x + 1).all()
    assert valid.x[:, :, 0].tolist() == [[10, 11], [12, 13]] and test.x[:, :, 0].tolist() == [
        [15, 16],
        [17, 18],
    ]
