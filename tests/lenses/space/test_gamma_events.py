"""Gamma events of known times, and whether they come at a phase of delta."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.lenses.space.gamma_events import _runs, _single, gamma_events
from wavetrain.parts.nulls import least_shift

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


def test_runs_that_are_long_enough_end_with_their_trial():
    """Two trials of eight samples; three and more samples count, and the largest is where the event is."""
    high = np.array([1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1], dtype=bool)
    size = np.array([1, 3, 2, 9, 1, 1, 9, 7, 2, 1, 5, 9, 9, 4, 4, 3.0])
    start, stop, peak = _runs(high, size, 8, 3.0)
    assert start.tolist() == [0, 8, 13] and stop.tolist() == [3, 11, 16] and peak.tolist() == [1, 10, 13]
    assert _runs(high, size, 8, 1.0)[0].tolist() == [0, 4, 7, 8, 13]
    assert all(len(part) == 0 for part in _runs(high, size, 8, 3.01))


def test_the_share_of_whole_cycles_with_one_event():
    """Whole cycles of ten samples, from 6, 16, 26 and 36 on: with one event, two or none, or a gap."""
    phase = 2 * np.pi * (np.arange(50) - 0.5) / 10
    known = np.ones(50, dtype=bool)
    begins = np.flatnonzero(np.diff(np.angle(np.exp(1j * phase))) < 0) + 1
    assert begins.tolist() == [6, 16, 26, 36, 46]
    assert _single(phase, known, np.array([6, 15, 16, 26, 35, 3, 47])) == 1 / 4
    assert _single(phase, known, np.array([5, 16, 25, 45, 46])) == 1 / 4
    known[30] = False
    assert _single(phase, known, np.array([6, 16, 26])) == 2 / 3
    known[36] = False
    assert _single(phase, known, np.array([6])) == 1 / 2
    assert np.isnan(_single(phase[:16], np.ones(16, dtype=bool), np.array([6])))


def test_all_figures_by_hand():
    """Two trials with a gap and two channels, from the analytic signals of both bands."""
    field = np.stack([np.concatenate([locked(1.0, seed, 20) for seed in (s, s + 9)], 1) for s in (1, 2)])
    field[0, 3000:3010, 0] = np.nan
    found = gamma_events(field, RATE, deviations=1.2, cycles=1.5, draws=5, seed=7)
    fast, slow = (
        _rhythm.phasors("a test", field, _rhythm.band_of("a test", band, RATE)) for band in ((50, 90), (1, 4))
    )
    rows = []
    for channel in range(2):
        size, phase = np.abs(fast[..., channel]), np.angle(slow[..., channel])
        known = np.isfinite(size) & np.isfinite(phase)
        limit = size[known].mean() + 1.2 * size[known].std()
        assert found.limit[channel] == pytest.approx(limit)
        number, own = np.cumsum(known).reshape(known.shape) - 1, []
        for trial in range(2):
            begin = None
            for step in range(size.shape[1] + 1):
                high = step < size.shape[1] and known[trial, step] and size[trial, step] > limit
                if high and begin is None:
                    begin = step
                if not high and begin is not None:
                    if step - begin >= 1.5 * RATE / 70:
                        peak = begin + size[trial, begin:step].argmax()
                        own.append((peak / RATE, (step - begin) / RATE, channel, trial, size[trial, peak]))
                        own[-1] += (phase[trial, peak], number[trial, peak])
                    begin = None
        rows += own
        course = np.exp(1j * phase[known])
        at = np.array([one[-1] for one in own])
        seconds = known.sum() / RATE
        assert found.rate[channel] == pytest.approx(len(own) / seconds)
        assert found.rate_error[channel] == pytest.approx(np.sqrt(len(own)) / seconds)
        mean = course[at].mean()
        assert found.locking[channel] == pytest.approx(abs(mean))
        assert found.preferred[channel] == pytest.approx(np.angle(mean))
        assert found.rayleigh[channel] == pytest.approx(len(own) * abs(mean) ** 2)
        error = np.sqrt((1 - abs(mean) ** 2) / (2 * len(own))) / abs(mean)
        assert found.preferred_error[channel] == pytest.approx(error)
        least = least_shift(len(course), None)
        moves = np.random.default_rng(7).integers(least, len(course) - least + 1, 5)
        null = [abs(np.roll(course, -move)[at].mean()) for move in moves]
        np.testing.assert_allclose(found.null[:, channel], null)
        assert found.p[channel] == (1 + (np.array(null) >= abs(mean)).sum()) / 6
    table = found.time, found.duration, found.channel, found.trial, found.amplitude, found.phase
    np.testing.assert_allclose(np.stack(table, 1), np.array(rows)[:, :6], atol=1e-9)
    assert len(rows) > 20


def test_a_limit_that_nothing_exceeds_leaves_no_events():
    found = gamma_events(locked(0.5, seconds=20), RATE, deviations=50.0, draws=2)
    assert len(found.time) == 0 and found.rate.tolist() == [0] and found.rate_error.tolist() == [0]
    for part in (found.locking, found.preferred, found.preferred_error, found.single, found.null, found.p):
        assert np.isnan(part).all()
    with pytest.raises(BadInput, match="above 0"):
        gamma_events(locked(0.5, seconds=20), RATE, cycles=0.0)
    with pytest.raises(BadInput, match="a slow band below 50 to 90 Hz, got 10 to 50 Hz"):
        gamma_events(locked(0.5, seconds=20), RATE, slow=(10, 50))
