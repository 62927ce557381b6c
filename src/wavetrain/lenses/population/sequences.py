"""Sequences: do cells fire one after another in an order of their own, again and again?

As in the song system of birds (Hahnloser, Kozhevnikov and Fee 2002, Nature 419:65). When a sequence begins
need not be known. For each pair of cells the covariance at lags of up to `longest` is taken, and what
lies at positive lags less what lies at negative ones tells which fires first. That is measured in two halves
of the time (of odd and even trials, where there are several), apart from each other.

    score     correlation over pairs of what the halves say: 1 where the order is always the same, 0 where
              there is none, whatever cells share without an order
    latency   of each cell, in seconds after the mean cell: least squares of the lags at which pairs covary
              most, weighted by how much they do; `order` sorts cells by it
    p         the larger of two ranks of the score: among exchanges of cells in one half (are these the
              cells?), and among shifts of each cell in time by itself (does their common time matter?)
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Real
from scipy import fft
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.parts import nulls

card = Card(
    title="An ultra-sparse code underlies the generation of neural sequences in a songbird",
    authors="Hahnloser, Richard H. R. and Kozhevnikov, Alexay A. and Fee, Michale S.",
    year=2002,
    source="Nature 419:65, doi 10.1038/nature00974",
    family="population",
    topic="Looking inside",
)

LEAST = 4  # cells, and times the longest lag that a half must have
FLAT = 1e-12


class Sequences(NamedTuple):
    """The order of cells; NaN where there is none to be told."""

    score: float  # -1 to 1, of halves
    latency: Float[np.ndarray, "cells"]  # s after the mean cell; NaN for one that does not vary
    order: Int[np.ndarray, "cells"]  # cells from the first to the last; those that do not vary at the end
    lag: Float[np.ndarray, "cells cells"]  # s from the first to the second, where they covary most
    strength: Float[np.ndarray, "cells cells"]  # that covariance over the deviations of both
    null: Float[np.ndarray, "draws"]  # the score where cells of one half are exchanged
    null_shifts: Float[np.ndarray, "draws"]  # the score where each cell is shifted by itself
    p: float  # the larger of both ranks, (k + 1) / (draws + 1)


def sequences(
    recording: Real[Tensor, "*trials time cells"] | Real[np.ndarray, "*trials time cells"],
    rate: float,
    longest: float | None = None,
    draws: int = 99,
    seed: int = 0,
) -> Sequences:
    """The sequence of cells in a recording (..., T, cells) at `rate` samples per second.

    `longest` is the largest lag in seconds, by default a sixteenth of the time, and of a trial a quarter.
    Raises BadInput for fewer than four cells that vary, gaps, and for what is too short for the lag.

    >>> from wavetrain.lenses import sequences
    >>> time = torch.arange(400)
    >>> bumps = torch.stack([(-((time - 2 * cell) % 80 - 20.0) ** 2 / 8).exp() for cell in range(10)], 1)
    >>> found = sequences(bumps + 0.1 * torch.randn(400, 10), rate=20)
    >>> found.order.tolist() == list(range(10)), found.p
    (True, 0.01)
    """
    series = _rhythm.read("sequences", recording, rate).astype(float)
    trials, time, cells = series.shape
    if np.isnan(series).any():
        raise BadInput("sequences: expected a recording without gaps, got NaN; give a part without them")
    halves = (
        [series[::2], series[1::2]] if trials > 1 else [series[:, : time // 2], series[:, time - time // 2 :]]
    )
    if longest is None:
        steps = max(1, time // 4 if trials > 1 else time // 16)
    else:
        steps = round(longest * rate) if np.isfinite(longest) else 0
    if steps < 1 or halves[0].shape[1] < LEAST * steps:
        raise BadInput(
            f"sequences: expected lags of one sample or more, and {LEAST} times as much in each half, got "
            f"{steps} of {halves[0].shape[1]}"
        )
    series, varies = _scaled(series)
    if varies.sum() < LEAST:
        raise BadInput(f"sequences: expected {LEAST} cells or more that vary, got {varies.sum()} of {cells}")
    some = np.flatnonzero(varies)
    parts = [_scaled(half)[0][..., some] for half in halves]
    first, second = (_before(_covariances(part, steps)) for part in parts)
    score = _alike(first, second)
    dice = np.random.default_rng(seed)
    exchanged, moved = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        order = dice.permutation(len(some))
        exchanged[draw] = _alike(first, second[np.ix_(order, order)])
        moved[draw] = _alike(*(_before(_covariances(_shifted(part, dice), steps)) for part in parts))
    ranks = [float(nulls.rank(np.array([score]), null[:, None])[0]) for null in (exchanged, moved)]
    lag, strength, latency = _latencies(_covariances(series[..., some], steps))
    put = np.full((3, cells, cells), np.nan)
    put[0][np.ix_(some, some)], put[1][np.ix_(some, some)] = lag / rate, strength
    late = np.full(cells, np.nan)
    late[some] = latency / rate
    return Sequences(
        score=score,
        latency=late,
        order=np.argsort(late, kind="stable"),
        lag=put[0],
        strength=put[1],
        null=exchanged,
        null_shifts=moved,
        p=max(ranks),
    )


def _scaled(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells of mean 0 and deviation 1 over all trials, 0 where they do not vary; and which vary."""
    size = np.abs(series).max((0, 1))
    series = series / np.where(size > 0, size, 1.0)
    series = series - series.mean((0, 1))
    deviation = np.sqrt((series**2).mean((0, 1)))
    varies = deviation > FLAT
    return series * np.where(varies, 1 / np.where(varies, deviation, 1.0), 0.0), varies


