"""Cycles of maps that are known, at periods that are whole numbers of steps and others, and what is none."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.lenses.dynamics._comb import comb
from wavetrain.lenses.dynamics.orbits import _noise, _orbit, orbits


class Planar:
    """A turn by an angle, and r' = r + 0.1 r (1 - r^2): a circle of radius 1."""

    def __init__(self, angle: float):
        c, s = np.cos(angle), np.sin(angle)
        self.turn = torch.tensor([[c, s], [-s, c]])

    def __call__(self, h: Tensor) -> Tensor:
        return h @ self.turn * (1.1 - 0.1 * (h**2).sum(1, keepdim=True))


@pytest.mark.parametrize("angle", [0.07, 0.3, 2 * np.pi / 12, 2.0, 3.0])
def test_the_circle_is_found_with_its_frequency_and_its_multipliers(angle: float):
    """Of one step 1 along the circle and 0.8 across it; of a period their powers."""
    found = orbits(Planar(angle), torch.tensor([[0.5, 0.1], [1.5, 0.0]]), rate=10.0, surrogates=19)
    np.testing.assert_allclose(found.frequency, 10 * angle / (2 * np.pi), rtol=1e-6)
    np.testing.assert_allclose(found.period, 2 * np.pi / angle / 10, rtol=1e-6)
    np.testing.assert_allclose(found.size, 1, atol=5e-3)
    wanted = [1, 0.8 ** (2 * np.pi / angle)]
    np.testing.assert_allclose(found.multiplier, [wanted, wanted], rtol=1e-5)
    assert found.closed.all() and not found.rest.any() and (found.error < 1e-6).all()
    assert angle > 2.5 or (found.p == 1 / 20).all(), "noise that turns back at each step has a line too"


def test_phase_runs_with_time_and_is_zero_at_the_top_of_the_first_component():
    found = orbits(Planar(0.3), torch.tensor([[0.5, 0.1]]), surrogates=1)
    ahead = np.angle(np.exp(1j * np.diff(found.phase[0])))
    np.testing.assert_allclose(ahead, 0.3, atol=1e-6)
    turned = np.unwrap(np.arctan2(found.states[0, :, 1], found.states[0, :, 0]))
    away = np.exp(1j * (turned - found.phase[0]))
    assert np.abs(away - away[0]).max() < 1e-5, "it is the angle on the circle, but for where it begins"
    np.testing.assert_allclose(np.linalg.norm(found.cycle[0], axis=1), 1, atol=1e-6)
    drawn = np.linspace(-np.pi, np.pi, 100, endpoint=False)
    nearest = np.abs(np.angle(np.exp(1j * (found.phase[0][:, None] - drawn)))).argmin(1)
    assert np.linalg.norm(found.cycle[0][nearest] - found.states[0], axis=1).max() < 0.04


def test_a_cycle_of_two_steps_and_one_of_five():
    """The logistic map at 3.2: the product of the slopes at its two points is 0.16."""
    found = orbits(lambda h: 3.2 * h * (1 - h), torch.tensor([[0.3]]), directions=1, surrogates=9)
    assert found.period[0] == pytest.approx(2, rel=1e-5) and found.multiplier[0, 0] == pytest.approx(
        0.16, rel=1e-4
    )
    assert found.closed[0]
    five = orbits(Planar(2 * np.pi * 2 / 5), torch.tensor([[0.5, 0.1]]), surrogates=9)
    assert five.period[0] == pytest.approx(5, rel=1e-4)


def test_rest_is_no_cycle():
    found = orbits(lambda h: 0.5 * h + 1, torch.tensor([[0.3], [5.0]]), directions=1, surrogates=3)
    assert found.rest.all() and not found.closed.any() and (found.size == 0).all()
    assert np.isnan(found.frequency).all() and np.isnan(found.p).all() and np.isnan(found.phase).all()


def test_chaos_and_drift_are_no_cycle():
    chaos = orbits(lambda h: 3.9 * h * (1 - h), torch.rand(3, 1), directions=1, surrogates=19)
    assert (
        not chaos.closed.any() and not chaos.rest.any() and (chaos.multiplier[~np.isnan(chaos.p)] > 1).all()
    )
    drift = orbits(lambda h: h + 1, torch.zeros(1, 1), directions=1, surrogates=3)
    assert not drift.closed.any() and np.isnan(drift.frequency).all()


def noise(seed: int, slow: float) -> np.ndarray:
    dice = np.random.default_rng(seed)
    walk = dice.standard_normal((240, 3))
    for t in range(1, len(walk)):
        walk[t] += slow * walk[t - 1]
    return walk[40:]


