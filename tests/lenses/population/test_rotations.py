"""Rotations that were planted, and smooth activity that has none."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.stats import ortho_group

from wavetrain.errors import BadInput
from wavetrain.lenses.population.rotations import rotations


def smooth(seed: int, units: int = 15) -> np.ndarray:
    """Six smooth signals that know nothing of each other, seen by all units: (10, 20, units)."""
    dice = np.random.default_rng(seed)
    latent = gaussian_filter1d(dice.standard_normal((10, 60, 6)), 5, axis=1)[:, 20:40]
    return latent @ dice.standard_normal((6, units)) + 0.02 * dice.standard_normal((10, 20, units))


def turning(speeds: list[float], sizes: list[float], units: int = 12) -> np.ndarray:
    """Turns in planes at right angles, of phases that differ from condition to condition."""
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, (8, len(speeds)))
    angle = np.arange(50)[:, None] * np.array(speeds) + phase[:, None]
    planes = np.stack([np.cos(angle), np.sin(angle)], -1) * np.array(sizes)[:, None]
    axes = ortho_group.rvs(units, random_state=1)[: 2 * len(speeds)]
    return planes.reshape(8, 50, -1) @ axes


def test_turns_without_noise_are_found_exactly():
    found = rotations(turning([0.5, 0.2], [1.0, 2.0]), planes=2, rate=100, draws=19)
    np.testing.assert_allclose(found.frequency, [50 / (2 * np.pi), 20 / (2 * np.pi)], rtol=1e-6)
    assert found.r2 == pytest.approx(1) and found.r2_any == pytest.approx(1) and found.p == 0.05
    assert found.held == pytest.approx(1) and found.variance.sum() == pytest.approx(1)
    one = found.projected[..., 0, :]
    angle = np.unwrap(np.arctan2(one[..., 1], one[..., 0]), axis=1)
    np.testing.assert_allclose(np.diff(angle), 0.5, atol=1e-6)
    flat = found.axes.reshape(12, -1)
    np.testing.assert_allclose(flat.T @ flat, np.eye(4), atol=1e-9)


def test_a_turn_in_smooth_noise_is_found():
    """0.25 rad a step, beside six smooth signals and white noise."""
    for seed in range(4):
        dice = np.random.default_rng(seed)
        angle = 0.25 * np.arange(20) + dice.uniform(0, 6, 10)[:, None]
        turn = np.stack([np.cos(angle), np.sin(angle)], -1) @ ortho_group.rvs(15, random_state=seed)[:2]
        found = rotations(turn + 0.15 * smooth(seed), planes=2, draws=19)
        assert found.p == 0.05 and found.r2 > found.null.max() + 0.05
        assert found.frequency[0] * 2 * np.pi == pytest.approx(0.25, abs=0.04)
        assert found.r2 <= found.r2_any <= 1


def test_smooth_activity_passes_as_often_as_the_test_says():
    p = np.array([rotations(smooth(seed), planes=2, draws=19, seed=1000 + seed).p for seed in range(80)])
    assert (p <= 0.05).sum() <= 11 and abs(p.mean() - 0.525) < 0.12


def test_conditions_that_turn_against_each_other_share_no_sense():
    value = turning([0.3], [1.0])
    along = rotations(value, planes=1, draws=99)
    value[::2] = value[::2, ::-1]
    assert along.p == 1 / 64 and rotations(value, planes=1, draws=99).p > 0.2


def test_few_conditions_have_few_ways_backwards_and_two_have_none():
    few = rotations(turning([0.3], [1.0])[:4], planes=1, draws=99)
    assert len(few.null) == 3 and few.p == 0.25
    many = rotations(turning([0.3], [1.0]), planes=1, draws=99)
    assert len(many.null) == 2**6 - 1
    for count in (1, 2):
        assert np.isnan(rotations(turning([0.3], [1.0])[:count], planes=1).p)


def test_what_grows_without_a_turn_does_not_turn():
    dice = np.random.default_rng(2)
    growing = np.exp(np.arange(30) / 15)[:, None] * dice.standard_normal((9, 1, 6))
    found = rotations(growing, planes=2, draws=0)
    assert abs(found.r2) < 1e-6 and found.r2_any == pytest.approx(1)


def test_what_all_conditions_share_is_left_out():
    value = turning([0.3], [1.0])
    shared = 5 * np.sin(np.arange(50) / 3)[None, :, None] * np.ones(12)
    one, two = rotations(value, planes=1, draws=9), rotations(value + shared, planes=1, draws=9)
    assert two.r2 == pytest.approx(one.r2) and two.p == one.p
    assert rotations(value[:1], planes=1, draws=0).r2 > 0.9, "a single condition keeps its own"


def test_nothing_that_moves_has_no_score():
    found = rotations(np.ones((3, 10, 4)), planes=1, draws=3)
    assert np.isnan([found.r2, found.r2_any, found.p, found.held]).all() and (found.frequency == 0).all()


@pytest.mark.parametrize(
    ("shape", "words", "message"),
    [
        ((10, 4), {}, r"\(conditions, time, units\), got \(10, 4\)"),
        ((3, 2, 4), {"planes": 1}, "three steps or more .* got 2 steps"),
        ((3, 10, 4), {"planes": 3}, "from 1 to 2 planes"),
        ((3, 10, 4), {"planes": 0}, "from 1 to 2 planes"),
        ((3, 10, 4), {"planes": 1, "rate": 0.0}, "a rate above 0"),
    ],
)
def test_what_does_not_fit_is_refused(shape, words, message):
    with pytest.raises(BadInput, match=message):
        rotations(np.random.default_rng(0).standard_normal(shape), **words)


def test_what_the_planes_do_not_hold_is_told():
    """Turns of size 1 and 2 by whole circles: one plane holds what the larger one varies."""
    angle = 2 * np.pi / 10 * np.arange(20)[:, None] * [1, 2] + np.arange(5)[:, None, None] * [1.0, 2.5]
    value = (np.stack([np.cos(angle), np.sin(angle)], -1) * [[1.0], [2.0]]).reshape(5, 20, 4)
    one, both = rotations(value, planes=1, draws=0), rotations(value, planes=2, draws=0)
    centred = value - value.mean(0)
    kept = (centred[..., 2:] ** 2).sum() / (centred**2).sum()
    assert one.held == pytest.approx(kept) and one.variance[0] == pytest.approx(kept)
    assert both.held == pytest.approx(1) and sorted(both.variance) == pytest.approx([1 - kept, kept])
    large = rotations(5e3 * value, planes=2, draws=0).projected  # its axes may be turned in their plane
    np.testing.assert_allclose(np.linalg.norm(large, axis=3), 5e3 * np.linalg.norm(both.projected, axis=3))
    assert rotations(np.eye(3)[None, :, :2] / 3, planes=1, draws=0).held == pytest.approx(1)


def test_the_error_leaves_each_condition_out_in_turn():
    value = smooth(7)[:5, :, :4]
    left = [rotations(np.delete(value, one, 0), planes=1, draws=0).r2 for one in range(5)]
    assert rotations(value, planes=1, draws=0).error == pytest.approx(np.sqrt(4 * np.var(left)))
    assert np.isfinite(rotations(value[:3], planes=1, draws=0).error)
    for count in (1, 2):
        assert np.isnan(rotations(value[:count], planes=1, draws=0).error)


@pytest.mark.parametrize(
    ("shape", "most"), [((3, 10, 4), 2), ((3, 10, 5), 2), ((2, 3, 9), 1), ((1, 5, 9), 2), ((4, 3, 40), 4)]
)
def test_as_many_planes_as_there_is_room_for(shape: tuple[int, ...], most: int):
    """Pairs of units, or of steps of conditions but one; never more than three where none are named."""
    value = np.random.default_rng(3).standard_normal(shape)
    assert len(rotations(value, planes=most, draws=0).frequency) == most
    assert len(rotations(value, draws=0).frequency) == min(most, 3)
    with pytest.raises(BadInput, match=f"from 1 to {most} planes"):
        rotations(value, planes=most + 1)
