"""Linear predictivity: how much of each unit of one population can be read off the other?

Ridge regression, as of brain areas from networks by Yamins et al. 2014, PNAS 111:8619. All is fitted on a
part of the samples and judged on the rest, in turn for each of ten parts (fewer where they would have under
four samples; whole sequences where there are five or more): means, weights, and the strength of the ridge,
which errors of single samples that are left out of the fitted part choose for each unit. The score of a unit
is the mean over parts of the correlation of what is predicted with what was seen; that of the population is
the median over units. It is not symmetric.

    r2        1 - squared error / squared error of the mean of the fitted part, over all that was held out;
              below 0 where predictions do harm
    ceiling   of each unit, where `repeats` of the other population are given: the correlation of the mean of
              two halves over many splits, raised to all R repeats by k r / (1 + (k - 1) r), and its root. The
              true rates would have this correlation with the mean of R noisy repeats
    corrected the score over the ceiling, the median over units whose halves agree

p is the rank of the score among others where samples do not belong together: another order of the samples, or
with time other halves of each sequence, against its middle half.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.population import _likeness
from wavetrain.lenses.population._ridge import predicted
from wavetrain.parts import nulls

card = Card(
    title="Performance-optimized hierarchical models predict neural responses in higher visual cortex",
    authors="Yamins, Daniel L. K. and Hong, Ha and Cadieu, Charles F. and Solomon, Ethan A. and "
    "Seibert, Darren and DiCarlo, James J.",
    year=2014,
    source="PNAS 111(23):8619, doi 10.1073/pnas.1403112111",
    family="population",
    topic="Looking inside",
)

PARTS, FEW = 10, 4  # parts, and the fewest samples of one
LEAST = 20  # samples: five parts
SPLITS = 40  # of repeats in halves
FLAT = 1e-12


class Predictivity(NamedTuple):
    """What is held out and predicted, without unit."""

    score: float  # median correlation over units; NaN where none varies
    error: float  # standard error of the score over the parts that were held out
    each: Float[np.ndarray, "others"]  # correlation of each unit; NaN for one that does not vary
    r2: Float[np.ndarray, "others"]
    ceiling: Float[np.ndarray, "others"]  # correlation that the true rates would reach; NaN without repeats
    corrected: float  # score over ceiling, the median; NaN without repeats
    null: Float[np.ndarray, "draws"]  # the score where samples do not belong together
    p: float  # rank of the score, of the middle halves if there is time: (k + 1) / (draws + 1)
    samples: int


def predictivity(
    activity: Float[Tensor, "*samples units"] | Float[np.ndarray, "*samples units"],
    other: Float[Tensor, "*samples others"] | Float[np.ndarray, "*samples others"],
    repeats: Float[Tensor, "repeats *samples others"]
    | Float[np.ndarray, "repeats *samples others"]
    | None = None,
    draws: int = 99,
    seed: int = 0,
) -> Predictivity:
    """How well `activity` predicts `other` on the same samples (M, units), or (B, T, units) with time.

    `repeats` are answers of the other population to the same samples, whose mean `other` is.

    Raises BadInput for fewer than twenty samples, repeats that do not fit, and for what is not finite.

    >>> from wavetrain.lenses import predictivity
    >>> x = torch.randn(200, 5)
    >>> y = x @ torch.randn(5, 8) + 0.1 * torch.randn(200, 8)
    >>> predictivity(x, y).score > 0.95, abs(predictivity(x, torch.randn(200, 8)).score) < 0.3
    (True, True)
    """
    two = _likeness.pair("predictivity", activity, other, least=LEAST)
    held = _parts(two.one)
    folds, r2 = _held_out(two.x, two.y, held)
    each = folds.mean(0)
    score = _median(each)
    kept = _likeness.middle(two.one)
    moved = list(_likeness.draws(two.one, draws, seed))
    whole = len(kept) == len(two.x)
    inner = held if whole else np.array_split(np.arange(len(kept)), min(len(held), len(kept) // FEW))
    half = score if whole else _median(_held_out(two.x[kept], two.y[kept], inner)[0].mean(0))
    null = np.full(len(moved), np.nan)
    if moved:
        many = np.concatenate([two.y[at] for at in moved], 1)
        drawn = _held_out(two.x[kept], many, inner)[0].mean(0)
        null = np.array([_median(one) for one in drawn.reshape(len(moved), -1)])
    ceiling = np.full(two.y.shape[1], np.nan) if repeats is None else _ceiling(repeats, other, seed)
    known = ceiling > 0
    return Predictivity(
        score=score,
        error=float(np.std([_median(one) for one in folds], ddof=1) / np.sqrt(len(folds))),
        each=each,
        r2=r2,
        ceiling=ceiling,
        corrected=_median(each[known] / ceiling[known]),
        null=null,
        p=float(nulls.rank(np.array([half]), null[:, None])[0]),
        samples=len(two.x),
    )


def _parts(of: _likeness.Samples) -> list[np.ndarray]:
    """The samples that are held out in turn."""
    whole = np.arange(len(of.rows))
    if of.time > 1 and of.batch >= _likeness.FEW:
        rows = whole.reshape(of.batch, of.time)
        return [part.ravel() for part in np.array_split(rows, min(PARTS, of.batch))]
    return np.array_split(whole, min(PARTS, len(whole) // FEW))


def _held_out(
    x: Float[np.ndarray, "m units"], y: Float[np.ndarray, "m others"], parts: list[np.ndarray]
) -> tuple[Float[np.ndarray, "parts others"], Float[np.ndarray, "others"]]:
    """The correlation of predictions in each part, and r2 over all."""
    found, wrong, chance = [], np.zeros(y.shape[1]), np.zeros(y.shape[1])
    for part in parts:
        rest = np.delete(np.arange(len(x)), part)
        middle = y[rest].mean(0)
        guess = predicted(x[rest], y[rest], x[part])
        found.append(correlated(guess, y[part]))
        wrong += ((y[part] - guess) ** 2).sum(0)
        chance += ((y[part] - middle) ** 2).sum(0)
    r2 = np.divide(wrong, chance, out=np.full_like(wrong, np.nan), where=chance > 0)
    return np.array(found), 1 - r2


def correlated(
    one: Float[np.ndarray, "m units"], two: Float[np.ndarray, "m units"]
) -> Float[np.ndarray, "units"]:
    """The correlation of each column; 0 where only `one` does not vary, NaN where `two` does not."""
    sizes = [np.abs(side).max(0) for side in (one, two)]
    one, two = one - one.mean(0), two - two.mean(0)
    norms = [np.linalg.norm(side, axis=0) for side in (one, two)]
    varies = [norm > FLAT * size * np.sqrt(len(one)) for norm, size in zip(norms, sizes, strict=True)]
    both = varies[0] & varies[1]
    found = np.divide((one * two).sum(0), norms[0] * norms[1], out=np.zeros(one.shape[1]), where=both)
    return np.where(varies[1], found, np.nan)


def _median(each: np.ndarray) -> float:
    known = each[np.isfinite(each)]
    return float(np.median(known)) if len(known) else float("nan")


def _ceiling(repeats: Tensor | np.ndarray, other: Tensor | np.ndarray, seed: int) -> np.ndarray:
    """The root of each unit's reliability; NaN where halves do not agree."""
    shape = tuple(repeats.shape)
    if len(shape) < 1 or shape[1:] != tuple(other.shape) or shape[0] < 2:
        raise BadInput(
            f"predictivity: expected two repeats or more of {tuple(other.shape)}, first of all, got {shape}"
        )
    count = shape[0]
    flat = repeats.reshape(count * shape[1], *shape[2:])
    rows = _likeness.samples("predictivity", "repeats", flat).rows.reshape(count, -1, shape[-1])
    half, dice = count // 2, np.random.default_rng(seed)
    found = []
    for _ in range(SPLITS):
        order = dice.permutation(count)
        found.append(correlated(rows[order[:half]].mean(0), rows[order[half : 2 * half]].mean(0)))
    r, k = np.mean(found, 0), count / half
    full = k * r / (1 + (k - 1) * r)
    return np.sqrt(full, out=np.full_like(r, np.nan), where=r > 0)