@pytest.mark.parametrize("slow", [0.0, 0.9])
def test_noise_without_a_period_passes_as_often_as_the_test_says(slow: float):
    """A trajectory of noise: 0.05 of 60, and what chance leaves."""
    found = [_orbit(noise(seed, slow), 0.0, 39, np.random.default_rng(seed)) for seed in range(60)]
    assert sum(one.p <= 0.05 for one in found) <= 9
    assert max(np.nan_to_num(one.share) for one in found) < 0.95


def test_a_cycle_in_noise_is_told_from_noise():
    """A turn of 0.3 rad seen in as much noise: its frequency to 1 percent, and its share of the variance."""
    dice = np.random.default_rng(0)
    t = np.arange(400)
    seen = np.stack([np.cos(0.3 * t), np.sin(0.3 * t)], 1) + 0.7 * dice.standard_normal((400, 2))
    found = _orbit(seen, 0.0, 99, dice)
    assert found.frequency == pytest.approx(0.3 / (2 * np.pi), rel=0.01) and found.p == 0.01
    assert found.share == pytest.approx(0.5 / (0.5 + 0.49), abs=0.08)


def test_what_never_comes_back_has_no_period():
    assert np.isnan(comb(np.linspace(0, 1, 100)[:, None]).frequency)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"steps": 19}, "20 steps or more"),
        ({"warm": -1}, "a warm-up of 0 or more"),
        ({"rate": 0.0}, "a rate above 0"),
        ({"directions": 5}, "1 to 4 directions, got 5"),
        ({"directions": 0}, "1 to 4 directions, got 0"),
        ({"x": normal(2)}, "an input of 3 channels, got 2"),
    ],
)
def test_what_does_not_fit_is_refused(words, message):
    with pytest.raises(BadInput, match=message):
        orbits(Elman(4, inputs=3), torch.zeros(1, 4), **words)


CIRCLE = np.stack([np.cos(0.3 * np.arange(100)), np.sin(0.3 * np.arange(100))], 1)


@pytest.mark.parametrize(
    ("scale", "middle", "still", "rest"),
    [
        (1e-9, 0.0, 0.0, False),
        (1e9, 0.0, 0.0, False),
        (10.0, 1e8, 0.0, True),
        (1000.0, 1e8, 0.0, False),
        (1e-3, 0.0, 2e-3, True),
        (1e-3, 0.0, 0.5e-3, False),
    ],
)
def test_what_moves_less_than_its_size_or_the_starts_allow_is_at_rest(scale, middle, still, rest):
    """A circle of radius `scale`: a millionth of where it lies, or what is told, is rest."""
    found = _orbit(middle + scale * CIRCLE, still, 1, np.random.default_rng(0))
    assert (found.size == 0) == rest == np.isnan(found.share)
    if not rest:
        assert found.size == pytest.approx(scale, rel=1e-2) and found.share == pytest.approx(1)


@pytest.mark.parametrize("period", [3, 7.5, 40, 97])
def test_the_first_return_is_at_the_period(period: float):
    found = comb(np.sin(2 * np.pi * np.arange(400) / period)[:, None])
    assert 1 / found.frequency == pytest.approx(period, abs=0.7) and found.share > 0.9


@pytest.mark.parametrize(("second", "lag"), [(0.3, 20), (0.2, 10)])
def test_a_lag_that_leaves_less_of_the_trajectory_is_no_worse_return(second: float, lag: int):
    """A wave of 10 steps and a weaker one of 20, of which there are four periods.

    After 10 steps it comes back to (1 - w^2) / (1 + w^2) of its variance, w the weaker amplitude: 0.83 is
    more than a tenth worse than after 20, 0.92 is not. Less is left after 20, which makes no difference.
    """
    t = np.arange(80)
    found = comb((np.cos(2 * np.pi * t / 10) + second * np.cos(2 * np.pi * t / 20))[:, None])
    assert 1 / found.frequency == pytest.approx(lag, abs=0.7)


def test_noise_of_a_surrogate_has_the_variance_and_the_memory_of_what_it_stands_for():
    seen = noise(3, 0.9) * [1.0, 5.0, 20.0]
    dice = np.random.default_rng(0)
    drawn = [_noise(seen, dice) for _ in range(200)]
    np.testing.assert_allclose(np.mean([one.var(0) for one in drawn], 0), seen.var(0), rtol=0.15)
    first = np.array([one[0] for one in drawn])
    np.testing.assert_allclose(first.var(0), seen.var(0), rtol=0.3)
    centred = seen - seen.mean(0)
    slow = (centred[1:] * centred[:-1]).mean(0) / seen.var(0)
    found = np.mean([(one[1:] * one[:-1]).mean(0) / (one**2).mean(0) for one in drawn], 0)
    np.testing.assert_allclose(found, slow, atol=0.05)