def _covariances(series: np.ndarray, steps: int) -> Float[np.ndarray, "lags cells cells"]:
    """From -steps to steps: of the first cell with the second so much later; trials never meet."""
    _, time, cells = series.shape
    length = fft.next_fast_len(time + steps, real=True)
    found = np.zeros((2 * steps + 1, cells, cells))
    for trial in series:
        wide = fft.rfft(trial, length, axis=0)
        for cell in range(cells):
            both = fft.irfft(np.conj(wide[:, cell, None]) * wide, length, axis=0)
            found[:, cell] += np.concatenate([both[length - steps :], both[: steps + 1]])
    return found / (len(series) * time)


def _before(covariance: np.ndarray) -> Float[np.ndarray, "cells cells"]:
    """How much more the second follows the first than the first the second."""
    steps = len(covariance) // 2
    return np.asarray(covariance[steps + 1 :].sum(0) - covariance[:steps].sum(0))


def _alike(one: np.ndarray, two: np.ndarray) -> float:
    """The correlation, about 0, of two tables that change sign across the diagonal."""
    at = np.triu_indices(len(one), 1)
    under = np.linalg.norm(one[at]) * np.linalg.norm(two[at])
    return float(one[at] @ two[at] / under) if under > 0 else float("nan")


def _shifted(series: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """Each cell moved round the end of each trial, by an amount of its own."""
    trials, time, cells = series.shape
    by = dice.integers(0, time, (trials, 1, cells))
    return np.take_along_axis(series, (np.arange(time)[:, None] - by) % time, 1)


def _latencies(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The lag at which each pair covaries most, how much, and latencies that fit them, in steps."""
    steps, cells = len(covariance) // 2, covariance.shape[1]
    lag = covariance.argmax(0) - steps
    strength = covariance.max(0)
    lag = np.where(np.tri(cells, k=-1, dtype=bool), -lag.T, lag)  # the same both ways, also where two tie
    weight = np.maximum(strength, 0.0) ** 2
    weight = np.triu(weight, 1)
    weight = weight + weight.T
    np.fill_diagonal(lag, 0)
    laplacian = np.diag(weight.sum(1)) - weight
    return lag, strength, np.linalg.pinv(laplacian) @ (weight * -lag).sum(1)
