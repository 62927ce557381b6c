"""Canonical correlations: which directions of two populations go together?

Hotelling 1936, Biometrika 28:321; for networks Raghu et al. 2017, arXiv 1706.05806 (SVCCA, which keeps the
principal components that hold most of the variance first). With orthonormal bases Qx and Qy of the centred
activity, the correlations are the singular values of Qx' Qy, and the score is their mean. It does not change
under any invertible linear map of a population.

With as many directions as samples the correlations are 1 whatever the data: two populations that together
have p + q directions share p + q - m + 1 of them exactly in m samples. That is refused: keep fewer
components, or take more samples. Even then unrelated data have large correlations, so the null is told, and
what is left of the correlation in samples that were held out.
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
    title="SVCCA: Singular Vector Canonical Correlation Analysis for Deep Learning Dynamics and "
    "Interpretability",
    authors="Raghu, Maithra and Gilmer, Justin and Yosinski, Jason and Sohl-Dickstein, Jascha",
    year=2017,
    source="arXiv 1706.05806",
    family="population",
    topic="Looking inside",
)

ROUNDING = 1e-10  # of the largest singular value: below it a direction is not there


class CCA(NamedTuple):
    """Correlations from 0 to 1; NaN where a population does not vary."""

    score: float  # mean of the correlations
    error: float  # standard error; NaN with fewer than forty samples or five sequences
    correlations: Float[np.ndarray, "pairs"]  # the largest first
    held_out: float  # mean correlation of the same directions in parts that were left out; NaN without parts
    kept: int  # directions of the first population
    kept_other: int
    null: Float[np.ndarray, "draws"]  # the score when samples do not belong together
    p: float  # rank of the score, of the halves if there is time; NaN where those are too short
    samples: int


def cca(
    activity: Float[Tensor, "*samples units"] | Float[np.ndarray, "*samples units"],
    other: Float[Tensor, "*samples others"] | Float[np.ndarray, "*samples others"],
    keep: float = 1.0,
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> CCA:
    """The canonical correlations of two populations on the same samples (M, units), or (B, T, units).

    `keep` is the share of the variance that the principal components must hold which are looked at; SVCCA
    keeps 0.99. With time, the middle half of each sequence is held against other halves for the null.

    Raises BadInput for no more samples than directions of both together, a share that is not above 0 and at
    most 1, and for what is not finite or has other samples.

    >>> from wavetrain.lenses import cca
    >>> x = torch.randn(200, 4).double()
    >>> found = cca(x, x @ torch.randn(4, 4).double())
    >>> round(found.score, 6), cca(x, torch.randn(200, 4)).score < 0.3
    (1.0, True)
    """
    if not 0 < keep <= 1:
        raise BadInput(f"cca: expected a share above 0 and at most 1 to keep, got {keep}")
    two = _likeness.pair("cca", activity, other, least=2)
    x, y = principal(two.x, keep), principal(two.y, keep)
    together = x.shape[1] + y.shape[1]
    if len(x) <= together:
        raise BadInput(
            f"cca: expected more samples than the {together} directions of both together, got {len(x)}; keep "
            "fewer components or take more samples"
        )
    worth = _likeness.worth(_likeness.Pair(x, y, two.one, two.two), mean, draws, seed)
    return CCA(
        score=worth.score,
        error=worth.error,
        correlations=correlations(x, y),
        held_out=_held_out(x, y, two.one),
        kept=x.shape[1],
        kept_other=y.shape[1],
        null=worth.null,
        p=worth.p,
        samples=len(x),
    )


def principal(rows: Float[np.ndarray, "m p"], keep: float) -> Float[np.ndarray, "m kept"]:
    """The principal components that hold a share of the variance, those below rounding left out."""
    left, values, _ = np.linalg.svd(rows, full_matrices=False)
    there = values > ROUNDING * values.max(initial=1e-300)
    before = np.cumsum(values**2) - values**2
    there &= before < keep * (values**2).sum() - 1e-12 * (values**2).sum()
    return left[:, there] * values[there]


def correlations(x: Float[np.ndarray, "m p"], y: Float[np.ndarray, "m q"]) -> Float[np.ndarray, "pairs"]:
    """Canonical correlations of rows."""
    x, y = (np.linalg.qr(one - one.mean(0))[0] for one in (x, y))
    return np.minimum(np.linalg.svd(x.T @ y, compute_uv=False), 1.0)


def mean(x: Float[np.ndarray, "m p"], y: Float[np.ndarray, "m q"]) -> float:
    """The mean of the canonical correlations; NaN without a direction, or with too few samples for them."""
    enough = x.shape[1] and y.shape[1] and len(x) > x.shape[1] + y.shape[1]
    return float(correlations(x, y).mean()) if enough else float("nan")


def _held_out(x: np.ndarray, y: np.ndarray, of: _likeness.Samples) -> float:
    """The mean correlation, in each part that is left out, of directions found in the rest."""
    parts = _likeness.stretch(of)
    if not parts or not x.shape[1] or not y.shape[1] or len(x) - len(parts[0]) <= x.shape[1] + y.shape[1]:
        return float("nan")
    found = []
    for part in parts:
        rest = np.delete(np.arange(len(x)), part)
        middle = x[rest].mean(0), y[rest].mean(0)
        one, two = np.linalg.qr(x[rest] - middle[0]), np.linalg.qr(y[rest] - middle[1])
        left, _, right = np.linalg.svd(one[0].T @ two[0], full_matrices=False)
        a = (x[part] - middle[0]) @ np.linalg.solve(one[1], left)
        b = (y[part] - middle[1]) @ np.linalg.solve(two[1], right.T)
        found.append((a * b).mean(0) / np.sqrt((a**2).mean(0) * (b**2).mean(0)))
    return float(np.mean(found))
