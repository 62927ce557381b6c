"""A recording in a band: what is read, where it is cut, how wide a border is, and what is analytic."""

import numpy as np
import pytest
import torch
from scipy import signal
from scipy.fft import next_fast_len

from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm

BAND = _rhythm.band_of("here", (4, 8), 100.0)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("shape", [(7, 2), (1, 7, 2), (3, 2, 7, 2)])
def test_a_recording_is_read_as_trials(shape: tuple[int, ...]):
    given = noise(*shape)
    for one in (given, torch.from_numpy(given).requires_grad_()):
        np.testing.assert_array_equal(_rhythm.read("here", one, 1.0), given.reshape(-1, 7, 2))
    assert np.shares_memory(_rhythm.read("here", given, 1.0), given)
    assert _rhythm.read("here", np.ones((3, 1), dtype=np.int16), 1.0).dtype == np.int16


@pytest.mark.parametrize(
    ("given", "rate", "message"),
    [
        (np.ones(3), 1.0, r"of one channel or more, got \(3,\)"),
        (np.ones((3, 0)), 1.0, r"of one channel or more, got \(3, 0\)"),
        (np.ones((3, 1), complex), 1.0, "real numbers, got complex128"),
        (np.ones((3, 1), bool), 1.0, "real numbers, got bool"),
        (np.ones((3, 1)), 0.0, "a rate above 0 in samples per second, got 0.0"),
        (np.ones((3, 1)), np.inf, "a rate above 0 in samples per second, got inf"),
        (np.array([[1.0, np.nan], [np.inf, -np.inf]]), 1.0, "2 of 4 that are infinite"),
    ],
)
def test_what_is_no_recording_is_refused(given: np.ndarray, rate: float, message: str):
    with pytest.raises(BadInput, match="here: expected .*" + message):
        _rhythm.read("here", given, rate)


@pytest.mark.parametrize(
    ("band", "message"),
    [
        ((4.0,), r"0 < low < high in Hz, got \(4.0,\)"),
        ((0.0, 4.0), "0 < low < high"),
        ((4.0, 4.0), "0 < low < high"),
        ((4.0, np.inf), "0 < low < high"),
        ((4.0, 50.0), "a band up to 50 Hz wants a rate above 100 Hz, got 100 Hz"),
    ],
)
def test_what_is_no_band_is_refused(band: tuple, message: str):
    with pytest.raises(BadInput, match=message):
        _rhythm.band_of("here", band, 100.0)
    assert _rhythm.band_of("here", (4, 49.9), 100).said == "4 to 49.9 Hz"


@pytest.mark.parametrize(
    ("band", "rate"), [((4.0, 8.0), 100.0), ((7.0, 7.5), 50.0), ((1.0, 40.0), 100.0), ((10.0, 30.0), 1000.0)]
)
def test_a_border_is_a_cycle_or_holds_all_but_a_hundredth_of_the_response(
    band: tuple[float, float], rate: float
):
    """Of an impulse that is filtered forwards and backwards; a piece has three cycles between its borders."""
    found = _rhythm.band_of("here", band, rate)
    length = int(100 * rate / (band[1] - band[0]))
    impulse = np.zeros(2 * length + 1)
    impulse[length] = 1
    sections = signal.butter(3, band, "bandpass", fs=rate, output="sos")
    energy = signal.sosfiltfilt(sections, impulse, padlen=0) ** 2

    def within(steps: int) -> float:
        return float(energy[length - steps : length + steps + 1].sum() / energy.sum())

    response = next(steps for steps in range(length) if within(steps) >= 0.99) + 1
    cycle = int(np.ceil(rate / band[0]))
    assert found.border == max(response, cycle)
    assert found.least == 2 * found.border + int(np.ceil(3 * rate / band[0]))
    assert (found.low, found.high, found.rate) == (*band, rate)


