"""A recording in a frequency band: read, cut where samples are missing, filtered, and made analytic.

What the lenses on rhythms share, and the one way in which they treat what is not as it should be:

    missing    samples that are NaN. Pieces between them are filtered apart; nothing is put in their place
    border     both ends of a piece: one cycle of the lowest frequency, or the time in which the filter's
               response has all but 1% of its energy, if that is longer. What the filter says there rests on
               samples that nobody has seen, so it counts as missing
    short      a piece that leaves less than three cycles of the lowest frequency between its borders counts
               as missing; where no piece is left, BadInput says how much is wanted
    flat       a channel that does not vary, or has no power in the band above rounding, counts as missing

The filter is a Butterworth of order 3, run forwards and backwards, so that no phase is moved. The analytic
signal x + i H[x] has the phase arg and the amplitude abs. Before, a channel's size and mean are taken out
(the size is a power of two, so that nothing is rounded).
"""

import functools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float, Int
from scipy import fft, signal
from torch import Tensor

from wavetrain.errors import BadInput

ORDER = 3
TAIL = 0.01  # of the energy of the filter's response, outside of a border
CYCLES = 3  # of the lowest frequency, that a piece must hold between its borders
FLOOR = 1e-12  # share of a channel's power below which a band holds rounding
BLOCK = 8  # channels at once
WINDOW = 20.0  # of Kaiser: nothing of one frequency is seen 0.64 / duration away, to 1e-14


class Band(NamedTuple):
    """A band and what filtering into it costs, at a rate."""

    low: float  # Hz
    high: float  # Hz
    rate: float  # Hz
    border: int  # steps at each end of a piece that are not known
    least: int  # steps that a piece must have

    @property
    def said(self) -> str:
        return f"{self.low:g} to {self.high:g} Hz"


class Piece(NamedTuple):
    """Channels over steps between gaps, borders left out."""

    trial: int
    channels: Int[np.ndarray, "channels"]
    steps: slice
    value: Complex[np.ndarray, "channels time"]  # analytic, in the unit of the recording over `size`
    size: Float[np.ndarray, "channels"]


def read(lens: str, recording: Tensor | np.ndarray, rate: float) -> Float[np.ndarray, "trials time channels"]:
    """A recording (..., T, C) as (trials, T, C), without a copy where that can be."""
    given = recording.detach().cpu().numpy() if isinstance(recording, Tensor) else np.asarray(recording)
    if given.ndim < 2 or 0 in given.shape:
        raise BadInput(
            f"{lens}: expected a recording (..., time, channels) of one channel or more, got {given.shape}"
        )
    if given.dtype.kind not in "fiu":
        raise BadInput(f"{lens}: expected a recording of real numbers, got {given.dtype}")
    if not (np.isfinite(rate) and rate > 0):
        raise BadInput(f"{lens}: expected a rate above 0 in samples per second, got {rate}")
    if np.isinf(given).any():
        raise BadInput(
            f"{lens}: expected numbers, or NaN where a sample is missing, got "
            f"{int(np.isinf(given).sum())} of {given.size} that are infinite"
        )
    return given.reshape(-1, *given.shape[-2:])


def band_of(lens: str, band: tuple[float, float], rate: float) -> Band:
    """A band that can be filtered at that rate."""
    if len(band) != 2 or not np.isfinite(band).all() or not 0 < band[0] < band[1]:
        raise BadInput(f"{lens}: expected a band (low, high) with 0 < low < high in Hz, got {tuple(band)}")
    low, high = map(float, band)
    if high >= rate / 2:
        raise BadInput(
            f"{lens}: a band up to {high:g} Hz wants a rate above {2 * high:g} Hz, got {rate:g} Hz"
        )
    border = _border(low, high, float(rate))
    return Band(low, high, float(rate), border, 2 * border + int(np.ceil(CYCLES * rate / low)))


@functools.cache
def _filter(low: float, high: float, rate: float) -> np.ndarray:
    sections: np.ndarray = signal.butter(ORDER, (low, high), "bandpass", fs=rate, output="sos")
    return sections


