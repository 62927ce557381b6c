"""Synthetic spindles in pink noise: as many at each rate, at their times, and few where there are none."""

import numpy as np
import pytest
from scipy.signal import butter, resample_poly, sosfiltfilt
from scipy.signal.windows import tukey

from wavetrain.errors import BadInput
from wavetrain.lenses.space.spindles import spindles

SECONDS, FULL = 300, 1000
ONSETS = 10 + 14.3 * np.arange(20)


def pink(seconds: int, seed: int = 0) -> np.ndarray:
    """Noise of power 1 / f and deviation 1, at 1 kHz."""
    size = seconds * FULL
    frequency = np.fft.rfftfreq(size)
    frequency[0] = frequency[1]
    drawn = np.fft.rfft(np.random.default_rng(seed).standard_normal(size)) / np.sqrt(frequency)
    noise = np.fft.irfft(drawn, size)
    return noise / noise.std()


def night(loud: float = 5.0, seed: int = 0) -> np.ndarray:
    """Twenty bursts of 13 Hz and 1 s, so many times as large as the noise of 12 to 15 Hz."""
    noise, time = pink(SECONDS, seed), np.arange(SECONDS * FULL) / FULL
    own = sosfiltfilt(butter(3, (12, 15), "bandpass", fs=FULL, output="sos"), noise).std()
    for onset in ONSETS:
        there = (time >= onset) & (time < onset + 1)
        noise[there] += (
            loud * np.sqrt(2) * own * tukey(there.sum(), 0.3) * np.sin(2 * np.pi * 13 * time[there])
        )
    return noise


def at(series: np.ndarray, rate: int) -> np.ndarray:
    return resample_poly(series, rate // np.gcd(rate, FULL), FULL // np.gcd(rate, FULL))[:, None]


NIGHT = night()


@pytest.mark.parametrize("rate", [100, 128, 200, 250, 256, 500, 1000])
def test_twenty_bursts_are_twenty_at_any_rate(rate: int):
    """Windows and steps in whole samples would make it eight times as many at some rates."""
    found = spindles(at(NIGHT, rate), rate, draws=0)
    assert 18 <= len(found.onset) <= 22
    hits = np.abs(found.onset[:, None] - ONSETS).min(0) < 0.3
    assert hits.sum() >= 18
    assert np.median(np.abs(found.onset[:, None] - ONSETS).min(0)) <= 0.1
    assert np.median(found.frequency) == pytest.approx(13, abs=0.4)
    assert np.median(found.duration) == pytest.approx(1.1, abs=0.2)


def test_most_are_found_and_most_that_are_found_are_there():
    """F1 of 0.8 or more over other nights."""
    for seed in (1, 2, 3):
        found = spindles(at(night(seed=seed), 200), 200.0, draws=0)
        overlap = (found.onset[:, None] < ONSETS + 1) & (
            found.onset[:, None] + found.duration[:, None] > ONSETS
        )
        precision, recall = overlap.any(1).mean(), overlap.any(0).mean()
        assert 2 * precision * recall / (precision + recall) >= 0.8


def test_the_rate_and_its_null():
    found = spindles(at(NIGHT, 100), 100.0, draws=19)
    assert found.p.tolist() == [0.05] and found.null.shape == (19, 1)
    assert found.rate[0] == pytest.approx(4, abs=0.6)
    assert found.rate_error[0] == pytest.approx(
        np.sqrt(len(found.onset)) / (len(found.onset) / found.rate[0])
    )
    assert found.bursts[0] > 1.5 * found.null.max()


def test_a_steady_rhythm_of_the_same_spectrum_is_no_spindle():
    """It passes the limits as often as spindles do, and comes in no bursts."""
    frequency = np.fft.rfft(at(NIGHT, 100)[:, 0])
    turn = np.exp(2j * np.pi * np.random.default_rng(9).random(len(frequency)))
    found = spindles(np.fft.irfft(frequency * turn, 30_000)[:, None], 100.0, draws=19)
    assert found.p[0] > 0.05 and len(found.onset) > 10


def test_noise_passes_as_often_as_the_test_says():
    """Of 24 channels of pink noise at most six below 0.1: more is left to one in a hundred."""
    field = np.concatenate([at(pink(40, seed), 100) for seed in range(24)], 1)
    p = spindles(field, 100.0, draws=9).p
    assert (p <= 0.1).sum() <= 6 and p.mean() > 0.35


def test_the_limit_is_of_the_recording_that_is_given():
    """Parts have limits of their own, so their counts need not add up; both are told."""
    series = at(NIGHT, 100)
    whole, half = spindles(series, 100.0, draws=0), spindles(series[:15_000], 100.0, draws=0)
    assert whole.limit[0] != half.limit[0] and whole.limit[0] == pytest.approx(half.limit[0], rel=0.3)
    trials = spindles(series.reshape(2, 15_000, 1), 100.0, draws=0)
    assert trials.limit[0] == pytest.approx(whole.limit[0], rel=0.05) and set(trials.trial) == {0, 1}
    assert abs(len(trials.onset) - len(whole.onset)) <= 1


def test_amplitude_is_in_the_unit_of_the_recording():
    one, two = (spindles(factor * at(NIGHT, 100), 100.0, draws=0) for factor in (1, 1e-6))
    np.testing.assert_allclose(two.amplitude, 1e-6 * one.amplitude)
    np.testing.assert_array_equal(two.onset, one.onset)
    np.testing.assert_allclose(two.limit, 1e-6 * one.limit)


def test_gaps_flat_and_missing_channels():
    series = np.repeat(at(NIGHT, 100), 3, 1)
    series[10_000:12_000, 0], series[:, 1], series[:, 2] = np.nan, 2.0, np.nan
    found = spindles(series, 100.0, draws=2)
    assert set(found.channel) == {0} and np.isnan(found.rate[1:]).all() and np.isnan(found.p[1:]).all()
    assert found.used.tolist()[1:] == [0, 0] and 0.9 < found.used[0] < 0.94
    assert not ((found.onset > 99) & (found.onset < 121)).any()


@pytest.mark.parametrize(
    ("series", "rate", "given", "message"),
    [
        (at(NIGHT, 100)[:300], 100.0, {}, "wants .* without a gap, got 300"),
        (at(NIGHT, 100)[:500], 100.0, {}, "4 s or more between borders and gaps"),
        (at(NIGHT, 100), 50.0, {}, "wants a rate above 60 Hz, got 50"),
        (at(NIGHT, 100), 100.0, {"band": (12, 35)}, "inside of 1 to 30 Hz, got 12 to 35 Hz"),
    ],
)
def test_what_cannot_be_read_is_refused(series, rate, given, message):
    with pytest.raises(BadInput, match=message):
        spindles(series, rate, **given)
