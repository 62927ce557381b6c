"""Demixed variance: how much of a population's activity depends on time, on each label, on their interplay?

dPCA of Kobak et al. 2016, eLife 5:e10989. Activity is (trials, time, units), and each trial has a label, or
several. The mean activity of each condition (combination of labels) is split into parts that add up and are
at right angles: what depends on time alone, what each label adds (at any time), and what labels add together.

    share      of the variance over conditions and time; of sum 1
    signal     share less what noise gives: the variance of trials about their condition over their number.
               Of a part that is not there it is 0 in the mean, and at times below
    p          rank of each label's share when whole trials exchange their labels; NaN for time, which no
               exchange of trials moves
    encoder,   for each part the axes F that show it, and the axes D that read it out: least squares of the
    decoder    part by F D' of the whole, with a small ridge. They need not be at right angles to each other's
    explained  1 - |X - sum F D' X|^2 / |X|^2 of all these axes together, at most 1
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.population import _likeness
from wavetrain.parts import nulls

card = Card(
    title="Demixed principal component analysis of neural population data",
    authors="Kobak, Dmitry and Brendel, Wieland and Constantinidis, Christos and Feierstein, Claudia E. and "
    "Kepecs, Adam and Mainen, Zachary F. and Qi, Xue-Lian and Romo, Ranulfo and Uchida, Naoshige and "
    "Machens, Christian K.",
    year=2016,
    source="eLife 5:e10989, doi 10.7554/eLife.10989",
    family="population",
    topic="Looking inside",
)

RIDGE = 1e-10  # of the mean variance


class Demixed(NamedTuple):
    """Parts come in the order: time, each label, pairs of labels and so on; NaN where nothing varies."""

    share: Float[np.ndarray, "parts"]  # of the variance over conditions and time
    signal: Float[np.ndarray, "parts"]  # the same less noise; NaN where a condition has a single trial
    error: Float[np.ndarray, "parts"]  # standard error of share, by leaving out each tenth of the trials
    encoder: Float[np.ndarray, "parts units components"]  # 0 beyond the rank of a part
    decoder: Float[np.ndarray, "parts units components"]
    explained: float  # share of the variance that these axes hold together
    labels: Int[np.ndarray, "parts factors"]  # 1 where a part is about that label, all 0 for time
    null: Float[np.ndarray, "draws parts"]  # share where trials exchange their labels
    p: Float[np.ndarray, "parts"]  # (k + 1) / (draws + 1)


def demixed(
    trials: Float[Tensor, "trials time units"] | Float[np.ndarray, "trials time units"],
    label: Int[Tensor, "trials *factors"] | Int[np.ndarray, "trials *factors"],
    components: int = 3,
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> Demixed:
    """The variance of trials (trials, time, units) by labels (trials,), or (trials, factors) for several.

    Raises BadInput for a combination of labels that no trial has, a label of one kind, and what does not fit.

    >>> from wavetrain.lenses import demixed
    >>> label = torch.arange(40) % 2
    >>> activity = label[:, None, None] + 0.1 * torch.randn(40, 5, 8)
    >>> found = demixed(activity, label)
    >>> bool(found.share[1] > 0.95), round(float(found.p[1]), 3)
    (True, 0.005)
    """
    if trials.ndim != 3:
        raise BadInput(f"demixed: expected trials (trials, time, units), got {tuple(trials.shape)}")
    value = _likeness.samples("demixed", "trials", trials).rows.reshape(trials.shape)
    levels, at = _conditions(label, len(value))
    if components < 1:
        raise BadInput(f"demixed: expected one component or more, got {components}")
    parts = _parts(len(levels))
    whole = _means(value, at, levels)
    split = [_part(whole, part) for part in parts]
    share = _shares(split)
    null = np.full((draws, len(parts)), np.nan)
    dice = np.random.default_rng(seed)
    for draw in range(draws):
        moved = _means(value, at[dice.permutation(len(at))], levels)
        null[draw] = _shares([_part(moved, part) for part in parts])
    p = nulls.rank(share, null)
    p[0] = np.nan
    encoder, decoder = _axes(whole, split, components)
    flat = whole.reshape(-1, whole.shape[-1])
    guess = sum(flat @ two @ one.T for one, two in zip(encoder, decoder, strict=True))
    total = (flat**2).sum()
    return Demixed(
        share=share,
        signal=_signal(value, at, levels, split),
        error=_error(value, at, levels),
        encoder=encoder,
        decoder=decoder,
        explained=float(1 - ((flat - guess) ** 2).sum() / total) if total > 0 else float("nan"),
        labels=np.array([[int(one in part) for one in range(len(levels))] for part in parts]),
        null=null,
        p=p,
    )


def _conditions(label: Tensor | np.ndarray, trials: int) -> tuple[tuple[int, ...], np.ndarray]:
    """How many values each label has, and the condition of each trial."""
    given = np.asarray(label.detach().cpu() if isinstance(label, Tensor) else label)
    if given.ndim not in (1, 2) or len(given) != trials or not given.size:
        raise BadInput(
            f"demixed: expected labels of {trials} trials, (trials,) or (trials, factors), got {given.shape}"
        )
    each = [np.unique(column, return_inverse=True)[1].ravel() for column in given.reshape(trials, -1).T]
    levels = tuple(int(one.max()) + 1 for one in each)
    if min(levels) < 2:
        raise BadInput("demixed: expected two values or more of each label, got one")
    at = np.ravel_multi_index(tuple(each), levels)
    counts = np.bincount(at, minlength=int(np.prod(levels)))
    if (counts == 0).any():
        raise BadInput(
            f"demixed: expected trials of all {len(counts)} combinations of labels, got none of "
            f"{int((counts == 0).sum())}; leave out values of a label, or a label"
        )
    return levels, at


def _parts(factors: int) -> list[tuple[int, ...]]:
    """The labels that each part is about; of the first, time, none."""
    return [one for many in range(factors + 1) for one in itertools.combinations(range(factors), many)]


def _means(
    value: np.ndarray, at: np.ndarray, levels: tuple[int, ...]
) -> Float[np.ndarray, "*levels time units"]:
    """The mean of each condition, less the mean of all conditions and times."""
    count = int(np.prod(levels))
    pick = np.zeros((count, len(at)))
    pick[at, np.arange(len(at))] = 1
    mean = np.tensordot(pick / pick.sum(1, keepdims=True), value, 1)
    return np.asarray((mean - mean.mean((0, 1))).reshape(*levels, *value.shape[1:]))


def _part(whole: np.ndarray, part: tuple[int, ...]) -> np.ndarray:
    """What labels in the part add together, to what fewer of them add: with signs over all subsets."""
    factors = range(whole.ndim - 2)
    found = np.zeros_like(whole)
    for many in range(len(part) + 1):
        for kept in itertools.combinations(part, many):
            gone = tuple(one for one in factors if one not in kept)
            found = found + (-1) ** (len(part) - many) * whole.mean(gone, keepdims=True)
    return found


def _shares(split: list[np.ndarray]) -> np.ndarray:
    squares = np.array([(one**2).sum() for one in split])
    return squares / squares.sum() if squares.sum() > 0 else np.full(len(split), np.nan)


def _signal(
    value: np.ndarray, at: np.ndarray, levels: tuple[int, ...], split: list[np.ndarray]
) -> np.ndarray:
    """Shares less what noise about the means gives to each part."""
    counts = np.bincount(at)
    squares = np.array([(one**2).sum() for one in split])
    if counts.min() < 2 or not squares.sum() > 0:
        return np.full(len(split), np.nan)
    inside = np.array(
        [((value[at == one] - value[at == one].mean(0)) ** 2).sum() for one in range(len(counts))]
    )
    noise = (inside / (counts - 1) / counts).mean()  # of the squares of a condition, over time and units
    free = [math.prod(levels[one] - 1 for one in part) for part in _parts(len(levels))]
    clean = squares - noise * np.array(free)
    clean[0] += noise / value.shape[1]  # the mean over time is taken from all
    return np.asarray(clean / clean.sum()) if clean.sum() > 0 else np.full(len(split), np.nan)


def _error(value: np.ndarray, at: np.ndarray, levels: tuple[int, ...]) -> np.ndarray:
    """Standard errors of shares; NaN where a part that is left out has all trials of a condition."""
    parts, left = _parts(len(levels)), []
    many = min(10, int(np.bincount(at).min()))
    if many < 2:
        return np.full(len(parts), np.nan)
    place = np.empty(len(at), dtype=int)
    for one in np.unique(at):
        place[at == one] = np.arange((at == one).sum()) % many
    for out in range(many):
        whole = _means(value[place != out], at[place != out], levels)
        left.append(_shares([_part(whole, part) for part in parts]))
    return np.asarray(np.sqrt((many - 1) * np.var(left, 0)))


def _axes(whole: np.ndarray, split: list[np.ndarray], components: int) -> tuple[np.ndarray, np.ndarray]:
    """Encoders and decoders of each part, (parts, units, components)."""
    units = whole.shape[-1]
    x = whole.reshape(-1, units)
    inner = x.T @ x
    inner += RIDGE * (np.trace(inner) / units or 1.0) * np.eye(units)
    encoder, decoder = np.zeros((2, len(split), units, components))
    for number, one in enumerate(split):
        best = np.linalg.solve(inner, x.T @ one.reshape(-1, units))  # the part is near x times it
        _, sizes, axes = np.linalg.svd(x @ best, full_matrices=False)
        kept = axes[:components][sizes[:components] > 1e-9 * max(float(np.linalg.norm(x)), 1e-300)].T
        encoder[number, :, : kept.shape[1]] = kept
        decoder[number, :, : kept.shape[1]] = best @ kept
    return encoder, decoder
