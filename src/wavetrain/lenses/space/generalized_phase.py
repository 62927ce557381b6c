"""Generalized phase: the phase of a wide band, mended where it runs backwards.

Davis, Muller, Martinez-Trujillo, Sejnowski and Reynolds 2020, Nature 587:432. The phase of an analytic signal
means something while one oscillation stands out. In a wide band, noise and slower waves turn it back for a
while, and its frequency falls below the band. Such samples are found and bridged:

    f[t]   = rate / (2 pi) arg(z[t + 1] conj z[t])  of the plain analytic signal z, in Hz
    wrong  where f < lowest, and `stretch` times as long from there on: what follows is wrong, too
    phase  unwrapped over all samples, taken out where wrong, and filled in by a monotone cubic (pchip)

The order counts: unwrapped after the wrong samples were taken out, the phase can lose a whole turn in one
gap. Where nothing is wrong the generalized phase is that of z. Wrong samples at an end of a piece have no
other side, and stay missing; so do gaps of the recording (see `lenses/_rhythm.py`), since nobody can know how
many turns there were.

The phase tests nothing, so it has no null; the lenses that read phases have theirs. Left out: the turning
over of signals whose mean frequency is negative, which a recording of real numbers cannot have.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Real
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm

card = Card(
    title="Spontaneous travelling cortical waves gate perception in behaving primates",
    authors="Davis, Zachary W. and Muller, Lyle and Martinez-Trujillo, Julio and Sejnowski, Terrence and "
    "Reynolds, John H.",
    year=2020,
    source="Nature 587, doi 10.1038/s41586-020-2802-y",
    family="waves",
    topic="Waves in recordings",
)


class GeneralizedPhase(NamedTuple):
    """Samples as in the recording; NaN where the phase is not known."""

    phase: Float[np.ndarray, "*trials time channels"]  # rad, from -pi to pi
    amplitude: Float[np.ndarray, "*trials time channels"]  # of the band, in the unit of the recording
    frequency: Float[np.ndarray, "*trials time channels"]  # Hz, to the next sample; NaN at the end of a piece
    used: Float[np.ndarray, "channels"]  # share of samples that have a phase
    mended: Float[np.ndarray, "channels"]  # share of those whose phase was filled in; NaN without any
    border: float  # s at each end of a piece that count as missing


def generalized_phase(
    recording: Real[Tensor, "*trials time channels"] | Real[np.ndarray, "*trials time channels"],
    rate: float,
    band: tuple[float, float] = (5.0, 40.0),
    lowest: float | None = None,
    stretch: int = 3,
) -> GeneralizedPhase:
    """Of a recording (..., T, C) with `rate` samples per second, or a system's states with a rate of 1.

    `lowest` is the frequency in Hz below which a phase is wrong, by default the lower edge of the band.

    Raises BadInput for a recording, band or rate that do not fit, or without a piece that is long enough.

    >>> from wavetrain.lenses import generalized_phase
    >>> time = torch.arange(2000) / 1000
    >>> found = generalized_phase(torch.sin(2 * torch.pi * 13 * time)[:, None], rate=1000.0)
    >>> round(float(found.frequency[1000, 0]), 2), round(found.border, 2)  # Hz, s
    (13.0, 0.2)
    """
    what = "generalized phase"
    series = _rhythm.read(what, recording, rate)
    asked = _rhythm.band_of(what, band, rate)
    floor = asked.low if lowest is None else lowest
    if not (np.isfinite(floor) and floor < asked.high) or stretch < 1:
        raise BadInput(
            f"{what}: expected a lowest frequency below {asked.high:g} Hz and a stretch of at least 1, got "
            f"{floor} and {stretch}"
        )
    phase, amplitude, frequency = np.full((3, len(series), *series.shape[:0:-1]), np.nan)  # channels first
    mended = np.zeros(series.shape[2])
    for trial, channels, steps, value, size in _rhythm.pieces(what, series, asked):
        turn = np.angle(value[:, 1:] * value[:, :-1].conj())
        wrong = _wrong(turn < 2 * np.pi * floor / rate, stretch)
        whole = np.zeros(value.shape)
        np.cumsum(turn, 1, out=whole[:, 1:])
        whole += np.angle(value[:, :1])
        for row, blank in zip(whole, wrong, strict=True):
            fill(row, blank)
        known = np.isfinite(whole)
        mended[channels] += (wrong & known).sum(1)
        phase[trial, channels, steps] = _wrapped(whole)
        amplitude[trial, channels, steps] = np.where(known, np.abs(value) * size[:, None], np.nan)
        frequency[trial, channels, steps.start : steps.stop - 1] = np.diff(whole) * rate / (2 * np.pi)
    count = np.isfinite(phase).sum((0, 2))
    shape = np.shape(recording)
    return GeneralizedPhase(
        phase=phase.swapaxes(1, 2).reshape(shape),
        amplitude=amplitude.swapaxes(1, 2).reshape(shape),
        frequency=frequency.swapaxes(1, 2).reshape(shape),
        used=count / (series.shape[0] * series.shape[1]),
        mended=np.divide(mended, count, out=np.full(len(count), np.nan), where=count > 0),
        border=asked.border / rate,
    )


def _wrong(low: Bool[np.ndarray, "channels steps"], stretch: int) -> Bool[np.ndarray, "channels time"]:
    """Samples in runs of a frequency that is too low, each run made `stretch` times as long."""
    rows, time = len(low), low.shape[1] + 1
    marks = np.zeros((rows, time + 1), np.int32)
    edge = np.diff(np.pad(low, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, start = np.nonzero(edge == 1)
    _, stop = np.nonzero(edge == -1)
    np.add.at(marks, (row, start), 1)
    np.add.at(marks, (row, np.minimum(start + stretch * (stop - start), time)), -1)
    return np.cumsum(marks, 1)[:, :-1] > 0


def fill(phase: Float[np.ndarray, "time"], blank: Bool[np.ndarray, "time"]) -> None:
    """Put a monotone cubic (Fritsch and Carlson's pchip) where `blank`, in place; NaN where an end is blank.

    Each gap needs its two neighbours on either side alone, so a long recording costs no more than its gaps.
    """
    if not blank.any():
        return
    known = np.flatnonzero(~blank)
    if len(known) < 2:
        phase[blank] = np.nan
        return
    phase[: known[0]] = phase[known[-1] + 1 :] = np.nan
    left = np.flatnonzero(np.diff(known) > 1)  # of known samples, those before a gap
    if not len(left):
        return
    slope = {}
    for side, at in (("left", left), ("right", left + 1)):
        slope[side] = _slope(known, phase, at)
    start, stop = known[left], known[left + 1]
    width = stop - start
    each = np.repeat(np.arange(len(left)), width - 1)
    first = np.cumsum(np.concatenate([[0], (width - 1)[:-1]]))
    step = np.arange(len(each)) - first[each] + 1
    s = step / width[each]
    rise, span = phase[stop] - phase[start], width
    a = (slope["left"] * span - rise)[each]
    b = (slope["right"] * span - rise)[each]
    # Hermite's cubic as the straight line and two bumps: exact on a line
    phase[start[each] + step] = phase[start[each]] + s * rise[each] + s * (1 - s) * (a * (1 - s) - b * s)


def _slope(known: np.ndarray, phase: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Pchip's derivative at known samples: the weighted harmonic mean of the slopes to both sides, or 0.

    The first and the last of all take the slope to their one neighbour.
    """
    before, after = np.maximum(at - 1, 0), np.minimum(at + 1, len(known) - 1)
    here = phase[known[at]]
    one, two = (known[at] - known[before]).astype(float), (known[after] - known[at]).astype(float)
    rise = np.divide(here - phase[known[before]], one, out=np.zeros(len(at)), where=one > 0)
    fall = np.divide(phase[known[after]] - here, two, out=np.zeros(len(at)), where=two > 0)
    weight = (2 * two + one, two + 2 * one)
    same = (rise * fall > 0) & (one > 0) & (two > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (weight[0] + weight[1]) / (weight[0] / rise + weight[1] / fall)
    return np.where(same, mean, np.where(one == 0, fall, np.where(two == 0, rise, 0.0)))


def _wrapped(phase: np.ndarray) -> np.ndarray:
    """In (-pi, pi]."""
    return phase - 2 * np.pi * np.ceil((phase - np.pi) / (2 * np.pi))
