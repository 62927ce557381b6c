"""Synthetic spindles in pink noise: as many at each rate, at their times, and few where there are none."""

import numpy as np
import pytest
from scipy.signal import butter, resample_poly, sosfiltfilt
from scipy.signal.windows import tukey

from wavetrain.errors import BadInput
from wavetrain.lenses.space.spindles import (
    CORRELATION,
    SHARE,
    _Course,
    _course,
    _events,
    _redrawn,
    _trimmed,
    spindles,
)

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


@pytest.mark.parametrize("band", [(1.0, 15.0), (12.0, 30.0), (0.5, 15.0)])
def test_a_band_that_touches_the_broad_one_is_not_inside(band: tuple[float, float]):
    with pytest.raises(BadInput, match="inside of 1 to 30 Hz"):
        spindles(at(NIGHT, 100), 100.0, band=band)


def course(mask: list[bool], start: float = 3.0) -> _Course:
    """Steps of a tenth of a second at which two measures say yes, just so, or one does."""
    yes = np.array(mask)
    steps = np.arange(len(yes))
    share, correlation = np.full(len(yes), SHARE), np.where(yes, CORRELATION, CORRELATION - 1e-9)
    return _Course(start + 0.1 * steps, share, correlation, np.ones(len(yes)), steps + 1.0, 12 + steps % 3.0)


def runs(*lengths: int) -> list[bool]:
    """So many no, yes, no, yes ..."""
    return [bool(which % 2) for which, many in enumerate(lengths) for _ in range(many)]


@pytest.mark.parametrize(
    ("lengths", "wanted"),
    [
        ((2, 4, 9), []),
        ((2, 5, 9), [(2, 5)]),
        ((0, 20, 1), [(0, 20)]),
        ((2, 21, 1), []),
        ((1, 5, 4, 5, 1), [(1, 14)]),  # less than half a second apart
        ((1, 5, 5, 6, 1), [(1, 5), (11, 6)]),
        ((1, 2, 3, 1, 4, 3), [(1, 13)]),
        ((1, 5, 6, 3, 2, 4, 1), [(1, 5), (12, 9)]),
        ((1, 15, 4, 3), []),
    ],
)
def test_pieces_are_joined_and_kept_by_their_length(lengths: tuple[int, ...], wanted: list):
    """Half a second apart is apart, half a second long is long enough, and two seconds are not too long."""
    found = _events(course(runs(*lengths)), limit=1.0)
    assert len(found) == len(wanted)
    for (onset, long, amplitude, hertz), (first, many) in zip(found, wanted, strict=True):
        assert onset == pytest.approx(3 + 0.1 * first - 0.05) and long == pytest.approx(0.1 * many)
        assert amplitude == first + many
        assert hertz == np.median(12 + np.arange(first, first + many) % 3)


@pytest.mark.parametrize(("limit", "there"), [(1.0, False), (1 - 1e-9, True)])
def test_a_size_at_its_limit_is_no_vote(limit: float, there: bool):
    assert bool(_events(course([False] * 8), limit)) == there


def test_measures_of_a_tone_beside_others():
    """10 Hz of amplitude 3 in twice that and 5: (9 / 2) / (36 / 2 + 25); windows hold whole periods."""
    time = np.arange(700) / 100
    sigma = 3 * np.exp(2j * np.pi * 10 * time)
    found = _course(sigma, 2 * sigma.real + 5, 100.0, 40.0)
    assert found is not None
    np.testing.assert_allclose(found.time, 40 + np.arange(1, 6, 0.1))
    np.testing.assert_allclose(found.share, 4.5 / 43)
    np.testing.assert_allclose(found.correlation, 1)
    np.testing.assert_allclose(found.size, 3 / np.sqrt(2))
    np.testing.assert_allclose(found.amplitude, 3)
    np.testing.assert_allclose(found.frequency, 10)
    silent = _course(0 * sigma, 0 * time, 100.0, 0.0)
    assert silent is not None and not (silent.share.any() or silent.correlation.any() or silent.size.any())
    assert _course(sigma[:399], sigma[:399].real, 100.0, 0.0) is None
    assert _course(sigma[:400], sigma[:400].real, 100.0, 0.0) is not None


def test_a_step_is_measured_where_it_lies():
    """Of noise in 30 samples about each step, and in 200 for the share."""
    dice = np.random.default_rng(6)
    sigma, whole = dice.standard_normal(650) + 1j * dice.standard_normal(650) + 0.5, dice.standard_normal(650)
    found = _course(sigma, whole + 0.7 * sigma.real, 100.0, 0.0)
    assert found is not None and len(found.time) == 45
    for number, middle in enumerate(range(100, 550, 10)):
        near, far = slice(middle - 15, middle + 15), slice(middle - 100, middle + 100)
        real, both = sigma.real, whole + 0.7 * sigma.real
        assert found.correlation[number] == pytest.approx(np.corrcoef(real[near], both[near])[0, 1])
        assert found.size[number] == pytest.approx(np.sqrt((real[near] ** 2).mean()))
        assert found.share[number] == pytest.approx((real[far] ** 2).sum() / (both[far] ** 2).sum())
        assert found.amplitude[number] == np.abs(sigma[middle])
        turn = np.angle(sigma[middle + 1] / sigma[middle])
        assert found.frequency[number] == pytest.approx(turn * 100 / (2 * np.pi))


def test_a_deviation_without_a_tenth_at_each_end():
    """Of 0 to 10 without 0 and 10: the variance of nine numbers in a row is 7.5."""
    assert _trimmed(np.array([10.0, *range(1, 10), 0])) == pytest.approx(np.sqrt(7.5))


def test_a_null_has_the_spectrum_of_each_piece_and_its_gaps():
    series = np.random.default_rng(0).standard_normal((2, 60, 2)) + 4
    series[0, 21:30, 1] = np.nan
    given = series.copy()
    found = _redrawn(series, np.random.default_rng(1))
    np.testing.assert_array_equal(series, given)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(given))
    for part in ((1, slice(None), 0), (0, slice(0, 21), 1), (0, slice(30, 60), 1)):
        one, two = np.fft.rfft(given[part]), np.fft.rfft(found[part])
        last = -1 if len(given[part]) % 2 == 0 else None  # at half the rate there is no phase to draw
        np.testing.assert_allclose(np.abs(two[1:last]), np.abs(one[1:last]), rtol=1e-9)
        assert abs(two[0]) < 1e-9 and np.abs(np.angle(two[1:last] / one[1:last])).max() > 0.5
