"""RSA: do two populations find the same pairs of stimuli alike, and how well could any model do?

Kriegeskorte, Mur and Bandettini 2008; distances that noise does not raise by Walther et al. 2016, NeuroImage
137:188. Activity is (repeats, stimuli, units). With the difference d of the patterns of two stimuli:

    SQUARED      d' d over units and over their mean variance. With repeats it is the mean of d_r' d_s over
                 repeats r and s that differ: 0 in the mean where two stimuli have the same pattern, and at
                 times below. With one repeat noise counts as difference
    CORRELATION  1 - Pearson correlation of the mean patterns: blind to their size, and to what is added to
                 all units

`whiten` first makes the noise of units alike and independent: its covariance is that of repeats about their
mean, shrunk as Ledoit and Wolf say; a side with a single repeat stays as it is. The score compares the
distances of all pairs of stimuli. p exchanges the stimuli of one side; few stimuli have few orders, and then
each counts once (4 have 24: p is at least 1 / 24).

    reliability  of the distances of one side: the correlation r between halves of its repeats, over all
                 splits or 40, then of all R repeats k r / (1 + (k - 1) r) with k of the halves. A single
                 repeat (a network without noise) has 1
    ceiling      sqrt(reliability x reliability of the other): what the true distances would reach
    corrected    score / ceiling. It tends to 1 for the truth, and may exceed 1: by a twentieth with four
                 repeats, or by a tenth where noise has five times the variance of the patterns

Where halves do not agree at all there is no ceiling (NaN); nor is there one for Kendall's tau.
"""

import enum
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats
from scipy.spatial.distance import squareform
from sklearn.covariance import ledoit_wolf
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.population import _likeness
from wavetrain.parts import nulls

card = Card(
    title="Representational similarity analysis - connecting the branches of systems neuroscience",
    authors="Kriegeskorte, Nikolaus and Mur, Marieke and Bandettini, Peter",
    year=2008,
    source="Frontiers in Systems Neuroscience 2:4, doi 10.3389/neuro.06.004.2008",
    family="population",
    topic="Looking inside",
)

LEAST = 4  # stimuli: three have three pairs, and any order of them fits
SPLITS = 40  # of repeats in halves, at most
ROUNDING = 1e-12


class Distance(enum.Enum):
    """How far two stimuli are apart."""

    SQUARED = "squared"
    CORRELATION = "correlation"


class Comparison(enum.Enum):
    """How the distances of two populations are compared."""

    PEARSON = "pearson"
    SPEARMAN = "spearman"
    KENDALL = "kendall"  # tau-a: pairs that are tied count as half right


class RSA(NamedTuple):
    """How alike two populations find the same pairs of stimuli; without unit where none is named."""

    score: float  # -1 to 1; NaN where the distances of one side do not vary
    error: float  # standard error, by leaving out each stimulus in turn
    reliability: float  # of the distances of `activity`; NaN where halves do not agree at all
    reliability_other: float
    ceiling: float  # what the true distances would reach
    corrected: float  # score over ceiling
    distance: Float[np.ndarray, "stimuli stimuli"]  # over the mean variance of a unit; or 1 - correlation
    distance_other: Float[np.ndarray, "stimuli stimuli"]
    null: Float[np.ndarray, "draws"]  # the score where stimuli of the other are exchanged
    p: float  # (k + 1) / (draws + 1)
    pairs: int  # of stimuli


