"""Coarse graining: does a network look, and fire, the same when its units are merged into ensembles?

Amgalan, Taylor, Mujica-Parodi and Siegelmann 2020, arXiv 2002.10568. We know the abstract alone, so the
procedure is our reconstruction. At each level the two units of the strongest connection are merged, then of
the rest, until all are in pairs; what is left over stays by itself. The weight between ensembles is the sum
of those between their members, M W M' without its diagonal.

    variation   standard deviation of the weights over their mean; alike at all levels where the structure is
                similar to itself. Weights that are exchanged lose about half of it with each level
    p           rank of the variation at the last level over that of the network, among exchanges of weights

With `steps`, leaky units are run on the network (tau 10 steps, threshold 1, reset to 0, two steps refractory,
a little noise; weights over their mean row sum) at six steady inputs from 0.6 to 1.6. An ensemble fires in a
window of k steps when `least` of its members' spikes or more fall into it. Its rate per window is held
against the rate of single units: the root of the mean squared difference over the mean rate, least over k in
1, 2, 4, 8, 16 and `least` in 1, 2, a quarter and a half of the members.

    mismatch    of the network, of its weights exchanged, and without connections, by level. A level that fits
                best in the network and in exchanged weights alike is no sign of the wiring
"""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.parts import nulls

card = Card(
    title="Unique scales preserve self-similar integrate-and-fire functionality of neuronal clusters",
    authors="Amgalan, Anar and Taylor, Patrick and Mujica-Parodi, Lilianne R. and Siegelmann, Hava T.",
    year=2021,
    source="Scientific Reports 11:5331, arXiv 2002.10568",
    family="machines",
    topic="Looking inside",
)

INPUTS = np.linspace(0.6, 1.6, 6)
TAU, NOISE, REST = 10.0, 0.1, 2  # steps, threshold, steps
WINDOWS = (1, 2, 4, 8, 16)


class CoarseGraining(NamedTuple):
    """A network at each level of merging, the network itself first."""

    member: Int[np.ndarray, "levels units"]  # the ensemble of each unit, numbered from 0
    ensembles: Int[np.ndarray, "levels"]  # how many
    variation: Float[np.ndarray, "levels"]  # of weights, deviation over mean
    strength: Float[np.ndarray, "levels"]  # of the sums of weights, deviation over mean
    distance: Float[np.ndarray, "levels"]  # largest gap of their distributions, from the level before
    exchanged: Float[np.ndarray, "levels"]  # variation, mean over exchanges of weights; NaN without draws
    rate: Float[np.ndarray, "inputs"]  # spikes a step of single units; NaN without steps
    mismatch: Float[np.ndarray, "3 levels"]  # of rates: the network, exchanged, without connections
    window: Int[np.ndarray, "levels"]  # k at which the network fits; 0 without steps
    least: Int[np.ndarray, "levels"]  # spikes that make one of the ensemble, alike
    null: Float[np.ndarray, "draws"]  # variation at the last level over the first, weights exchanged
    p: float  # of that of the network, (k + 1) / (draws + 1)


