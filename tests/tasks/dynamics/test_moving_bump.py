"""The moving bump: where it is, that it comes back, and what is asked."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.dynamics.moving_bump import MovingBump


def starts(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_a_frame_is_a_gaussian_where_the_path_is():
    task = MovingBump(side=9, period=50, spread=0.3)
    film = task.film(starts(3.5), 4)[0].unflatten(-1, (9, 9))
    place = [-2 + 0.5 * pixel for pixel in range(9)]
    for frame in range(4):
        moment = 6 * math.pi * (3.5 + frame) / 50
        for row, column in ((0, 0), (4, 5), (6, 4), (8, 1)):
            far = (place[column] - math.sin(moment / 3)) ** 2 + (place[row] - math.cos(moment)) ** 2
            assert float(film[frame, row, column]) == pytest.approx(math.exp(-far / (2 * 0.3**2)), abs=1e-12)


def test_it_comes_back_after_a_period_and_not_before():
    film = MovingBump(side=12).film(starts(0.25), 101)[0]
    torch.testing.assert_close(film[0], film[100])
    assert ((film[:1] - film[1:100]).abs().amax(1) > 1e-3).all()


def test_starts_lie_between_frames_too():
    task = MovingBump(side=6, time=10)
    one = task.film(starts(2.0, 2.5), 10)
    torch.testing.assert_close(one[0, 1:], task.film(starts(3.0), 9)[0])
    twice = MovingBump(side=6, time=10, period=200).film(starts(5.0), 20)[0]
    torch.testing.assert_close(one[1], twice[::2])


def test_what_is_asked_is_the_next_frame_and_held_out_are_other_moments():
    task = MovingBump(side=5, time=7)
    x, y = task.draw(4, torch.Generator().manual_seed(0))
    assert x.shape == y.shape == (4, 7, 25) and torch.equal(x[:, 1:], y[:, :-1])
    assert x.min() >= 0 and x.max() <= 1
    assert not torch.equal(task.valid().x, task.test().x)
    assert task.inputs == task.outputs == 25


def test_bad_sizes():
    for wrong in (dict(side=1), dict(time=0), dict(period=0), dict(spread=0.0), dict(spread=math.nan)):
        with pytest.raises(BadInput, match="moving bump"):
            MovingBump(**wrong)