def rsa(
    activity: Float[Tensor, "repeats stimuli units"] | Float[np.ndarray, "repeats stimuli units"],
    other: Float[Tensor, "again stimuli others"] | Float[np.ndarray, "again stimuli others"],
    distance: Distance = Distance.SQUARED,
    comparison: Comparison = Comparison.PEARSON,
    whiten: bool = False,
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> RSA:
    """The likeness of two populations that have seen the same stimuli, each one or more times.

    Raises BadInput for fewer than four stimuli, unequal numbers of them, whitening without repeats, and for
    what is not finite.

    >>> from wavetrain.lenses import rsa
    >>> rates = torch.randn(1, 20, 8)
    >>> noisy = rates + 0.5 * torch.randn(10, 20, 8)
    >>> found = rsa(noisy, rates)
    >>> found.score > 0.9, found.score < found.corrected < 1.1, round(found.p, 3)
    (True, True, 0.005)
    """
    one, two = (_repeats(name, given) for name, given in (("activity", activity), ("other", other)))
    count = one.shape[1]
    if two.shape[1] != count:
        raise BadInput(
            f"rsa: expected the same stimuli on both sides (repeats, stimuli, units), got "
            f"{tuple(activity.shape)} and {tuple(other.shape)}"
        )
    if whiten:
        one, two = _white(one), _white(two) if len(two) > 1 else two
    apart = {Distance.SQUARED: squared, Distance.CORRELATION: correlation}[distance]
    first, second = squareform(apart(one)), squareform(apart(two))
    score = _compare(first, second, comparison)
    orders = _orders(count, draws, seed)
    null = np.array([_compare(first, second[np.ix_(order, order)], comparison) for order in orders])
    left = [np.delete(np.arange(count), at) for at in range(count)]
    each = np.array([_compare(first[np.ix_(at, at)], second[np.ix_(at, at)], comparison) for at in left])
    own, others = (_reliability(side, apart, comparison, seed) for side in (one, two))
    ceiling = math.sqrt(own * others)  # each above 0, or NaN
    return RSA(
        score=score,
        error=float(np.sqrt((count - 1) * each.var())),
        reliability=own,
        reliability_other=others,
        ceiling=ceiling,
        corrected=score / ceiling,
        distance=first,
        distance_other=second,
        null=null,
        p=float(nulls.rank(np.array([score]), null[:, None])[0]),
        pairs=count * (count - 1) // 2,
    )


def _repeats(name: str, given: Tensor | np.ndarray) -> np.ndarray:
    """Activity (repeats, stimuli, units), checked, less the mean of each unit and of mean square 1."""
    if given.ndim != 3:
        raise BadInput(f"rsa: expected {name} (repeats, stimuli, units), got {tuple(given.shape)}")
    seen = _likeness.samples("rsa", name, given)
    value = seen.rows.reshape(given.shape)
    if value.shape[1] < LEAST:
        raise BadInput(f"rsa: expected {LEAST} stimuli or more in {name}, got {value.shape[1]}")
    size = np.sqrt((value**2).mean())
    return value / size if size > 0 else value


def _white(value: np.ndarray) -> np.ndarray:
    """The same where the noise of each unit has variance 1 and shares nothing with others."""
    noise = value - value.mean(0)
    if len(value) < 2 or not noise.any():
        raise BadInput(f"rsa: whitening wants repeats of the stimuli that differ, got {len(value)} repeat(s)")
    flat = noise.reshape(-1, noise.shape[2]) * np.sqrt(len(noise) / (len(noise) - 1))
    values, axes = np.linalg.eigh(ledoit_wolf(flat, assume_centered=True)[0])
    there = values > ROUNDING * values.max()
    return np.asarray(value @ axes[:, there] / np.sqrt(values[there]))


def squared(value: Float[np.ndarray, "repeats stimuli units"]) -> Float[np.ndarray, "pairs"]:
    """Squared distances over the units, of repeats that differ where there are any."""
    repeats, stimuli, units = value.shape
    first, second = np.triu_indices(stimuli, 1)
    if repeats == 1:
        gap = value[0, first] - value[0, second]
        return np.asarray((gap**2).sum(1) / units)
    whole = value.sum(0)
    products = whole @ whole.T - np.einsum("riu,rju->ij", value, value)  # in repeats that differ
    products /= repeats * (repeats - 1) * units
    return np.asarray(products[first, first] + products[second, second] - 2 * products[first, second])


def correlation(value: Float[np.ndarray, "repeats stimuli units"]) -> Float[np.ndarray, "pairs"]:
    """1 - the correlation of mean patterns; NaN for one that is the same in all units."""
    mean = value.mean(0)
    mean = mean - mean.mean(1, keepdims=True)
    size = np.linalg.norm(mean, axis=1, keepdims=True)
    flat = np.divide(mean, size, out=np.full_like(mean, np.nan), where=size > ROUNDING * size.max())
    return np.asarray(1 - (flat @ flat.T)[np.triu_indices(len(flat), 1)])


def _compare(first: np.ndarray, second: np.ndarray, comparison: Comparison) -> float:
    """The correlation of the distances of all pairs; NaN where one side has no difference among them."""
    at = np.triu_indices(len(first), 1)
    return compared(first[at], second[at], comparison)


def compared(
    one: Float[np.ndarray, "pairs"], two: Float[np.ndarray, "pairs"], comparison: Comparison
) -> float:
    """The correlation of two lists of distances."""
    known = np.isfinite(one) & np.isfinite(two)
    one, two = one[known], two[known]
    sizes = [np.abs(side).max(initial=0.0) for side in (one, two)]
    if len(one) < 3 or min(np.ptp(one) - ROUNDING * sizes[0], np.ptp(two) - ROUNDING * sizes[1]) <= 0:
        return float("nan")
    if comparison is Comparison.KENDALL:
        right = np.sign(one[:, None] - one) * np.sign(two[:, None] - two)
        return float(right.sum() / (len(one) * (len(one) - 1)))
    if comparison is Comparison.SPEARMAN:
        one, two = stats.rankdata(one), stats.rankdata(two)
    one, two = one - one.mean(), two - two.mean()
    return float(np.clip(one @ two / (np.linalg.norm(one) * np.linalg.norm(two)), -1, 1))


def _orders(count: int, draws: int, seed: int) -> list[np.ndarray]:
    """Other orders of the stimuli: all of them where they are no more than the draws."""
    if math.factorial(count) <= draws + 1:
        return [np.array(order) for order in itertools.permutations(range(count))][1:]
    dice = np.random.default_rng(seed)
    return [dice.permutation(count) for _ in range(draws)]


def _reliability(
    value: np.ndarray, apart: Callable[[np.ndarray], np.ndarray], comparison: Comparison, seed: int
) -> float:
    """Of distances from all repeats, by halves of them; 1 with a single one, NaN where halves disagree."""
    repeats = len(value)
    if repeats == 1:
        return 1.0
    if comparison is Comparison.KENDALL:
        return float("nan")
    half, dice = repeats // 2, np.random.default_rng(seed)
    if math.comb(repeats, half) <= SPLITS:
        splits = [
            (list(one), [at for at in range(repeats) if at not in one][:half])
            for one in itertools.combinations(range(repeats), half)
        ]
    else:
        orders = [dice.permutation(repeats) for _ in range(SPLITS)]
        splits = [(list(order[:half]), list(order[half : 2 * half])) for order in orders]
    found = [compared(apart(value[one]), apart(value[two]), comparison) for one, two in splits]
    r, k = float(np.mean(found)), repeats / half
    return k * r / (1 + (k - 1) * r) if r > 0 else float("nan")
