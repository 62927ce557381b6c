"""Synchrony of channels in a band: do their phases keep a lag, and more than rhythms as slow do by chance?

Lachaux, Rodriguez, Martinerie and Varela 1999, Human Brain Mapping 8:194 (phase locking); Stam, Nolte and
Daffertshofer 2007, Human Brain Mapping 28:1178 (phase lag index); Nolte et al. 2004, Clinical Neurophysiology
115:2292 (imaginary coherence). With phases a and b of two channels, averages are over time, and over trials:

    plv        |mean exp(i (a - b))|, and lag its angle: above 0 where the first channel is ahead
    pli        |mean sign sin(a - b)|: a lag of 0 or half a cycle, as one source in two channels has, counts
               for nothing. Both are 1 for a constant lag
    coherence  |Sab|^2 / (Saa Sbb), and imaginary Im Sab / sqrt(Saa Sbb), the mean over the band's
               frequencies; S is the mean over Hann windows that overlap by half, pieces with a gap left out

All three are above 0 by chance: phase locking of n independent samples has the mean sqrt(pi / (4 n)), the
`floor`, and n is about the time times the width of the band. The null is the same of one channel moved in
time against the other by at least a tenth of the recording; so both stay as slow as they are. A rhythm that
is periodic to the last cycle stays locked when moved, and its p says nothing.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Real
from scipy import fft, signal
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.parts import nulls

card = Card(
    title="Measuring phase synchrony in brain signals",
    authors="Lachaux, Jean-Philippe and Rodriguez, Eugenio and Martinerie, Jacques and Varela, Francisco J.",
    year=1999,
    source="Human Brain Mapping 8(4):194",
    family="rhythms",
    topic="Waves in recordings",
)

DRAWS = 99
SAMPLES = 4  # of each cycle of the highest frequency: no more are needed


class Synchrony(NamedTuple):
    """Of each pair of channels; p is NaN of a channel with itself, and all is NaN of one without a rhythm."""

    plv: Float[np.ndarray, "channels channels"]  # 0 to 1
    lag: Float[np.ndarray, "channels channels"]  # rad
    lag_error: Float[np.ndarray, "channels channels"]  # rad, its standard error
    pli: Float[np.ndarray, "channels channels"]  # 0 to 1
    coherence: Float[np.ndarray, "channels channels"]  # 0 to 1
    imaginary: Float[np.ndarray, "channels channels"]  # -1 to 1
    p_plv: Float[np.ndarray, "channels channels"]
    p_pli: Float[np.ndarray, "channels channels"]
    p_coherence: Float[np.ndarray, "channels channels"]
    null_plv: Float[np.ndarray, "draws channels channels"]  # of channels moved in time
    independent: float  # samples of phase, about
    floor: float  # phase locking that so many have by chance
    segments: int  # windows in the coherence
    used: Float[np.ndarray, "channels"]  # share of samples that have a phase


def synchrony(
    recording: Real[Tensor, "*trials time channels"] | Real[np.ndarray, "*trials time channels"],
    rate: float,
    band: tuple[float, float],
    draws: int = DRAWS,
    seed: int = 0,
) -> Synchrony:
    """Of a recording (..., T, C) with `rate` samples per second.

    Raises BadInput for a recording, band or rate that do not fit, and where there are fewer than two
    independent samples or windows: phase locking and coherence of one are 1, whatever it is.

    >>> from wavetrain.lenses import synchrony
    >>> time = torch.arange(8000)[:, None] / 500
    >>> rhythm = 2 * torch.pi * 10 * time + 0.1 * torch.randn(8000, 1).cumsum(0)
    >>> found = synchrony(torch.cos(torch.cat([rhythm, rhythm - 0.5], 1)), rate=500.0, band=(8.0, 12.0))
    >>> round(float(found.lag[0, 1]), 2), round(float(found.pli[0, 1]), 2)
    (0.5, 1.0)
    """
    what = "synchrony"
    series = _rhythm.read(what, recording, rate)
    asked = _rhythm.band_of(what, band, rate)
    whole = _rhythm.phasors(what, series, asked)
    step = max(int(rate / (SAMPLES * asked.high)), 1)
    size = np.abs(whole[:, ::step])
    there = np.isfinite(size) & (size > 0)
    phasor = np.where(there, whole[:, ::step], 0) / np.where(there, size, 1)
    independent = float(there.sum((0, 1)).max() * step / rate * (asked.high - asked.low))
    if independent < 2:
        raise BadInput(
            f"{what}: expected two independent samples of phase or more, got {independent:.2g}: time with a "
            f"phase times the width of the band of {asked.said}"
        )
    crossed = _spectra(what, series, asked)
    plv, pli = _locked(phasor, phasor, there, there), _lagging(phasor, phasor, there, there)
    squared, imaginary, segments = _coherent(crossed, 0)
    dice = np.random.default_rng(seed)
    least = nulls.least_shift(phasor.shape[1], None)
    moves = dice.integers(least, phasor.shape[1] - least + 1, draws)
    null_plv, null_pli = np.empty((2, draws, *plv.shape))
    for number, move in enumerate(moves):
        moved, known = np.roll(phasor, move, 1), np.roll(there, move, 1)
        null_plv[number] = np.abs(_locked(phasor, moved, there, known))
        null_pli[number] = _lagging(phasor, moved, there, known)
    turns = np.arange(2, crossed.shape[0] - 1)[:draws]
    null_squared = np.array([_coherent(crossed, turn)[0] for turn in turns]).reshape(-1, *plv.shape)
    return Synchrony(
        plv=np.abs(plv),
        lag=np.angle(plv),
        lag_error=np.sqrt(_above(1 - np.abs(plv)) / np.abs(plv) / independent),
        pli=pli,
        coherence=squared,
        imaginary=imaginary,
        p_plv=_ranked(np.abs(plv), null_plv),
        p_pli=_ranked(pli, null_pli),
        p_coherence=_ranked(squared, null_squared),
        null_plv=null_plv,
        independent=independent,
        floor=float(np.sqrt(np.pi / (4 * independent))),
        segments=segments,
        used=np.isfinite(whole).mean((0, 1)),
    )


def _above(values: np.ndarray) -> np.ndarray:
    """Numbers that cannot be below 0, without their rounding."""
    return np.where(values < 1e-12, 0.0, values)


def _locked(one: np.ndarray, two: np.ndarray, there: np.ndarray, known: np.ndarray) -> np.ndarray:
    """mean exp(i (a - b)) of all pairs (C, C), over samples that both channels have."""
    first, second = (part.reshape(-1, part.shape[2]) for part in (one, two))
    count = _pairs(there, known)
    mean: np.ndarray = np.divide(
        first.T @ second.conj(), count, out=np.full(count.shape, np.nan, complex), where=count > 0
    )
    return mean


def _lagging(one: np.ndarray, two: np.ndarray, there: np.ndarray, known: np.ndarray) -> np.ndarray:
    """|mean sign sin(a - b)|; angles are never subtracted, as they would have to be wrapped."""
    first, second = (part.reshape(-1, part.shape[2]) for part in (one, two))
    count = _pairs(there, known)
    total = np.stack([np.sign(_sine(first[:, [at]], second)).sum(0) for at in range(first.shape[1])])
    return np.abs(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))


def _sine(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """sin(a - b), 0 where it is rounding."""
    sine = one.imag * two.real - one.real * two.imag
    return np.where(np.abs(sine) > 1e-9, sine, 0)


def _pairs(there: np.ndarray, known: np.ndarray) -> np.ndarray:
    first, second = (part.reshape(-1, part.shape[2]).astype(float) for part in (there, known))
    return first.T @ second


def _spectra(
    what: str, series: np.ndarray, band: _rhythm.Band
) -> Complex[np.ndarray, "segments channels frequencies"]:
    """The band of each window's transform, NaN where a sample is missing or the channel is flat."""
    steps = int(np.ceil(max(2 / (band.high - band.low), _rhythm.CYCLES / band.low) * band.rate))
    first = np.arange(0, series.shape[1] - steps + 1, max(steps // 2, 1))
    if len(first) * len(series) < 3:
        raise BadInput(
            f"{what}: coherence wants two windows of {steps / band.rate:.3g} s or more, as that of one is 1; "
            f"got {series.shape[1] / band.rate:.3g} s"
        )
    frequency = fft.rfftfreq(steps, 1 / band.rate)
    inside = (frequency >= band.low) & (frequency <= band.high)
    window = signal.windows.hann(steps, sym=False)
    largest = np.max([np.abs(np.where(np.isfinite(values), values, 0)).max(0) for values in series], 0)
    scale = np.ldexp(1.0, np.frexp(largest)[1] - 1)  # of all trials, so that none weighs more than it is
    found = []
    for values in series:
        for at in first:
            part = values[at : at + steps] / scale
            found.append(fft.rfft((part - part.mean(0)) * window[:, None], axis=0)[inside].T)
    return np.array(found)


def _coherent(spectra: np.ndarray, turn: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Coherence, its imaginary part (C, C), and windows; of the second channel windows later by `turn`."""
    there = np.isfinite(spectra).all(2)
    one = np.where(there[:, :, None], spectra, 0).transpose(2, 0, 1)  # (F, S, C)
    two, known = np.roll(one, turn, 1), np.roll(there, turn, 0)
    both = there.astype(float).T @ known.astype(float)
    cross = one.transpose(0, 2, 1) @ two.conj()
    first = (np.abs(one) ** 2).transpose(0, 2, 1) @ known.astype(float)
    second = there.astype(float).T @ np.abs(two) ** 2
    size = np.sqrt(first * second)
    tiny = size <= 1e-20 * max(float(size.max()), np.finfo(float).tiny)
    ratio = np.divide(cross, size, out=np.full(cross.shape, np.nan, complex), where=(both > 1) & ~tiny)
    return (np.abs(ratio) ** 2).mean(0), ratio.imag.mean(0), int(both.max())


def _ranked(score: np.ndarray, null: np.ndarray) -> np.ndarray:
    """p of each pair, the same for both orders; NaN on the diagonal, and where there is no null."""
    if not len(null):
        return np.full(score.shape, np.nan)
    p = nulls.rank(score.reshape(-1), null.reshape(len(null), -1)).reshape(score.shape)
    p = np.triu(p, 1)
    p = p + p.T
    np.fill_diagonal(p, np.nan)
    return np.where(np.isnan(score), np.nan, p)
