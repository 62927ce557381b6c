"""Phase precession: slopes that were planted, and none."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.lenses.space.phase_precession import phase_precession


def spikes(
    slope: float, spread: float = 0.6, count: int = 80, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    value = dice.uniform(0, 1, count)
    phase = 1.3 + slope * value + spread * dice.standard_normal(count)
    return np.angle(np.exp(1j * phase)), value


def test_an_exact_line_is_found_exactly():
    for slope in (-5.0, -2.0, 0.5, 8.0):
        found = phase_precession(*spikes(slope, 0.0), draws=9)
        assert found.slope == pytest.approx(slope, abs=1e-6) and found.resultant == pytest.approx(1)
        assert found.offset == pytest.approx(1.3, abs=1e-6) and found.slope_error < 1e-4
        assert found.correlation * np.sign(slope) > 0.9 and found.p == 0.1


@pytest.mark.parametrize("slope", [-4.0, 3.0])
def test_a_slope_in_noise_is_found_within_its_error(slope: float):
    found = [phase_precession(*spikes(slope, seed=seed), draws=99) for seed in range(20)]
    off = np.array([one.slope - slope for one in found])
    assert all(one.p == 0.01 for one in found)
    assert 0.6 < np.mean([one.slope_error for one in found]) / off.std() < 1.6
    assert abs(off.mean()) < 0.2 and all(one.correlation * slope > 0 for one in found)


def test_no_slope_passes_as_often_as_the_test_says():
    """Phases that come at one part of the cycle, whatever the value: at most 9 of 100 below 0.05."""
    p = np.array([phase_precession(*spikes(0.0, 1.0, seed=seed), draws=39).p for seed in range(100)])
    assert (p <= 0.05).mean() <= 0.1 and abs(p.mean() - 0.5) < 0.1


def test_units_and_zero_of_values_and_phases():
    phase, value = spikes(-4.0)
    one, two = phase_precession(phase, value), phase_precession(phase + 1, 200 * value - 30)
    assert two.slope == pytest.approx(one.slope / 200) and two.slope_error == pytest.approx(
        one.slope_error / 200
    )
    assert two.p == one.p and two.resultant == pytest.approx(one.resultant)
    moved = np.angle(np.exp(1j * (one.offset + 1 - two.offset + two.slope * 30)))
    assert moved == pytest.approx(0, abs=1e-6)


def test_spikes_that_are_missing_are_left_out():
    phase, value = spikes(-4.0)
    whole = phase_precession(phase[10:], value[10:])
    phase[:5], value[5:10] = np.nan, np.nan
    found = phase_precession(phase, value)
    assert found.spikes == 70 and found.slope == whole.slope and found.p == whole.p


def test_a_slope_is_looked_for_as_far_as_is_said():
    phase, value = spikes(-9.0, 0.2)
    assert phase_precession(phase, value).slope == pytest.approx(-9, abs=0.3)
    assert abs(phase_precession(phase, value, most=1.0).slope) <= 2 * np.pi / np.ptp(value) + 1e-9


PHASE, VALUE = spikes(-4.0)


@pytest.mark.parametrize(
    ("phase", "value", "given", "message"),
    [
        (PHASE[:4], VALUE[:4], {}, "5 spikes or more with a phase and a value, got 4"),
        (PHASE, np.full(80, 0.3), {}, "values that differ, got 80 times 0.3"),
        (PHASE, VALUE[:79], {}, r"got \(80,\) and \(79,\)"),
        (PHASE, np.full(80, np.nan), {}, "got 0"),
        (PHASE, VALUE, {"most": 0.0}, "a steepest slope above 0"),
    ],
)
def test_what_cannot_be_read_is_refused(phase, value, given, message):
    with pytest.raises(BadInput, match=message):
        phase_precession(phase, value, **given)


def test_all_figures_by_hand():
    """The slope of the largest resultant of 40000, its error as in a regression, and the correlation."""
    phase, value = spikes(-5.0, 0.9, 30, seed=3)
    value = 7 * value - 2
    found = phase_precession(phase, value, draws=4, seed=5)
    slopes = np.linspace(-4 * np.pi, 4 * np.pi, 40_001) / np.ptp(value)

    def best(turned: np.ndarray) -> tuple[float, float]:
        size = np.abs(np.exp(1j * turned) @ np.exp(-1j * value[:, None] * slopes)) / 30
        return float(slopes[size.argmax()]), float(size.max())

    slope, resultant = best(phase)
    assert found.slope == pytest.approx(slope, abs=2 * np.diff(slopes)[0])
    assert found.resultant == pytest.approx(resultant, abs=1e-6) and found.spikes == 30
    left = np.exp(1j * (phase - found.slope * value)).mean()
    assert found.offset == pytest.approx(np.angle(left)) and found.resultant == pytest.approx(np.abs(left))
    error = np.sqrt(-2 * np.log(found.resultant) / ((value - value.mean()) ** 2).sum())
    assert found.slope_error == pytest.approx(error)
    line = found.slope * value
    one, two = (np.sin(part - np.angle(np.exp(1j * part).mean())) for part in (phase, line))
    wanted = -(one @ two) / np.linalg.norm(one) / np.linalg.norm(two)
    assert found.correlation == pytest.approx(wanted) and found.slope < 0
    dice = np.random.default_rng(5)
    null = [best(np.angle(dice.permutation(np.exp(1j * phase))))[1] for _ in range(4)]
    np.testing.assert_allclose(found.null, null, atol=1e-5)
    assert found.p == (1 + (np.array(null) >= resultant).sum()) / 5


def test_five_spikes_are_enough_and_a_slope_ends_at_the_steepest():
    value = np.array([0.0, 1, 2, 3, 4])
    found = phase_precession(-0.5 * value, value, draws=2)
    assert found.slope == pytest.approx(-0.5) and found.spikes == 5
    steep = phase_precession(-0.5 * value, value, most=0.1, draws=0)
    assert steep.slope == pytest.approx(-0.1 * 2 * np.pi / 4)
    for most in (np.nan, np.inf, -1.0):
        with pytest.raises(BadInput, match="a steepest slope above 0"):
            phase_precession(value, value, most=most)


def test_phases_that_are_all_the_same_have_no_correlation():
    found = phase_precession(np.full(9, 0.7), np.arange(9.0), draws=3)
    assert (
        found.slope == 0 and found.correlation == 0 and found.resultant == pytest.approx(1) and found.p == 1
    )
