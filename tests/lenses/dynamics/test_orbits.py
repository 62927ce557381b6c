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
    found = [_orbit(noise(seed, slow), 0.0, 19, np.random.default_rng(seed)) for seed in range(60)]
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


@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_an_ellipse_is_told_by_hand(unit: float):
    """(5 - 3 cos a, 1 + sin a / 2, 2 cos a): its top is where the first is largest."""
    angle = 2 * np.pi * np.arange(400) / 16 + 0.8
    at = lambda a: np.stack([5 - 3 * np.cos(a), 1 + 0.5 * np.sin(a), 2 * np.cos(a)], -1)  # noqa: E731
    found = _orbit(unit * at(angle), 0.0, 3, np.random.default_rng(0))
    assert found.frequency == pytest.approx(1 / 16, abs=1e-7) and found.error < 1e-7
    assert found.share == pytest.approx(1) and found.p == 0.25 and found.null.shape == (3,)
    assert found.size == pytest.approx(unit * (9 / 2 + 1 / 8 + 4 / 2) ** 0.5)
    phase = np.linspace(-np.pi, np.pi, 100, endpoint=False)
    top = np.pi  # the first unit has the largest weight, which is positive
    np.testing.assert_allclose(found.cycle, unit * at(phase + top), atol=1e-4 * unit)
    np.testing.assert_allclose(np.exp(1j * found.phase), np.exp(1j * (angle - top)), atol=1e-4)
    assert found.phase.min() >= -np.pi and found.phase.max() <= np.pi


def test_error_is_half_the_difference_of_the_halves():
    """A turn that gets faster: 0.0625 cycles a step at first, 0.0627 at last."""
    steps = np.arange(400)
    angle = 2 * np.pi * np.where(steps < 200, 0.0625 * steps, 0.0625 * 200 + 0.0627 * (steps - 200))
    found = _orbit(np.stack([np.cos(angle), np.sin(angle)], 1), 0.0, 1, np.random.default_rng(0))
    assert found.error == pytest.approx(0.0001, rel=0.02)
    assert 0.0625 < found.frequency < 0.0627 and 0.98 < found.share < 1


def test_size_is_the_distance_from_the_middle_and_rest_has_none():
    moving = _orbit(np.array([[3.0, 0.0], [-3.0, 0.0]] * 20), 0.0, 1, np.random.default_rng(0))
    assert moving.size == 3
    pair = _orbit(np.array([[1.0, 5.0], [-1.0, 9.0]] * 20), 0.0, 1, np.random.default_rng(0))
    assert pair.size == pytest.approx(5**0.5) and 1 / pair.frequency == pytest.approx(2, rel=1e-2)
    still = _orbit(np.zeros((40, 2)), 0.0, 1, np.random.default_rng(0))
    assert still.size == 0 and np.isnan(still.share) and still.cycle.shape == (100, 2)
    lost = _orbit(np.linspace(0, 12, 40)[:, None], 0.0, 2, np.random.default_rng(0))
    assert lost.size == pytest.approx(12 * ((40**2 - 1) / 12) ** 0.5 / 39), (
        "a drift has a size, and no period"
    )
    assert np.isnan(lost.frequency) and np.isnan(lost.null).all() and np.isnan(lost.phase).all()


def test_share_is_of_the_variance_around_the_middle():
    """Half of it is of a unit that takes either of two values at random: ten harmonics leave most of that."""
    dice = np.random.default_rng(0)
    angle = 2 * np.pi * np.arange(400) / 8
    seen = np.stack([100 + np.cos(angle), dice.permutation([0.5**0.5, -(0.5**0.5)] * 200)], 1)
    found = _orbit(seen, 0.0, 1, dice)
    assert found.frequency == pytest.approx(1 / 8, rel=0.01)
    assert 0.5 < found.share < 0.5 + 0.5 * 20 / 400 + 0.03


def test_the_run_is_of_those_steps_that_are_behind_the_warm_up():
    """A turn by a quarter, 3 steps of warm-up and 24: no direction grows or shrinks."""
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]]).double()
    found = orbits(lambda h: h @ turn, torch.tensor([[2.0, 0.0]]), steps=24, warm=3, rate=0.5, surrogates=4)
    corners = [[0.0, -2.0], [2.0, 0.0], [0.0, 2.0], [-2.0, 0.0]]  # the third is where it is after three steps
    np.testing.assert_allclose(found.states[0], corners * 6, atol=1e-12)
    np.testing.assert_allclose(found.multiplier, [[1, 1]])
    assert found.period[0] == pytest.approx(8, rel=1e-2)
    assert found.frequency[0] * found.period[0] == pytest.approx(1)
    assert found.null.shape == (1, 4) and found.closed.tolist() == [True]
    assert found.size[0] == pytest.approx(2)
    least = orbits(lambda h: h @ turn, torch.tensor([[2.0, 0.0]]), steps=20, warm=0, surrogates=0)
    np.testing.assert_allclose(least.states[0, 0], [2, 0])


def test_what_is_at_rest_next_to_its_starts():
    """A circle of radius 1 from starts of 2 to the 21st, and to the 19th: a millionth is between."""
    for power, rest in ((21, True), (19, False)):

        def settle(h, power=power):
            return torch.where(
                h.abs().amax(1, keepdim=True) > 2, torch.tensor([0.6, 0.8]).double(), Planar(0.3)(h)
            )

        found = orbits(settle, torch.tensor([[2.0**power, 0.0]]), steps=60, warm=5, surrogates=0)
        assert found.rest.tolist() == [rest] and (found.size[0] == 0) == rest


def test_the_seed_draws_the_surrogates():
    one, two, other = (
        orbits(Planar(0.3), torch.ones(1, 2), surrogates=3, seed=seed).null for seed in (1, 1, 2)
    )
    assert np.array_equal(one, two, equal_nan=True)
    assert not np.array_equal(one, other, equal_nan=True)


def test_a_surrogate_starts_anew_and_goes_on_by_its_memory():
    """From the same dice, by a plain loop; a walk that never turns back is held to 0.999."""
    seen = noise(5, 0.7) + np.array([0.0, 100.0, 0.0])
    seen[:, 2] = np.arange(len(seen))
    drawn = _noise(seen, np.random.default_rng(8))
    dice = np.random.default_rng(8)
    white, first = dice.standard_normal(seen.shape), dice.standard_normal(3)
    for unit in range(3):
        centred = seen[:, unit] - seen[:, unit].mean()
        variance = (centred**2).mean()
        slow = min((centred[1:] * centred[:-1]).mean() / variance, 0.999)
        at = first[unit] * variance**0.5
        for t in range(len(seen)):
            if t:
                at = slow * at + white[t, unit] * (variance * (1 - slow**2)) ** 0.5
            assert drawn[t, unit] == pytest.approx(at)
    assert (_noise(np.ones((9, 2)), np.random.default_rng(0)) == 0).all()