def test_pieces_are_filtered_apart_and_lose_their_borders():
    """Between gaps, whichever channels have them, over trials; channels beyond a block of eight too."""
    series = noise(2, 1000, 11) + 5
    series[0, 400, 3], series[1, :20, 9], series[0, :, 10] = np.nan, np.nan, np.nan
    series[1, 400:, 2] = np.nan
    found = _rhythm.phasors("here", series, BAND)
    sections = signal.butter(3, (4, 8), "bandpass", fs=100, output="sos")
    wanted = np.full_like(found, np.nan)
    for trial in range(2):
        for channel in range(11):
            known = np.concatenate([[False], np.isfinite(series[trial, :, channel]), [False]])
            edges = np.flatnonzero(np.diff(known.astype(int))).reshape(-1, 2)
            for start, stop in edges:
                if stop - start < BAND.least:
                    continue
                piece = series[trial, start:stop, channel]
                plain = signal.sosfiltfilt(sections, piece - piece.mean(), padlen=3 * BAND.border)
                whole = signal.hilbert(plain, next_fast_len(len(plain)))[: len(plain)]
                inner = slice(start + BAND.border, stop - BAND.border)
                wanted[trial, inner, channel] = whole[BAND.border : -BAND.border]
    np.testing.assert_allclose(found, wanted, atol=1e-10)
    assert np.isfinite(found[0, 401 + BAND.border, 3]) and np.isnan(found[..., 10]).any()


@pytest.mark.parametrize("short", [0, 1])
def test_a_piece_holds_three_cycles_or_is_missing(short: int):
    series = noise(1, BAND.least - short, 2)
    if not short:
        (one,) = _rhythm.pieces("here", series, BAND)
        assert one.steps == slice(BAND.border, BAND.least - BAND.border) and one.value.shape == (2, 75)
        return
    series[0, 10, 0], series[0, 30, 1] = np.nan, np.nan
    longest = BAND.least - 12
    with pytest.raises(BadInput, match=f"4 to 8 Hz wants {BAND.least} steps .* without a gap, got {longest}"):
        next(_rhythm.pieces("here", series, BAND))


def test_channels_without_power_in_the_band_are_missing():
    """A tone far outside of it leaks in by less than rounding; a part of a millionth inside is its own."""
    time = np.arange(2000) / 100
    slow, inside = np.sin(2 * np.pi * 0.5 * time), np.sin(2 * np.pi * 6 * time)
    series = np.stack([slow, slow + 3e-6 * inside, slow + 3e-7 * inside, np.ones(2000), inside * 0], 1)[None]
    found = np.isfinite(_rhythm.phasors("here", series, BAND)).any((0, 1))
    assert found.tolist() == [False, True, False, False, False]
    with pytest.raises(BadInput, match="a channel with power from 4 to 8 Hz, got 3 without any"):
        next(_rhythm.pieces("here", series[..., [0, 3, 4]], BAND))


@pytest.mark.parametrize(
    ("hertz", "there"), [(3.0, False), (4.0, True), (6.0, True), (8.0, True), (9.0, False)]
)
def test_the_ends_of_a_band_belong_to_it(hertz: float, there: bool):
    """A tone of 20 s is told from one a hertz away."""
    tone = np.cos(2 * np.pi * hertz * np.arange(2000) / 100)
    assert bool(_rhythm._present(tone[None], BAND)[0]) == there


@pytest.mark.parametrize("largest", [1.0, 1.5, 4.0, 3e-200, 7e200])
def test_a_row_is_over_a_power_of_two_and_less_its_mean(largest: float):
    rows = np.array([[0.3, -1.0, 0.5], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0 - 3e-15, 1.0]]) * largest
    with np.errstate(invalid="ignore"):
        size, centred = _rhythm.normal(rows)
    assert size[0] <= largest < 2 * size[0] and np.log2(size[0]) % 1 == 0
    assert size[1] == size[2] == 0 and size[3] > 0
    np.testing.assert_allclose(centred[0] * size[0], rows[0] - rows[0].mean(), rtol=1e-12)


@pytest.mark.parametrize("steps", [63, 64, 100, 97])
def test_the_analytic_signal_is_that_of_hilbert(steps: int):
    real = noise(3, steps)
    wanted = signal.hilbert(real, next_fast_len(steps))[:, :steps]
    np.testing.assert_allclose(_rhythm._analytic(real), wanted, atol=1e-12)


def test_a_narrow_band_is_filtered_though_a_piece_is_shorter_than_its_padding():
    narrow = _rhythm.band_of("here", (7, 7.5), 50.0)
    assert narrow.least < 3 * narrow.border
    series = noise(1, narrow.least, 1)
    assert np.isfinite(_rhythm.phasors("here", series, narrow)).sum() == narrow.least - 2 * narrow.border
