"""Spatial free recall: all cells of the list at once, in no order."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.working_memory.spatial_free_recall import SpatialFreeRecall, recalled


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_answer_is_what_was_lit():
    x, y, facts = SpatialFreeRecall().trials(200, generator())
    assert x.shape == (200, 19, 101) and y.shape == (200, 19, 100)
    assert set(x.unique().tolist()) == {0, 1} and set(y.unique().tolist()) == {-1, 0, 1}
    for trial in range(200):
        n = int(facts["list"][trial])
        assert (x[trial, :n, :-1].sum(-1) == 1).all() and x[trial, :, -1].nonzero().tolist() == [[n]]
        lit = x[trial, :n, :-1].argmax(-1).sort().values
        assert len(lit.unique()) == n and torch.equal((y[trial, n] == 1).nonzero().squeeze(1), lit)
        assert (y[trial, n] != 0).all() and (y[trial].abs().sum(-1) > 0).sum() == 1


def test_recalled_is_the_share_among_the_largest():
    y = torch.tensor([[[0.0] * 4, [1.0, 1.0, -1.0, -1.0]], [[1.0, -1.0, -1.0, -1.0], [0.0] * 4]])
    output = torch.tensor([[[9.0] * 4, [3.0, 0.0, 2.0, 1.0]], [[3.0, 2.0, 1.0, 0.0], [9.0] * 4]])
    assert recalled(output, y).tolist() == [0.5, 1.0]


def test_loss_of_saying_nothing():
    task = SpatialFreeRecall()
    y = task.test().y
    assert float(task.objective.loss(torch.zeros_like(y), y)) == pytest.approx(math.log(2))


def test_loss_of_knowing_all_and_of_knowing_nothing_right():
    task = SpatialFreeRecall()
    y = task.test().y
    assert float(task.objective.loss(30.0 * y, y)) < 1e-6
    assert float(task.objective.loss(-30.0 * y, y)) == pytest.approx(30)


def test_sizes_of_the_paper():
    task = SpatialFreeRecall()
    assert task.chance == pytest.approx(91 / 12 / 100)
    assert set(task.tested().facts["list"].tolist()) == {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18}


def test_bad_sizes():
    with pytest.raises(BadInput, match="lists of fewer than 9 cells"):
        SpatialFreeRecall((3, 9), side=3)
    assert SpatialFreeRecall((3, 8), side=3).chance == pytest.approx(11 / 2 / 9)
    with pytest.raises(BadInput, match="list must be"):
        SpatialFreeRecall((0,))
