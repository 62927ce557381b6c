"""The claim about quantum networks: its tasks, its loss, and predicates on either side."""

import math

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.recurrences.quantum_sequences import (
    NOT_ASKED,
    Circuit,
    Simple,
    Xor,
    claim,
    digit_bits,
    patterns,
    scanned,
    small,
)

WHOLE = {"solved_simple": 1.0, "steps_simple": 99.0, "right_xor": 0.99, "right_images": 0.95}


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True, True, True]
    assert answers(claim, WHOLE | {"steps_simple": 100.0}) == [False, True, True]
    assert answers(claim, WHOLE | {"solved_simple": 0.0}) == [False, True, True]
    assert answers(claim, WHOLE | {"right_xor": 0.98}) == [True, False, True]
    assert answers(claim, WHOLE | {"right_images": 0.94}) == [True, True, False]


def test_the_loss_is_nothing_only_where_the_right_pattern_is_sure():
    objective = patterns(4)
    sure = torch.eye(4)[None, [2, 0]]
    y = torch.tensor([[2, 0]])
    assert float(objective.loss(sure, y)) == pytest.approx(0, abs=1e-6)
    even = torch.full((1, 2, 4), 0.25)
    assert float(objective.loss(even, y)) == pytest.approx(math.log(4) - math.log(3 + math.e) + 1, rel=1e-5)
    left_out = torch.tensor([[2, NOT_ASKED]])
    half = torch.stack([sure[:, 0], even[:, 0]], 1)
    assert float(objective.loss(half, left_out)) == pytest.approx(0, abs=1e-6)
    assert float(objective.score(half, left_out)) == 1


def test_simple_sequences():
    x, y = Simple().draw(7, torch.Generator())
    assert x.shape == (2, 8, 3)
    spelled = (x @ torch.tensor([4.0, 2.0, 1.0])).int().tolist()
    assert spelled == [[0, 1, 2, 3] * 2, [4] * 8]
    assert y.tolist() == [[1, 2, 3, 0] * 2, [4] * 8]


def test_the_stream_of_elman():
    x, y = Xor().draw(50, torch.Generator().manual_seed(0))
    assert x.shape == (50, 36, 2) and not x[..., 1].any()
    stream = x[..., 0].int()
    first, second, third = (stream[:, place::3] for place in range(3))
    assert torch.equal(third, first ^ second)
    assert torch.equal(y[:, 1::3], 2 * third.long()) and (y[:, 0::3] == NOT_ASKED).all()
    assert (y[:, 2::3] == NOT_ASKED).all() and 0.4 < float(first.float().mean()) < 0.6


def test_images_are_scanned_by_rows_and_by_columns():
    image = torch.tensor([[[1, 0], [1, 1]]])
    assert scanned(image)[0].tolist() == [[1, 1], [0, 1], [1, 0], [1, 1]]
    task = digit_bits()
    assert task.train.x.shape[1:] == (64, 2) and set(task.train.x.unique().tolist()) == {0, 1}
    assert set(task.test().y.tolist()) == {0, 1} and task.outputs == 4
    near = [task.train.x[task.train.y == one].mean((0, 2)).view(8, 8) for one in (0, 1)]
    assert near[0][3:5, 3:5].mean() < 0.3 < 0.7 < near[1][3:5, 3:5].mean()  # a zero is hollow


def test_circuits_have_the_published_sizes():
    """The read-out does not learn."""
    for cell, task, count in ((small.simple, Simple(), 1162), (small.xor, Xor(), 264)):
        network = Circuit(cell, task, 2)
        assert sum(part.numel() for part in network.parameters() if part.requires_grad) == count
    x = torch.zeros(2, 5, 2)
    image = Circuit(small.xor, digit_bits(), 2)
    assert image(x).shape == (2, 4) and Circuit(small.xor, Xor(), 2)(x).shape == (2, 5, 4)
