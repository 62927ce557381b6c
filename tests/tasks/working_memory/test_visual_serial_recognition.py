"""Visual serial recognition: each item in its order beside a distractor of one distance."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.working_memory.visual_serial_recognition import VisualSerialRecognition


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("side", "differ"), [(6, (2, 4, 6, 8, 10)), (3, (2, 8))])
def test_every_item_is_asked_in_its_order(side: int, differ: tuple[int, ...]):
    task, cells = VisualSerialRecognition(differ=differ, side=side), side**2
    x, y, facts = task.trials(200, generator())
    assert x.shape == (200, 18, 3 * cells)
    assert set(facts["differ"].tolist()) == set(differ)
    for trial in range(200):
        n = int(facts["list"][trial])
        items, pairs = x[trial, :n, :cells], x[trial, n : 2 * n, cells:].unflatten(1, (2, cells))
        asked = y[trial, n : 2 * n]
        assert (asked > 0).all() and y[trial].count_nonzero() == n
        assert (pairs[range(n), asked - 1] == items).all()
        distractors = pairs[range(n), 2 - asked]
        assert ((distractors != items).sum(-1) == facts["differ"][trial]).all()
        assert not (distractors[:, None] == items).all(-1).any()
        assert (x[trial, 2 * n :] == 0).all() and (x[trial, :n, cells:] == 0).all()
        assert facts["position"][trial, n : 2 * n].tolist() == list(range(1, n + 1))


def test_left_is_as_often_right():
    y = VisualSerialRecognition().tested().y
    share, asked = (y == 1).sum() / (y > 0).sum(), int((y > 0).sum())
    assert abs(float(share) - 0.5) < 5 * (0.25 / asked) ** 0.5


def test_bad_sizes():
    with pytest.raises(BadInput, match="differ must be even and fit"):
        VisualSerialRecognition(differ=(2, 5))
    with pytest.raises(BadInput, match="list must be"):
        VisualSerialRecognition(lists=(0,))
