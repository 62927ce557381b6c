"""Dimension: over how many directions is the activity of a population spread?

The participation ratio of Gao et al. 2017, bioRxiv 214262: with the eigenvalues of the covariance,

    ratio = (sum of eigenvalues)^2 / (sum of their squares)        1 to the number of units

It is n for n independent units of the same variance, 1 for a single direction, k for k equal ones, and a real
number: (2, 1) has 1.8. Activity is centred in time. Noise raises it, and few samples lower it: n white units
on m samples have about n m / (n + m).

The null moves each unit in time by itself (or puts its samples in another order), which leaves each unit's
variance and takes away what units share; p says how often the ratio is as small there.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.population import _likeness
from wavetrain.parts import nulls

card = Card(
    title="A theory of multineuronal dimensionality, dynamics and measurement",
    authors="Gao, Peiran and Trautmann, Eric and Yu, Byron and Santhanam, Gopal and Ryu, Stephen and "
    "Shenoy, Krishna and Ganguli, Surya",
    year=2017,
    source="bioRxiv, doi 10.1101/214262",
    family="population",
    topic="Looking inside",
)

MOST = 0.9  # of the variance, for `components`


class Dimension(NamedTuple):
    """The spread of centred activity; NaN where nothing varies."""

    ratio: float  # participation ratio
    error: float  # standard error; NaN with fewer than forty samples or five sequences
    components: int  # principal components that hold 90 percent of the variance
    variance: Float[np.ndarray, "units"]  # share of each principal component, the largest first
    axes: Float[np.ndarray, "units axes"]  # the principal components, as columns
    null: Float[np.ndarray, "draws"]  # the ratio of units that share nothing
    p: float  # (k + 1) / (draws + 1)
    samples: int


def dimension(
    activity: Float[Tensor, "*samples units"] | Float[np.ndarray, "*samples units"],
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> Dimension:
    """The dimension of activity (M, units), or (B, T, units) with time.

    Raises BadInput for fewer samples than units, which also tells a table the wrong way round, and for what
    is not finite.

    >>> from wavetrain.lenses import dimension
    >>> plane = torch.randn(500, 2) @ torch.randn(2, 30)
    >>> found = dimension(plane + 0.01 * torch.randn(500, 30))
    >>> found.ratio < 2.1, found.components, found.p
    (True, 2, 0.004975124378109453)
    """
    seen = _likeness.samples("dimension", "activity", activity)
    count, units = seen.rows.shape
    if count < units or count < 2:
        raise BadInput(
            f"dimension: expected at least as many samples as units, and two, got {count} samples of {units} "
            "units; time comes before units"
        )
    rows = seen.rows
    null = np.array([ratio(_apart(seen, draw, seed)) for draw in range(draws)])
    found = ratio(rows)
    _, values, axes = np.linalg.svd(rows, full_matrices=False)
    total = (values**2).sum()
    share = values**2 / total if total > 0 else np.full(units, np.nan)
    return Dimension(
        ratio=found,
        error=_likeness.spread(seen, lambda kept: ratio(rows[kept])),
        components=int((np.cumsum(share) < MOST - 1e-12).sum()) + 1 if total > 0 else 0,
        variance=share,
        axes=axes.T,
        null=null,
        p=float(nulls.rank(-np.array([found]), -null[:, None])[0]),
        samples=count,
    )


def ratio(rows: Float[np.ndarray, "samples units"]) -> float:
    """The participation ratio of rows, centred; NaN where nothing varies."""
    rows = rows - rows.mean(0)
    covariance = rows.T @ rows
    squares = (covariance**2).sum()
    return float(np.trace(covariance) ** 2 / squares) if squares > 0 else float("nan")


def _apart(seen: _likeness.Samples, draw: int, seed: int) -> np.ndarray:
    """The rows with each unit moved by itself: in time round its end, or in another order."""
    dice = np.random.default_rng((seed, draw))
    if seen.time == 1:
        return dice.permuted(seen.rows, axis=0)
    least = nulls.least_shift(seen.time, None)
    rows = seen.rows.reshape(seen.batch, seen.time, -1)
    by = dice.integers(least, seen.time - least + 1, (seen.batch, 1, rows.shape[2]))
    at = (np.arange(seen.time)[:, None] - by) % seen.time
    return np.take_along_axis(rows, at, 1).reshape(seen.rows.shape)
