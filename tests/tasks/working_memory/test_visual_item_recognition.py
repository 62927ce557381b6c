"""Visual item recognition: one of two patterns was in the list, the other is a near miss."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.working_memory.visual_item_recognition import VisualItemRecognition


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("side", "differ"), [(6, 4), (3, 2), (4, 8)])
def test_the_answer_is_the_side_of_the_old_pattern(side: int, differ: int):
    task, cells = VisualItemRecognition(side=side, differ=differ), side**2
    x, y, facts = task.trials(200, generator())
    assert x.shape == (200, 17, 3 * cells) and ((y > 0).sum(1) == 1).all()
    for trial in range(200):
        n, delay = int(facts["list"][trial]), int(facts["retention"][trial])
        items = x[trial, :n, :cells]
        assert ((items > 0).sum(-1) == cells // 2).all() and (items != 0).all()
        assert (x[trial, n : n + delay] == 0).all() and (x[trial, n + delay + 1 :] == 0).all()
        assert (x[trial, :n, cells:] == 0).all() and (x[trial, n + delay, :cells] == 0).all()
        pair = x[trial, n + delay, cells:].unflatten(0, (2, cells))
        assert (pair[0] != pair[1]).sum() == differ
        right = int(y[trial, n + delay]) - 1
        known = (items[:, None] == pair).all(-1)  # (n, 2)
        assert known[:, right].nonzero().squeeze(1).tolist() == [int(facts["position"][trial]) - 1]
        assert not known[:, 1 - right].any()


def test_conditions_of_the_paper():
    facts = VisualItemRecognition().tested().facts
    assert set(facts["list"].tolist()) == {4, 6, 8, 10}
    assert set(facts["retention"].tolist()) == {0, 2, 4, 5, 6}
    assert set(facts["position"].tolist()) == set(range(1, 11))


def test_bad_sizes():
    with pytest.raises(BadInput, match="differ must be even and fit, got 3"):
        VisualItemRecognition(differ=3)
    with pytest.raises(BadInput, match="side must be"):
        VisualItemRecognition(side=2, differ=2)
    with pytest.raises(BadInput, match="retention must be"):
        VisualItemRecognition(retentions=(-1,))
