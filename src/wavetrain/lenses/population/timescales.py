"""Intrinsic timescales: for how long does the activity of each channel remember itself?

Murray et al. 2014, Nat Neurosci 17:1661. The autocovariance of a channel at lags of one step and more is
fitted by

    A exp(-lag / tau) - v        A the variance of what lasts, v that of its mean over the recording

The mean of a recording is estimated from it, which takes v from all lags, and makes what is slow look fast. v
follows from A, tau and the samples that there are, so it is no parameter of its own. Lag 0 is left out, as it
holds noise that does not last. The lags run to the first at which the autocorrelation is below a tenth of
that at lag 1, and at most to a quarter of a trial.

    error     standard error, by leaving out each tenth of the time (or of the trials) in turn
    spectral  the same tau from the power spectrum: B / (1 + (2 pi f tau)^2) + C, with its knee at
              1 / (2 pi tau)
    p         the rank of the first autocorrelations, summed, among orders of the samples: does anything last?

Where nothing does (p above 0.05), or tau comes out below half a step or beyond the longest lag, tau is NaN:
not resolved. A rhythm is not of this form; `fit` is then low. Samples that are NaN are left out, and not
filled in.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Real
from scipy import optimize, signal
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.parts import nulls

card = Card(
    title="A hierarchy of intrinsic timescales across primate cortex",
    authors="Murray, John D. and Bernacchia, Alberto and Freedman, David J. and Romo, Ranulfo and "
    "Wallis, Jonathan D. and Cai, Xinying and Padoa-Schioppa, Camillo and Pasternak, Tatiana and "
    "Seo, Hyojung and Lee, Daeyeol and Wang, Xiao-Jing",
    year=2014,
    source="Nature Neuroscience 17:1661, doi 10.1038/nn.3862",
    family="population",
    topic="Looking inside",
)

LEAST = 20  # steps of a trial
END = 0.1  # of the autocorrelation at one step, to which lags are fitted
FEWEST = 4  # lags that are fitted
PARTS = 10
FLAT = 1e-12


class Timescales(NamedTuple):
    """How long each channel remembers; NaN where it is not resolved."""

    tau: Float[np.ndarray, "channels"]  # s
    error: Float[np.ndarray, "channels"]  # s, its standard error
    spectral: Float[np.ndarray, "channels"]  # s, from the knee of the power spectrum
    lasting: Float[np.ndarray, "channels"]  # share of the variance that lasts, A over all
    fit: Float[np.ndarray, "channels"]  # r2 of the exponential over the lags it is fitted to
    autocorrelation: Float[np.ndarray, "channels lags"]  # from lag 0 on, as it was measured
    null: Float[np.ndarray, "draws channels"]  # the sum of the first autocorrelations, samples exchanged
    p: Float[np.ndarray, "channels"]  # (k + 1) / (draws + 1)


def timescales(
    recording: Real[Tensor, "*trials time channels"] | Real[np.ndarray, "*trials time channels"],
    rate: float,
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> Timescales:
    """The timescale of each channel of a recording (..., T, C) at `rate` samples per second.

    Raises BadInput for fewer than twenty steps, and for what cannot be read.

    >>> from wavetrain.lenses import timescales
    >>> x = torch.randn(4000, 1)
    >>> for step in range(1, len(x)):
    ...     x[step] += 0.9 * x[step - 1]  # remembers for -1 / log(0.9) = 9.5 steps
    >>> 0.06 < float(timescales(x, rate=100).tau[0]) < 0.13
    True
    """
    series = _rhythm.read("timescales", recording, rate)
    _, time, channels = series.shape
    if time < LEAST:
        raise BadInput(f"timescales: expected {LEAST} steps or more, got {time}")
    lags = time // 4
    found = np.full((5, channels), np.nan)
    curve, null = np.full((channels, lags + 1), np.nan), np.full((draws, channels), np.nan)
    for channel in range(channels):
        x = series[..., channel].astype(float)
        known = np.isfinite(x)
        size = np.abs(x, where=known, out=np.zeros_like(x)).max()
        x = np.where(known, x / (2.0 ** np.frexp(size)[1] if size else 1.0), 0.0)
        mean = x.sum() / max(known.sum(), 1)
        x = np.where(known, x - mean, 0.0)
        if known.sum() < LEAST or not (x**2).sum() > FLAT * known.sum() * max(abs(mean), 1e-3) ** 2:
            continue  # flat, or nothing recorded
        one = _Channel(x, known, lags)
        curve[channel] = one.curve / one.curve[0]
        dice = np.random.default_rng((seed, channel))
        null[:, channel] = [_first(_shuffled(x, known, dice), known) for _ in range(draws)]
        p = nulls.rank(np.array([_first(x, known)]), null[:, channel, None])[0]
        found[4, channel] = p
        if draws and p > max(nulls.LEVEL, 1 / (draws + 1)):
            continue
        tau, strength, fit = one.fitted()
        found[:4, channel] = tau, _error(x, known, lags), strength / one.curve[0], fit
    there = (found[0] >= 0.5) & (found[0] <= lags)
    found[:4, ~there] = np.nan
    knee = np.array([_knee(series[..., one]) if there[one] else np.nan for one in range(channels)])
    return Timescales(
        tau=found[0] / rate,
        error=found[1] / rate,
        spectral=np.where((knee >= 0.5) & (knee <= lags), knee, np.nan) / rate,
        lasting=found[2],
        fit=found[3],
        autocorrelation=curve,
        null=null,
        p=found[4],
    )


class _Channel:
    """The autocovariance of a channel (trials, T) less its mean, 0 where it is not known."""

    def __init__(self, x: np.ndarray, known: np.ndarray, lags: int):
        full = np.array([signal.correlate(one, one, method="fft")[len(one) - 1 :] for one in x]).sum(0)
        there = known.astype(float)
        pairs = np.array([signal.correlate(one, one, method="fft")[len(one) - 1 :] for one in there]).sum(0)
        self.pairs = np.rint(pairs)  # of known samples at each lag, in one trial
        usable = np.maximum(self.pairs, 1)
        self.curve = np.where(self.pairs > 0, full / usable, np.nan)[: lags + 1]

    def fitted(self) -> tuple[float, float, float]:
        """tau in steps, the variance A that lasts, and r2 of the fit."""
        seen = self.curve[1:]
        low = np.flatnonzero(~(seen > END * seen[0]))
        last = max(FEWEST, int(low[0]) + 1 if len(low) else len(seen))
        lag, seen = np.arange(1, last + 1), seen[:last]
        weight = np.where(np.isfinite(seen), self.pairs[1 : last + 1], 0.0)
        seen = np.nan_to_num(seen)

        def basis(log_tau: float) -> np.ndarray:
            tau = np.exp(log_tau)
            decay = np.exp(-np.arange(1, min(len(self.pairs), int(40 * tau) + 2)) / tau)
            mean = (self.pairs[0] + 2 * self.pairs[1 : len(decay) + 1] @ decay) / self.pairs[0] ** 2
            return np.asarray(np.exp(-lag / tau) - mean)

        def lost(log_tau: float) -> float:
            one = basis(log_tau)
            strength = (weight * one) @ seen / ((weight * one) @ one)
            return float(weight @ (seen - strength * one) ** 2)

        grid = np.linspace(np.log(0.2), np.log(2.0 * len(self.pairs)), 30)
        best = int(np.argmin([lost(one) for one in grid]))
        inside = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        log_tau = float(optimize.minimize_scalar(lost, bounds=inside, method="bounded").x)
        one = basis(log_tau)
        strength = float((weight * one) @ seen / ((weight * one) @ one))
        mean = weight @ seen / weight.sum()
        spread = weight @ (seen - mean) ** 2
        return float(np.exp(log_tau)), strength, 1 - lost(log_tau) / spread if spread > 0 else float("nan")


def _first(x: np.ndarray, known: np.ndarray) -> float:
    """The sum of the autocorrelations at the first lags."""
    pairs = [max((known[:, lag:] & known[:, :-lag]).sum(), 1) for lag in range(1, FEWEST + 1)]
    sums = [(x[:, lag:] * x[:, :-lag]).sum() for lag in range(1, FEWEST + 1)]
    return float((np.array(sums) / pairs).sum() / ((x**2).sum() / known.sum()))


def _shuffled(x: np.ndarray, known: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """The known samples in another order."""
    moved = np.zeros_like(x)
    moved[known] = dice.permutation(x[known])
    return moved


def _error(x: np.ndarray, known: np.ndarray, lags: int) -> float:
    """The standard error of tau in steps, by leaving out each part of the time, or of the trials."""
    left = []
    for part in np.array_split(np.arange(x.size), PARTS):
        kept = known.copy()
        kept.flat[part] = False
        if kept.sum() < LEAST:
            return float("nan")
        mean = x[kept].mean()
        left.append(_Channel(np.where(kept, x - mean, 0.0), kept, lags).fitted()[0])
    return float(np.sqrt((PARTS - 1) * np.var(left)))


def _knee(x: Float[np.ndarray, "trials time"]) -> float:
    """tau in steps from the power spectrum of what has no gap; NaN where there is no knee."""
    whole = x[np.isfinite(x).all(1)]
    if not len(whole):
        return float("nan")
    whole = whole / np.abs(whole).max()
    _, power = signal.welch(whole, nperseg=min(whole.shape[1], 1024), detrend="constant")
    frequency = np.arange(1, power.shape[1]) / (2 * (power.shape[1] - 1))
    power = power.mean(0)[1:]
    if not (power > 0).all():
        return float("nan")
    middle = np.log(power).mean()

    def off(given: np.ndarray) -> np.ndarray:
        top, tau, floor = np.exp(given)
        keep = np.exp(-1 / tau)
        shape = (1 - keep) ** 2 / (1 + keep**2 - 2 * keep * np.cos(2 * np.pi * frequency))
        return np.asarray(np.log(top * shape + floor) - np.log(power) + middle - 0.5772)

    start = np.array([np.log(power[:3].mean()) - middle, np.log(5.0), np.log(power[-3:].mean()) - middle])
    close = 1e-15  # as near as rounding lets it come, whatever the size of the recording
    low, high = np.array([-40.0, -2.0, -40.0]), np.array([40.0, np.log(4.0 * len(power)), 40.0])
    found = optimize.least_squares(
        off, np.clip(start, low, high - 1), "cs", (low, high), xtol=close, ftol=close, gtol=close
    )
    return float(np.exp(found.x[1]))
