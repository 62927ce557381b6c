"""Generalized phase: turns are kept over bad samples, nothing is made up in gaps or trusted at borders."""

import numpy as np
import pytest
import torch
from scipy.interpolate import PchipInterpolator
from scipy.signal import butter, decimate, sosfreqz

from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.lenses.space.generalized_phase import _wrong, fill, generalized_phase

RATE = 1000.0
TIME = np.arange(4000) / RATE


def sine(frequency: float = 10.0, phase: float = 0.0, time: np.ndarray = TIME) -> np.ndarray:
    return np.cos(2 * np.pi * frequency * time + phase)


def circular(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    return np.abs(np.angle(np.exp(1j * (one - two))))


def test_no_turn_is_lost_over_samples_that_are_taken_out():
    """160 ms of a phase at 8 Hz, 1.28 turns: taken out first and unwrapped then, a whole turn is lost."""
    time = np.arange(2000) / RATE
    whole, blank = 2 * np.pi * 8 * time, np.zeros(2000, bool)
    blank[700:860] = True
    wrapped = np.angle(np.exp(1j * whole))
    mended = np.unwrap(wrapped)
    fill(mended, blank)
    assert np.abs(mended - whole).max() / (2 * np.pi) < 1e-12
    rates = np.diff(mended)[700:859] * RATE / (2 * np.pi)
    np.testing.assert_allclose(rates, 8, atol=1e-9)
    joined = np.unwrap(wrapped[~blank])  # the mistake that the order avoids
    assert (joined[-1] - whole[-1]) / (2 * np.pi) == pytest.approx(-1)


def test_filled_in_is_pchip():
    dice = np.random.default_rng(0)
    for share in (0.1, 0.6, 0.9):
        values = np.cumsum(dice.normal(0.5, 2, 3000))
        blank = dice.random(3000) < share
        blank[:3] = blank[-3:] = False
        known, mended = np.flatnonzero(~blank), values.copy()
        fill(mended, blank)
        np.testing.assert_allclose(
            mended, PchipInterpolator(known, values[known])(np.arange(3000)), atol=1e-9
        )


def test_ends_that_are_blank_stay_unknown():
    values, blank = np.arange(9.0), np.zeros(9, bool)
    blank[[0, 1, 4, 8]] = True
    fill(values, blank)
    np.testing.assert_array_equal(values, [np.nan, np.nan, 2, 3, 4, 5, 6, 7, np.nan])
    for blank in (np.ones(9, bool), np.arange(9) != 4):  # one known sample has no direction
        values = np.arange(9.0)
        fill(values, blank)
        assert np.isnan(values[blank]).all()


def test_a_run_is_stretched_and_stays_in_the_recording():
    low = np.zeros((2, 20), bool)
    low[0, 3:5] = low[0, 7] = low[1, 17:] = True
    wrong = _wrong(low, 3)
    assert np.flatnonzero(wrong[0]).tolist() == list(range(3, 10))
    assert np.flatnonzero(wrong[1]).tolist() == [17, 18, 19, 20]
    np.testing.assert_array_equal(_wrong(low, 1)[:, :-1], low)


@pytest.mark.parametrize("frequency", [6.0, 10.0, 30.0])
def test_a_sine_has_its_phase_frequency_and_amplitude(frequency: float):
    found = generalized_phase(3 * sine(frequency, 0.7)[:, None], RATE)
    known = np.isfinite(found.phase[:, 0])
    assert known.mean() == found.used[0] == 1 - 2 * round(found.border * RATE) / len(TIME)
    assert circular(found.phase[known, 0], 2 * np.pi * frequency * TIME[known] + 0.7).max() < 0.1
    middle = slice(1000, 3000)
    assert circular(found.phase[middle, 0], 2 * np.pi * frequency * TIME[middle] + 0.7).max() < 0.01
    np.testing.assert_allclose(found.frequency[middle, 0], frequency, rtol=0.01)
    _, gain = sosfreqz(butter(3, (5, 40), "bandpass", fs=RATE, output="sos"), [frequency], fs=RATE)
    np.testing.assert_allclose(found.amplitude[middle, 0], 3 * np.abs(gain[0]) ** 2, rtol=0.01)
    assert found.mended[0] == 0 and np.isnan(found.frequency[np.flatnonzero(known)[-1]])


def test_where_the_frequency_stays_in_the_band_it_is_the_plain_analytic_phase():
    series = sine(12.0) + 0.2 * sine(17.0)
    found = generalized_phase(series[:, None], RATE, (5, 40))
    plain = _rhythm.phasors("test", series[None, :, None], _rhythm.band_of("test", (5, 40), RATE))[0, :, 0]
    known = np.isfinite(plain)
    assert circular(found.phase[known, 0], np.angle(plain[known])).max() < 1e-9
    assert found.mended[0] == 0


def test_a_phase_that_turns_back_is_mended():
    """Of a random walk the plain phase turns back 7% of the time, the generalized phase 2%."""
    walk = np.random.default_rng(1).standard_normal((20_000, 3)).cumsum(0)
    plain = np.angle(_rhythm.phasors("test", walk[None], _rhythm.band_of("test", (5, 40), RATE)))[0]
    found = generalized_phase(walk, RATE)
    assert ((found.mended > 0.02) & (found.mended < 0.6)).all()
    back = [np.mean(np.angle(np.exp(1j * np.diff(one, axis=0))) < 0) for one in (plain, found.phase)]
    assert back[0] > 0.05 and back[1] < 0.03


def test_samples_that_are_missing_stay_missing_and_nothing_bridges_them():
    """10 s of 10 Hz, 4.0 to 4.2 s missing: pieces apart, their borders unknown, and the share is told."""
    time = np.arange(10_000) / RATE
    series = sine(10.0, time=time)
    series[4000:4200] = np.nan
    found = generalized_phase(np.stack([series, sine(10.0, time=time)], 1), RATE, (8, 12))
    border = round(found.border * RATE)
    known = np.isfinite(found.phase[:, 0])
    wanted = np.zeros(10_000, bool)
    wanted[border : 4000 - border] = wanted[4200 + border : -border] = True
    np.testing.assert_array_equal(known, wanted)
    assert found.used[0] == wanted.mean() < found.used[1] == 1 - 2 * border / 10_000
    assert np.isnan(found.frequency[4000 - border - 1 : 4200 + border, 0]).all()
    assert circular(found.phase[known, 0], 2 * np.pi * 10 * time[known]).max() < 0.1
    assert np.isfinite(found.frequency[known, 0]).sum() == known.sum() - 2


def test_the_border_of_a_piece_is_not_trusted():
    """A mean of 1 and a number of cycles that is not whole leak into the ends, which are masked."""
    time = np.arange(12_300) / RATE
    with pytest.raises(BadInput, match="got 2300 in"):
        generalized_phase((1 + sine(1.0, time=time[:2300]))[:, None], RATE, (0.5, 4.0))
    found = generalized_phase((1 + sine(1.0, time=time))[:, None], RATE, (0.5, 4.0))
    known = np.isfinite(found.phase[:, 0])
    assert found.border >= 2 and not known[: round(2 * RATE)].any()
    assert circular(found.phase[known, 0], 2 * np.pi * time[known]).max() < 0.1


def test_what_is_filtered_in_blocks_is_what_is_filtered_whole():
    """Channels alone, seven of them, or all at once; and on as many threads as there are."""
    series = np.random.default_rng(2).standard_normal((3000, 19))
    whole = generalized_phase(series, RATE)
    for size in (1, 7):
        parts = [generalized_phase(series[:, at : at + size], RATE).phase for at in range(0, 19, size)]
        assert np.nanmax(np.abs(np.concatenate(parts, 1) - whole.phase)) < 1e-9
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        np.testing.assert_array_equal(generalized_phase(series, RATE).phase, whole.phase)
    finally:
        torch.set_num_threads(threads)


def test_trials_are_looked_at_apart():
    series = np.random.default_rng(3).standard_normal((2, 3, 2000, 4))
    whole = generalized_phase(series, RATE)
    assert whole.phase.shape == series.shape and whole.used.shape == (4,)
    one = generalized_phase(torch.from_numpy(series[1, 2]), RATE)
    np.testing.assert_array_equal(whole.phase[1, 2], one.phase)
    np.testing.assert_array_equal(whole.frequency[1, 2], one.frequency)


@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_other_numbers_say_the_same(kind: type):
    series = np.round(1000 * sine(12.0)[:, None] + 300 * sine(9.0)[:, None])
    one, two = generalized_phase(series, RATE), generalized_phase(series.astype(kind), RATE)
    np.testing.assert_allclose(two.phase, one.phase, atol=1e-9)
    assert two.phase.dtype == np.float64


def test_another_rate_of_the_same_recording_says_the_same():
    time = np.arange(20_000) / RATE
    series = sine(11.0, time=time) + 0.5 * np.random.default_rng(4).standard_normal(20_000)
    one = generalized_phase(series[:, None], RATE, (8, 14)).phase[::4, 0]
    two = generalized_phase(decimate(series, 4)[:, None], RATE / 4, (8, 14)).phase[:, 0]
    both = np.isfinite(one) & np.isfinite(two)
    assert both.mean() > 0.9 and np.median(circular(one[both], two[both])) < 0.02


def test_flat_and_missing_channels_are_masked_and_leave_the_others_alone():
    series = np.random.default_rng(5).standard_normal((3000, 4))
    alone = generalized_phase(series[:, [0, 3]], RATE)
    series[:, 1], series[:, 2] = 7.3, np.nan
    found = generalized_phase(series, RATE)
    np.testing.assert_array_equal(found.phase[:, [0, 3]], alone.phase)
    assert found.used[[1, 2]].tolist() == [0, 0] and np.isnan(found.mended[[1, 2]]).all()


def test_a_band_without_power_has_no_phase():
    """What leaks from a tone outside the band is no rhythm inside it."""
    both = np.stack([sine(6.0), sine(6.0) + 1e-3 * sine(95.0)], 1)
    found = generalized_phase(both, RATE, (90, 100))
    assert found.used[0] == 0 and found.used[1] > 0.9


GOOD = sine()[:, None]


@pytest.mark.parametrize(
    ("series", "rate", "given", "message"),
    [
        (GOOD[:200], RATE, {}, r"wants 1000 steps \(1 s at 1000 Hz\) without a gap, got 200"),
        (GOOD[:1000], RATE, {"band": (4, 8)}, "4 to 8 Hz wants 1426 steps"),
        (GOOD.T, RATE, {}, r"got 1 in a recording \(time, channels\) \(1, 4000\)"),
        (GOOD, 60.0, {}, "up to 40 Hz wants a rate above 80 Hz, got 60 Hz"),
        (GOOD, 0.0, {}, "rate above 0"),
        (GOOD, np.nan, {}, "rate above 0"),
        (GOOD, RATE, {"band": (40, 5)}, "0 < low < high"),
        (GOOD, RATE, {"band": (0, 5)}, "0 < low < high"),
        (GOOD, RATE, {"lowest": 40.0}, "a lowest frequency below 40 Hz"),
        (GOOD, RATE, {"stretch": 0}, "a stretch of at least 1"),
        (GOOD[:, 0], RATE, {}, r"got \(4000,\)"),
        (GOOD[:, :0], RATE, {}, "one channel or more"),
        (GOOD * 1j, RATE, {}, "real numbers, got complex128"),
        (np.where(GOOD > 0.99, np.inf, GOOD), RATE, {}, "that are infinite"),
        (0 * GOOD + 3, RATE, {}, "a channel with power from 5 to 40 Hz, got 1 without any"),
        (np.full((4000, 2), np.nan), RATE, {}, "without a gap, got 0"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(series, rate, given, message):
    with pytest.raises(BadInput, match=message) as error:
        generalized_phase(series, rate, **given)
    assert "\n" not in str(error.value)