def coarse_graining(
    weight: Float[Tensor, "units units"] | Float[np.ndarray, "units units"],
    levels: int = 4,
    steps: int = 0,
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> CoarseGraining:
    """Weights (units, units), the same both ways and at least 0, merged in pairs `levels` times.

    Raises BadInput for weights that are not so, and for fewer units than the levels need.

    >>> from wavetrain.lenses import coarse_graining
    >>> far = torch.tensor([[(i ^ j).bit_length() for j in range(32)] for i in range(32)])
    >>> found = coarse_graining(0.6 ** far.double(), levels=3)
    >>> found.ensembles.tolist(), round(found.p, 3)
    ([32, 16, 8, 4], 0.005)
    """
    given = weight.detach().cpu().double().numpy() if isinstance(weight, Tensor) else np.array(weight, float)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or not np.isfinite(given).all():
        raise BadInput(f"coarse graining: expected finite weights (units, units), got {given.shape}")
    units = len(given)
    if levels < 1 or steps < 0 or units < 3 * 2**levels:
        raise BadInput(
            f"coarse graining: expected {3 * 2 ** max(levels, 1)} units or more, three ensembles at the last "
            f"of {levels} levels, and 0 or more steps, got {units} and {steps}"
        )
    given = given / (2.0 ** np.frexp(np.abs(given).max())[1] if given.any() else 1.0)
    np.fill_diagonal(given, 0.0)
    if (given < 0).any() or not np.allclose(given, given.T, rtol=1e-6) or not given.any():
        raise BadInput("coarse graining: expected weights of at least 0, the same both ways, and not all 0")
    dice = np.random.default_rng(seed)
    member, merged = merging(given, levels)
    off = [_off(one) for one in merged]
    sums = [one.sum(1) for one in merged]
    start = _variation(off[0]) or float("nan")  # of equal weights there is nothing to keep
    ratio = _variation(off[-1]) / start
    exchanged = [_exchanged(given, dice) for _ in range(max(draws, 1 if steps else 0))]
    lost = np.array(
        [[_variation(_off(each)) for each in merging(one, levels)[1]] for one in exchanged[:draws]]
    ).reshape(-1, levels + 1)
    null = lost[:, -1] / start
    mismatch, rate = np.full((3, levels + 1), np.nan), np.full(len(INPUTS), np.nan)
    window, least = np.zeros((2, levels + 1), dtype=int)
    if steps:
        networks = [(given, member), (exchanged[0], merging(exchanged[0], levels)[0]), (0 * given, member)]
        for row, (one, groups) in enumerate(networks):
            spikes = fired(one, steps, seed)
            base = spikes.mean((0, 2))
            fits = [_fit(spikes, group, base) for group in groups]
            mismatch[row] = [fit[0] for fit in fits]
            if row == 0:
                rate, window, least = base, *np.array([fit[1:] for fit in fits], int).T
    return CoarseGraining(
        member=member.astype(int),
        ensembles=member.max(1) + 1,
        variation=np.array([_variation(one) for one in off]),
        strength=np.array([_variation(one) for one in sums]),
        distance=np.array([0.0, *(_gap(one, two) for one, two in itertools.pairwise(sums))]),
        exchanged=lost.mean(0) if draws else np.full(levels + 1, np.nan),
        rate=rate,
        mismatch=mismatch,
        window=window,
        least=least,
        null=null,
        p=float(nulls.rank(np.array([ratio]), null[:, None])[0]),
    )


def merging(
    weight: Float[np.ndarray, "units units"], levels: int
) -> tuple[Int[np.ndarray, "all units"], list[np.ndarray]]:
    """The ensemble of each unit, and the weights between ensembles, at level 0 and each after it."""
    member, merged = [np.arange(len(weight))], [weight]
    for _ in range(levels):
        now = merged[-1]
        first, second = np.triu_indices(len(now), 1)
        order = np.argsort(-now[first, second], kind="stable")
        group, free, count = [-1] * len(now), len(now), 0
        for one, two in zip(first[order].tolist(), second[order].tolist(), strict=True):
            if group[one] < 0 and group[two] < 0:
                group[one] = group[two] = count
                count, free = count + 1, free - 2
                if free < 2:
                    break
        found = np.array([count if one < 0 else one for one in group])  # at most one is left over
        put = np.eye(found.max() + 1)[found]
        after = put.T @ now @ put
        np.fill_diagonal(after, 0.0)
        member.append(found[member[-1]])
        merged.append(after)
    return np.array(member), merged


def fired(weight: Float[np.ndarray, "units units"], steps: int, seed: int) -> np.ndarray:
    """Spikes (steps, inputs, units) of leaky units at each input."""
    dice, units = np.random.default_rng(seed), len(weight)
    total = weight.sum(1).mean()
    drive = weight.T / total if total > 0 else weight
    v = np.zeros((len(INPUTS), units))
    resting = np.zeros((len(INPUTS), units), dtype=int)
    spikes = np.zeros((steps, len(INPUTS), units), dtype=bool)
    last = np.zeros((len(INPUTS), units))
    for step in range(steps):
        noise = NOISE * np.sqrt(1 / TAU) * dice.standard_normal(v.shape)
        v = np.where(resting > 0, 0.0, v + (INPUTS[:, None] - v) / TAU + last @ drive + noise)
        spikes[step] = v > 1
        resting = np.where(spikes[step], REST, np.maximum(resting - 1, 0))
        v = np.where(spikes[step], 0.0, v)
        last = spikes[step].astype(float)
    return spikes


def ensemble_spikes(
    spikes: np.ndarray, member: Int[np.ndarray, "units"], window: int, least: int
) -> np.ndarray:
    """Whether each ensemble fires in each window: `least` spikes of its members or more."""
    put = np.eye(member.max() + 1)[member]
    whole = len(spikes) // window * window
    counts = spikes[:whole].astype(float) @ put
    return np.asarray(counts.reshape(-1, window, *counts.shape[1:]).sum(1) >= least)


def _fit(spikes: np.ndarray, member: np.ndarray, base: np.ndarray) -> tuple[float, int, int]:
    """The least mismatch of rates, with its window and number of spikes."""
    size = int(np.bincount(member).max())
    tried = sorted({1, 2, max(1, size // 4), max(1, size // 2)}) if size > 1 else [1]
    mean, found = base.mean(), []
    for window in WINDOWS if size > 1 else (1,):
        for least in tried:
            rate = ensemble_spikes(spikes, member, window, least).mean((0, 2))
            off = float(np.sqrt(((rate - base) ** 2).mean()))
            found.append((off / mean if mean > 0 else float("nan"), window, least))
    return min(found)


def _off(weight: np.ndarray) -> np.ndarray:
    return weight[np.triu_indices(len(weight), 1)]


def _variation(values: np.ndarray) -> float:
    return float(values.std() / values.mean()) if values.mean() > 0 else float("nan")


def _exchanged(weight: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    at = np.triu_indices(len(weight), 1)
    moved = np.zeros_like(weight)
    moved[at] = dice.permutation(weight[at])
    return moved + moved.T


def _gap(one: np.ndarray, two: np.ndarray) -> float:
    """The largest gap of two distributions, each over its mean (Kolmogorov and Smirnov)."""
    one, two = np.sort(one / one.mean()), np.sort(two / two.mean())
    both = np.concatenate([one, two])
    lower = [np.searchsorted(side, both, side="right") / len(side) for side in (one, two)]
    return float(np.abs(lower[0] - lower[1]).max())
