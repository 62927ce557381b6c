"""Gamma events of known times, and whether they come at a phase of delta."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from wavetrain.errors import BadInput
from wavetrain.lenses.space.gamma_events import gamma_events

RATE = 400.0


def delta(dice: np.random.Generator, seconds: int) -> np.ndarray:
    """The phase of a rhythm of 2 Hz that wanders."""
    time = np.arange(seconds * int(RATE)) / RATE
    return 2 * np.pi * 2 * time + 0.06 * dice.standard_normal(len(time)).cumsum()


def locked(depth: float, seed: int = 0, seconds: int = 60) -> np.ndarray:
    """Noise of 50 to 90 Hz, strongest in the trough of delta by that depth."""
    dice = np.random.default_rng(seed)
    phase = delta(dice, seconds)
    sections = butter(3, (50, 90), "bandpass", fs=RATE, output="sos")
    gamma = sosfiltfilt(sections, dice.standard_normal(len(phase)))
    noise = 0.05 * dice.standard_normal(len(phase))
    return (3 * np.cos(phase) + (1 + depth * np.cos(phase - np.pi)) * gamma + noise)[:, None]


@pytest.mark.parametrize("depth", [0.5, 1.0])
def test_events_come_in_the_trough(depth: float):
    found = gamma_events(locked(depth), RATE, draws=99)
    assert found.p[0] == 0.01 and found.rayleigh[0] > 10
    assert abs(np.angle(np.exp(1j * (found.preferred[0] - np.pi)))) < 0.3
    assert found.rayleigh[0] == pytest.approx(len(found.time) * found.locking[0] ** 2)
    assert found.locking[0] == pytest.approx(np.abs(np.exp(1j * found.phase).mean()), abs=1e-6)


def test_events_of_no_phase_pass_as_often_as_the_test_says():
    found = [gamma_events(locked(0.0, seed, 30), RATE, draws=39) for seed in range(40)]
    p = np.array([one.p[0] for one in found])
    assert (p <= 0.05).sum() <= 6 and abs(p.mean() - 0.5) < 0.15
    assert 0.4 < np.mean([one.rayleigh[0] for one in found]) < 2.5


def bursts(times: np.ndarray, seconds: int = 20) -> np.ndarray:
    """Gabor bursts of 70 Hz on a delta wave that does not wander, in little noise."""
    time = np.arange(seconds * int(RATE)) / RATE
    gamma = sum(np.exp(-(((time - at) / 0.03) ** 2)) * np.cos(2 * np.pi * 70 * (time - at)) for at in times)
    noise = 0.05 * np.random.default_rng(0).standard_normal(len(time))
    return (3 * np.cos(2 * np.pi * 2 * time) + gamma + noise)[:, None]


def test_bursts_are_found_at_their_times_one_for_each_cycle():
    times = 2.25 + 0.5 * np.arange(32)  # in each trough
    found = gamma_events(bursts(times), RATE)
    assert len(found.time) == 32
    np.testing.assert_allclose(found.time, times, atol=0.006)
    np.testing.assert_allclose(np.abs(found.phase), np.pi, atol=0.15)
    assert found.single[0] > 0.85 and found.locking[0] > 0.95
    assert found.rate[0] == pytest.approx(32 / (20 - 2 * 1.2), rel=0.15)
    assert 0.02 < np.median(found.duration) < 0.12 and np.median(found.amplitude) == pytest.approx(
        1, rel=0.25
    )
    every_other = gamma_events(bursts(times[::2]), RATE)
    assert every_other.single[0] == pytest.approx(0.5, abs=0.08)


def test_moved_events_stay_as_far_apart_as_they_are():
    """One cluster of events is one draw: locked to whatever is there, and no more than by chance."""
    found = gamma_events(bursts(10 + 0.1 * np.arange(2)), RATE)
    assert found.locking[0] > 0.5 and found.p[0] > 0.05


def test_units_gaps_trials_and_channels_without_gamma():
    series = locked(1.0)
    one, two = gamma_events(series, RATE, draws=9), gamma_events(1e-6 * series + 5, RATE, draws=9)
    np.testing.assert_allclose(two.amplitude, 1e-6 * one.amplitude, rtol=1e-6)
    np.testing.assert_allclose(two.limit, 1e-6 * one.limit, rtol=1e-6)
    np.testing.assert_array_equal(two.time, one.time)
    field = np.repeat(series, 3, 1)
    field[8000:8400, 0], field[:, 1], field[:, 2] = np.nan, 1.0, np.nan
    found = gamma_events(field, RATE, draws=9)
    assert set(found.channel) == {0} and np.isnan(found.p[1:]).all() and np.isnan(found.rate[1:]).all()
    assert not ((found.time > 19.5) & (found.time < 21.5)).any()
    trials = gamma_events(series.reshape(2, -1, 1), RATE, draws=9)
    assert set(trials.trial) == {0, 1} and trials.time.max() < 30


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"slow": (40, 60)}, "a slow band below 50 to 90 Hz, got 40 to 60 Hz"),
        ({"fast": (150, 220)}, "wants a rate above 440 Hz, got 400 Hz"),
        ({"deviations": 0.0}, "above 0"),
        ({"cycles": -1.0}, "above 0"),
        ({"slow": (0.05, 1)}, "without a gap"),
    ],
)
def test_what_cannot_be_read_is_refused(given, message):
    with pytest.raises(BadInput, match=message):
        gamma_events(locked(0.5), RATE, **given)
