"""Sleep spindles: bursts of 12 to 15 Hz that last half a second to two, found by three measures that vote.

Lacourse, Delfrate, Beaudry, Peppard and Warby 2019, J Neurosci Methods 316:3, as simplified by Vallat and
Walker 2021, eLife 10:e70092. At steps of a tenth of a second, in windows of a length in seconds:

    share        power of the spindle band over that of 1 to 30 Hz, in 2 s, at least 0.2
    correlation  of the spindle band with 1 to 30 Hz, in 0.3 s, at least 0.65
    size         root mean square of the spindle band, in 0.3 s, above its mean and 1.5 trimmed deviations

Two of three make a spindle; pieces less than 0.5 s apart are joined, and what lasts from 0.5 to 2 s is kept.
All windows are in seconds and each step lies at a time of its own, so the count does not depend on the rate.
The limit of size comes from the recording that is given, `limit`: parts of it have limits of their own.

Steady noise of the same spectrum passes these limits now and then, so a count says little by itself. What
makes spindles is that the band comes in bursts: `bursts` is the deviation of its size over the mean. In the
null phases of each piece are drawn anew, which keeps the spectrum and spreads all bursts; p is the rank of
`bursts`. The error of the rate is that of a Poisson count.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Real
from scipy import fft, stats
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.parts import nulls

card = Card(
    title="A sleep spindle detection algorithm that emulates human expert spindle scoring",
    authors="Lacourse, Karine and Delfrate, Jacques and Beaudry, Julien and Peppard, Paul and "
    "Warby, Simon C.",
    year=2019,
    source="Journal of Neuroscience Methods 316:3, doi 10.1016/j.jneumeth.2018.08.014",
    family="rhythms",
    topic="Waves in recordings",
)

STEP, LONG, SHORT = 0.1, 2.0, 0.3  # s
SHARE, CORRELATION, DEVIATIONS, TRIM = 0.2, 0.65, 1.5, 0.1
JOINED, SHORTEST, LONGEST = 0.5, 0.5, 2.0  # s
DRAWS = 19


class Spindles(NamedTuple):
    """E events, by channel and then by time."""

    onset: Float[np.ndarray, "events"]  # s from the start of the trial
    duration: Float[np.ndarray, "events"]  # s
    channel: Int[np.ndarray, "events"]
    trial: Int[np.ndarray, "events"]
    amplitude: Float[np.ndarray, "events"]  # largest of the band, in the unit of the recording
    frequency: Float[np.ndarray, "events"]  # Hz, median
    rate: Float[np.ndarray, "channels"]  # per minute of time that is known; NaN without any
    rate_error: Float[np.ndarray, "channels"]  # per minute
    bursts: Float[np.ndarray, "channels"]  # deviation of the size of the band over its mean
    null: Float[np.ndarray, "draws channels"]  # the same where phases are drawn anew
    p: Float[np.ndarray, "channels"]  # rank of it
    limit: Float[np.ndarray, "channels"]  # of size, in the unit of the recording
    used: Float[np.ndarray, "channels"]  # share of samples that are known


class _Course(NamedTuple):
    """What is measured of one piece of one channel, at steps of its own times."""

    time: np.ndarray
    share: np.ndarray
    correlation: np.ndarray
    size: np.ndarray
    amplitude: np.ndarray
    frequency: np.ndarray  # Hz


def spindles(
    recording: Real[Tensor, "*trials time channels"] | Real[np.ndarray, "*trials time channels"],
    rate: float,
    band: tuple[float, float] = (12.0, 15.0),
    broad: tuple[float, float] = (1.0, 30.0),
    draws: int = DRAWS,
    seed: int = 0,
) -> Spindles:
    """Of a recording (..., T, C) with `rate` samples per second, each channel by itself.

    Raises BadInput for a recording, bands or a rate that do not fit, or without a piece of 5 s or more.

    >>> from wavetrain.lenses import spindles
    >>> time = torch.arange(6000) / 100  # a minute
    >>> bursts = (torch.exp(-(((time % 20) - 10) ** 2) / 0.2) * torch.sin(2 * torch.pi * 13 * time))[:, None]
    >>> found = spindles(10 * bursts + torch.randn(6000, 1).cumsum(0) / 3, rate=100.0)
    >>> found.onset.round(-1), round(float(found.frequency.mean()))
    (array([10., 30., 50.]), 13)
    """
    what = "spindles"
    series = _rhythm.read(what, recording, rate)
    narrow, wide = _rhythm.band_of(what, band, rate), _rhythm.band_of(what, broad, rate)
    if not wide.low < narrow.low < narrow.high < wide.high:
        raise BadInput(f"{what}: expected a band inside of {wide.said}, got {narrow.said}")
    dice = np.random.default_rng(seed)
    found = _detected(what, series, narrow, wide)
    null = np.array(
        [_detected(what, _redrawn(series, dice), narrow, wide).bursts for _ in range(draws)]
    ).reshape(draws, series.shape[2])
    return found._replace(null=null, p=nulls.rank(found.bursts, null))


def _detected(what: str, series: np.ndarray, narrow: _rhythm.Band, wide: _rhythm.Band) -> Spindles:
    """Events, without a null."""
    channels = series.shape[2]
    courses: list[list[tuple[int, _Course]]] = [[] for _ in range(channels)]
    sigma, whole = (_rhythm.phasors(what, series, band) for band in (narrow, wide))
    scale = np.ldexp(1.0, np.frexp(np.nan_to_num(np.abs(whole)).max((0, 1)))[1])
    for channel in range(channels):
        for trial in range(len(series)):
            one, two = sigma[trial, :, channel] / scale[channel], whole[trial, :, channel] / scale[channel]
            for start, stop in _stretches(np.isfinite(one) & np.isfinite(two)):
                course = _course(one[start:stop], two[start:stop].real, narrow.rate, start / narrow.rate)
                if course is not None:
                    courses[channel].append((trial, course))
    if not any(courses):
        raise BadInput(f"{what}: expected {2 * LONG:g} s or more between borders and gaps, got less")
    rows: list[tuple[float, float, int, int, float, float]] = []
    seconds, limit, bursts = np.zeros(channels), np.full(channels, np.nan), np.full(channels, np.nan)
    for channel, own in enumerate(courses):
        if not own:
            continue
        sizes = np.concatenate([course.size for _, course in own])
        bursts[channel] = sizes.std() / sizes.mean()
        limit[channel] = sizes.mean() + DEVIATIONS * _trimmed(sizes)
        for trial, course in own:
            seconds[channel] += len(course.time) * STEP
            for onset, long, amplitude, hertz in _events(course, limit[channel]):
                rows.append((onset, long, channel, trial, amplitude * scale[channel], hertz))
    table = np.array(rows, dtype=float).reshape(-1, 6)
    count = np.bincount(table[:, 2].astype(int), minlength=channels)
    known = np.where(seconds > 0, seconds / 60, np.nan)
    return Spindles(
        onset=table[:, 0],
        duration=table[:, 1],
        channel=table[:, 2].astype(int),
        trial=table[:, 3].astype(int),
        amplitude=table[:, 4],
        frequency=table[:, 5],
        rate=count / known,
        rate_error=np.sqrt(count) / known,
        bursts=bursts,
        null=np.empty((0, channels)),
        p=np.full(channels, np.nan),
        limit=limit * scale,
        used=np.isfinite(sigma.real + whole.real).mean((0, 1)),
    )


def _course(sigma: np.ndarray, whole: np.ndarray, rate: float, start: float) -> _Course | None:
    """The three measures at steps of STEP; None where a piece is shorter than two long windows."""
    if len(sigma) < 2 * LONG * rate:
        return None
    time = np.arange(LONG / 2, len(sigma) / rate - LONG / 2, STEP)
    real = sigma.real

    def mean(values: np.ndarray, window: float) -> np.ndarray:
        """Over windows around each time: sums are interpolated, so that edges lie where they should."""
        total = np.concatenate([[0], np.cumsum(values)])
        edges = [
            np.interp((time + side * window / 2) * rate, np.arange(len(total)), total) for side in (1, -1)
        ]
        return (edges[0] - edges[1]) / (window * rate)

    means = [mean(one, SHORT) for one in (real, whole)]
    cross = mean(real * whole, SHORT) - means[0] * means[1]
    spread = [mean(one**2, SHORT) - own**2 for one, own in zip((real, whole), means, strict=True)]
    both = np.sqrt(np.maximum(spread[0] * spread[1], 0))
    power = mean(whole**2, LONG)
    at = np.minimum(np.round(time * rate).astype(int), len(sigma) - 2)
    return _Course(
        time=start + time,
        share=np.divide(mean(real**2, LONG), power, out=np.zeros(len(time)), where=power > 0),
        correlation=np.divide(cross, both, out=np.zeros(len(time)), where=both > 0),
        size=np.sqrt(np.maximum(mean(real**2, SHORT), 0)),
        amplitude=np.abs(sigma[at]),
        frequency=np.angle(sigma[at + 1] * sigma[at].conj()) * rate / (2 * np.pi),
    )


def _events(course: _Course, limit: float) -> list[tuple[float, float, float, float]]:
    """Onset, duration, largest amplitude and median frequency of what two of three measures say."""
    votes = (course.share >= SHARE).astype(int) + (course.correlation >= CORRELATION) + (course.size > limit)
    pieces = [(start, stop) for start, stop in _stretches(votes >= 2)]
    joined: list[tuple[int, int]] = []
    for start, stop in pieces:
        if joined and (start - joined[-1][1]) * STEP < JOINED:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    found = []
    for start, stop in joined:
        long = (stop - start) * STEP
        if SHORTEST - 1e-9 <= long <= LONGEST + 1e-9:
            amplitude, frequency = course.amplitude[start:stop].max(), np.median(course.frequency[start:stop])
            found.append((course.time[start] - STEP / 2, long, float(amplitude), float(frequency)))
    return found


def _stretches(mask: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _trimmed(values: np.ndarray) -> float:
    """The deviation of what is left without the largest and the smallest."""
    low, high = np.quantile(values, [TRIM, 1 - TRIM])
    return float(stats.tstd(values[(values >= low) & (values <= high)]))


def _redrawn(series: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """As loud at each frequency, with phases drawn anew in each piece between gaps."""
    drawn = np.array(series, dtype=float)
    for trial in drawn:
        for channel in trial.T:
            for start, stop in _stretches(np.isfinite(channel)):
                spectrum = fft.rfft(channel[start:stop] - channel[start:stop].mean())
                turn = np.exp(2j * np.pi * dice.random(len(spectrum)))
                channel[start:stop] = fft.irfft(spectrum * turn, stop - start)
    return drawn