@functools.cache
def _border(low: float, high: float, rate: float) -> int:
    """Steps to either side in which the response, forwards and backwards, has all but TAIL of its energy."""
    steps = fft.next_fast_len(int(np.ceil(40 * rate / min(low, high - low))))
    _, gain = signal.sosfreqz(_filter(low, high, rate), worN=steps, whole=True, fs=rate)
    energy = fft.ifft(np.abs(gain) ** 2).real ** 2
    both = energy[: steps // 2].copy()
    both[1:] *= 2  # of either side
    response = int(np.searchsorted(np.cumsum(both), (1 - TAIL) * both.sum())) + 1
    return max(response, int(np.ceil(rate / low)))


def pieces(lens: str, series: np.ndarray, band: Band) -> Iterator[Piece]:
    """Analytic pieces of a recording (trials, T, C) in a band, a few channels at a time.

    While one block is looked at, the next is filtered in a thread of its own, where PyTorch may use two.
    Raises BadInput where not one piece is long enough, or no channel varies.
    """
    blocks = [(trial, first) for trial in range(len(series)) for first in range(0, series.shape[2], BLOCK)]
    long = some = False
    with ThreadPoolExecutor(1) as pool:
        ahead: deque[Future[tuple[bool, list[Piece]]]] = deque()
        for trial, first in blocks:
            ahead.append(pool.submit(_block, series[trial, :, first : first + BLOCK], trial, first, band))
            if len(ahead) < min(2, torch.get_num_threads()):
                continue
            enough, found = ahead.popleft().result()
            long, some = long or enough, some or bool(found)
            yield from found
        for waiting in ahead:
            enough, found = waiting.result()
            long, some = long or enough, some or bool(found)
            yield from found
    if not long:
        raise BadInput(
            f"{lens}: the band of {band.said} wants {band.least} steps ({band.least / band.rate:.3g} s at "
            f"{band.rate:g} Hz) without a gap, got {_longest(series)} in a recording (time, channels) "
            f"{series.shape[1:]}"
        )
    if not some:
        raise BadInput(
            f"{lens}: expected a channel with power from {band.said}, got {series.shape[2]} without any"
        )


def _block(values: np.ndarray, trial: int, first: int, band: Band) -> tuple[bool, list[Piece]]:
    """Whether a piece of channels (T, C) is long enough, and those that have power in the band."""
    block = np.array(values.T, dtype=float, order="C")
    long, found = False, []
    for rows, steps in _runs(np.isfinite(block)):
        if steps.stop - steps.start < band.least:
            continue
        long = True
        size, centred = normal(block[rows, steps])
        kept = np.flatnonzero(size)
        kept = kept[_present(centred[kept], band)]
        if len(kept):
            filtered = signal.sosfiltfilt(
                _filter(band.low, band.high, band.rate),
                centred[kept],
                padlen=min(3 * band.border, centred.shape[1] - 1),
            )
            inner = slice(steps.start + band.border, steps.stop - band.border)
            value = _analytic(filtered)[:, band.border : -band.border]
            found.append(Piece(trial, first + rows[kept], inner, value, size[kept]))
    return long, found


def phasors(lens: str, series: np.ndarray, band: Band) -> Complex[np.ndarray, "trials time channels"]:
    """The analytic signal of a whole recording, NaN where it is not known."""
    whole = np.full((len(series), *series.shape[:0:-1]), np.nan, complex)
    for piece in pieces(lens, series, band):
        whole[piece.trial, piece.channels, piece.steps] = piece.value * piece.size[:, None]
    return whole.swapaxes(1, 2)


def normal(values: Float[np.ndarray, "channels time"]) -> tuple[np.ndarray, np.ndarray]:
    """The size (C,) of each row, 0 where it is flat, and the rows over it and less their mean."""
    largest = np.abs(values).max(1)
    size = np.ldexp(1.0, np.frexp(largest)[1] - 1)
    centred = values / size[:, None]
    centred -= centred.mean(1, keepdims=True)
    flat = np.abs(centred).max(1) <= 8 * np.finfo(float).eps
    return np.where(flat | (largest == 0), 0.0, size), centred


def _runs(known: Bool[np.ndarray, "channels time"]) -> Iterator[tuple[np.ndarray, slice]]:
    """Rows and steps without a gap: rows that have their gaps in common together."""
    if known.all():
        yield np.arange(len(known)), slice(0, known.shape[1])
        return
    kinds, row = np.unique(known, axis=0, return_inverse=True)
    for number, kind in enumerate(kinds):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], kind, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2):
            yield np.flatnonzero(row.ravel() == number), slice(int(start), int(stop))


def _longest(series: np.ndarray) -> int:
    """The longest piece without a gap."""
    known = np.isfinite(series)
    return max(
        (steps.stop - steps.start for part in known for _, steps in _runs(part.T)),
        default=0,
    )


def _present(centred: np.ndarray, band: Band) -> Bool[np.ndarray, "channels"]:
    """Whether a channel's own power in the band is above rounding; what leaks in is not its own."""
    window = signal.windows.kaiser(centred.shape[1], WINDOW)
    weight = window / window.sum()
    tapered = (centred - (centred @ weight)[:, None]) * window
    power = np.abs(fft.rfft(tapered)) ** 2
    frequency = fft.rfftfreq(centred.shape[1], 1 / band.rate)
    inside = (frequency >= band.low) & (frequency <= band.high)
    present: np.ndarray = power[:, inside].sum(1) > FLOOR * power.sum(1)
    return present


def _analytic(real: Float[np.ndarray, "channels time"]) -> Complex[np.ndarray, "channels time"]:
    """x + i H[x]: positive frequencies twice, negative ones not."""
    steps = real.shape[1]
    size = fft.next_fast_len(steps)
    one_sided = np.zeros((len(real), size), complex)
    half = fft.rfft(real, size)
    one_sided[:, : half.shape[1]] = half
    one_sided[:, 1 : (size + 1) // 2] *= 2
    whole: np.ndarray = fft.ifft(one_sided, overwrite_x=True)
    return whole[:, :steps]
