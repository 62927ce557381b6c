"""Adding: one mark in each half, the sum of what is marked, and the error of guessing."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.recall.adding import Adding


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("length", [2, 3, 7, 100])
def test_one_mark_in_each_half(length: int):
    x, y = Adding(length).draw(200, generator())
    number, mark = x.unbind(-1)
    assert x.shape == (200, length, 2) and y.shape == (200, 1) and y.dtype == torch.float32
    assert number.min() >= 0 and number.max() < 1
    assert ((mark == 0) | (mark == 1)).all()
    assert (mark[:, : length // 2].sum(1) == 1).all() and (mark[:, length // 2 :].sum(1) == 1).all()
    for row in range(200):
        assert float(y[row]) == pytest.approx(float(number[row][mark[row] == 1].sum()))


def test_every_step_is_marked_as_often_as_another():
    mark = Adding(10).draw(20_000, generator()).x[..., 1].double().mean(0)
    assert (mark - 0.2).abs().max() < 5 * math.sqrt(0.2 * 0.8 / 20_000)


def test_saying_one_has_an_error_of_a_sixth_and_a_score_of_zero():
    task = Adding(20)
    _, y = task.draw(20_000, generator())
    one = torch.ones_like(y)
    assert float(task.objective.loss(one, y)) == pytest.approx(1 / 6, abs=5e-3)
    assert float(task.objective.score(one, y)) == pytest.approx(0, abs=1e-3)
    assert float(task.objective.score(y, y)) == 1


def test_knowing_one_of_the_two_scores_a_half():
    """Half of the variance is in each number."""
    task = Adding(20)
    x, y = task.draw(20_000, generator())
    first = (x[:, :10, 0] * x[:, :10, 1]).sum(1, keepdim=True)
    assert float(task.objective.score(first + 0.5, y)) == pytest.approx(0.5, abs=0.02)


def test_held_out_sequences_are_never_drawn():
    task = Adding(10)
    held_out = [set(part.x[:, 0, 0].tolist()) for part in (task.valid(), task.test())]
    assert task.valid().x.shape == (1000, 10, 2)
    rows = [{row.tobytes() for row in part.x.numpy()} for part in (task.valid(), task.test())]
    assert not rows[0] & rows[1] and len(rows[0]) == len(held_out[0]) == 1000
    for seed in range(10):
        drawn = {row.tobytes() for row in task.draw(1000, generator(seed)).x.numpy()}
        assert not drawn & (rows[0] | rows[1])


@pytest.mark.parametrize("length", [-1, 0, 1])
def test_too_short_is_refused(length: int):
    with pytest.raises(BadInput, match=f"at least 2, got {length}"):
        Adding(length)
