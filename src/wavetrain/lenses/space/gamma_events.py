"""Gamma events: short bursts of a fast rhythm, and the phase of a slow one at which they come.

Ours, for single gamma events that come at a phase of delta (Haziza et al. 2024, bioRxiv, show such events).
An event is where the amplitude in the fast band is above its mean and `deviations` standard deviations, for
`cycles` or more of its middle frequency. At the time of its largest amplitude the slow band has a phase:

    locking  R = |mean exp(i phase)| over events, and rayleigh n R^2, of mean 1 for n even phases
    single   share of slow cycles, counted around the mean phase, with exactly one event

Events of one burst are no independent draws, so p is not that of Rayleigh's law but the rank of the locking
among surrogates: all events are moved against the slow phase by at least a tenth of the recording, round its
end, and stay as far apart from each other as they are. Each channel stands for itself.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Real
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.parts import nulls

card = Card(
    title="Wavetrain: sequence learning in brains and machines",
    authors="The Wavetrain authors",
    year=2026,
    source="Wavetrain, the lens gamma_events",
    family="rhythms",
    topic="Waves in recordings",
)


class GammaEvents(NamedTuple):
    """E events, by channel and then by time; what there is one of for each channel is NaN without events."""

    time: Float[np.ndarray, "events"]  # s from the start of the trial, of the largest amplitude
    duration: Float[np.ndarray, "events"]  # s
    channel: Int[np.ndarray, "events"]
    trial: Int[np.ndarray, "events"]
    amplitude: Float[np.ndarray, "events"]  # in the unit of the recording
    phase: Float[np.ndarray, "events"]  # rad, of the slow band
    rate: Float[np.ndarray, "channels"]  # events per s
    rate_error: Float[np.ndarray, "channels"]  # per s, of a Poisson count
    locking: Float[np.ndarray, "channels"]  # R, 0 to 1
    preferred: Float[np.ndarray, "channels"]  # rad
    preferred_error: Float[np.ndarray, "channels"]  # rad, circular standard error
    rayleigh: Float[np.ndarray, "channels"]
    single: Float[np.ndarray, "channels"]  # share of slow cycles
    null: Float[np.ndarray, "draws channels"]  # R of events that were moved
    p: Float[np.ndarray, "channels"]  # rank of R
    limit: Float[np.ndarray, "channels"]  # of the amplitude, in the unit of the recording


def gamma_events(
    recording: Real[Tensor, "*trials time channels"] | Real[np.ndarray, "*trials time channels"],
    rate: float,
    fast: tuple[float, float] = (50.0, 90.0),
    slow: tuple[float, float] = (1.0, 4.0),
    deviations: float = 1.5,
    cycles: float = 2.0,
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> GammaEvents:
    """Of a recording (..., T, C) with `rate` samples per second; bands in Hz.

    Raises BadInput for a recording, bands or a rate that do not fit, and for a limit below the mean.

    >>> from wavetrain.lenses import gamma_events
    >>> delta = 2 * torch.pi * 2 * torch.arange(30000) / 500 + 0.05 * torch.randn(30000).cumsum(0)
    >>> gamma = (1 - delta.cos()) * torch.randn(30000)  # strongest in the trough
    >>> found = gamma_events((20 * delta.cos() + gamma)[:, None], rate=500.0)
    >>> round(abs(float(found.preferred[0]))), round(float(found.p[0]), 3)
    (3, 0.005)
    """
    what = "gamma events"
    series = _rhythm.read(what, recording, rate)
    above, below = _rhythm.band_of(what, fast, rate), _rhythm.band_of(what, slow, rate)
    if below.high >= above.low:
        raise BadInput(f"{what}: expected a slow band below {above.said}, got {below.said}")
    if not (deviations > 0 and cycles > 0):
        raise BadInput(f"{what}: expected deviations and cycles above 0, got {deviations} and {cycles}")
    size, phase = (
        np.abs(_rhythm.phasors(what, series, above)),
        np.angle(_rhythm.phasors(what, series, below)),
    )
    shortest = cycles * 2 * rate / (above.low + above.high)
    channels = series.shape[2]
    rows: list[np.ndarray] = []
    per = {name: np.full(channels, np.nan) for name in ("seconds", "count", "single", "limit")}
    mean, null = np.full(channels, np.nan, complex), np.full((draws, channels), np.nan)
    for channel in range(channels):
        own, slow_phase = size[:, :, channel], phase[:, :, channel]
        known = np.isfinite(own) & np.isfinite(slow_phase)
        if not known.any():
            continue
        limit = own[known].mean() * (1 + deviations * (own[known] / own[known].mean()).std())
        start, stop, peak = _runs(
            np.where(known, own, 0).ravel() > limit, own.ravel(), series.shape[1], shortest
        )
        trial, step = np.divmod(peak, series.shape[1])
        there = slow_phase.ravel()[peak]
        rows.append(
            np.stack(
                [
                    step / rate,
                    (stop - start) / rate,
                    np.full(len(peak), channel),
                    trial,
                    own.ravel()[peak],
                    there,
                ],
                1,
            )
        )
        per["seconds"][channel], per["limit"][channel] = known.sum() / rate, limit
        per["count"][channel] = len(peak)
        if len(peak):
            course = np.exp(1j * slow_phase[known])
            number = (np.cumsum(known.ravel()) - 1)[peak]
            mean[channel] = course[number].mean()
            per["single"][channel] = _single(
                slow_phase.ravel() - np.angle(mean[channel]), known.ravel(), peak
            )
            least = nulls.least_shift(len(course), None)
            moves = np.random.default_rng(seed).integers(least, len(course) - least + 1, draws)
            null[:, channel] = np.abs(course[(number + moves[:, None]) % len(course)].mean(1))
    table = np.concatenate(rows) if rows else np.empty((0, 6))
    locking, count = np.abs(mean), per["count"]
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(np.maximum(1 - locking**2, 0) / (2 * count)) / locking
    return GammaEvents(
        time=table[:, 0],
        duration=table[:, 1],
        channel=table[:, 2].astype(int),
        trial=table[:, 3].astype(int),
        amplitude=table[:, 4],
        phase=table[:, 5],
        rate=count / per["seconds"],
        rate_error=np.sqrt(count) / per["seconds"],
        locking=locking,
        preferred=np.where(np.isnan(locking), np.nan, np.angle(mean)),
        preferred_error=error,
        rayleigh=count * locking**2,
        single=per["single"],
        null=null,
        p=nulls.rank(locking, null),
        limit=per["limit"],
    )


def _runs(high: np.ndarray, size: np.ndarray, time: int, shortest: float) -> tuple[np.ndarray, ...]:
    """Start, stop and largest sample of each run that is long enough; trials of so many steps stay apart."""
    apart = high.reshape(-1, time)
    edge = np.diff(np.pad(apart, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    trial, start = np.nonzero(edge == 1)
    _, stop = np.nonzero(edge == -1)
    long = stop - start >= shortest
    start, stop = (trial * time + start)[long], (trial * time + stop)[long]
    peak = [at + int(np.argmax(size[at:end])) for at, end in zip(start, stop, strict=True)]
    return start, stop, np.array(peak, int)


def _single(phase: np.ndarray, known: np.ndarray, peak: np.ndarray) -> float:
    """The share of whole cycles, half a turn to either side of a phase of 0, with exactly one event."""
    wrapped = np.angle(np.exp(1j * phase))
    wraps = np.flatnonzero((np.diff(wrapped) < -np.pi) & known[1:] & known[:-1]) + 1
    whole = [(a, b) for a, b in pairwise(wraps) if known[a:b].all()]
    if not whole:
        return float("nan")
    counts = [int(((peak >= a) & (peak < b)).sum()) for a, b in whole]
    return float(np.mean(np.array(counts) == 1))
