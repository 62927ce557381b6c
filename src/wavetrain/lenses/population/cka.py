"""Centred kernel alignment: do two populations find the same samples alike?

Kornblith, Norouzi, Lee and Hinton 2019, arXiv 1905.00414; without bias by Song et al. 2012, Journal of
Machine Learning Research 13:1393. With the similarities K = X X' and L = Y Y' of all pairs of samples,

    CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L))

The biased HSIC is the sum of the products of the centred K and L, and reports a likeness of unrelated data
that grows with the units for each sample: about p / (m + p) for p units and m samples. Without bias the
similarity of a sample with itself is left out: unrelated data then have 0 in the mean, and may be below it.

CKA does not change when a population is turned, shifted or scaled; it does under other linear maps. It
follows the components of largest variance. Where a self term is not above 0 there is no score: NaN.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card
from wavetrain.lenses.population import _likeness
from wavetrain.parts import nulls

card = Card(
    title="Similarity of Neural Network Representations Revisited",
    authors="Kornblith, Simon and Norouzi, Mohammad and Lee, Honglak and Hinton, Geoffrey",
    year=2019,
    source="arXiv 1905.00414",
    family="population",
    topic="Looking inside",
)


class CKA(NamedTuple):
    """A score of at most 1, without unit."""

    score: float
    error: float  # standard error; NaN with fewer than forty samples or five sequences
    null: Float[np.ndarray, "draws"]  # the score when samples do not belong together
    p: float  # rank of the score, of the halves if there is time: (k + 1) / (draws + 1)
    samples: int


def cka(
    activity: Float[Tensor, "*samples units"] | Float[np.ndarray, "*samples units"],
    other: Float[Tensor, "*samples others"] | Float[np.ndarray, "*samples others"],
    debiased: bool = True,
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> CKA:
    """The linear CKA of two populations on the same samples (M, units), or (B, T, units) with time.

    With time, the middle half of each sequence is held against other halves, which are as slow.

    Raises BadInput for fewer than four samples, and for what is not finite or has other samples.

    >>> from wavetrain.lenses import cka
    >>> x = torch.randn(100, 20)
    >>> turned = 3 * x @ torch.linalg.qr(torch.randn(20, 20))[0]
    >>> round(cka(x, turned).score, 6), abs(cka(x, torch.randn(100, 20)).score) < 0.1
    (1.0, True)
    """
    two = _likeness.pair("cka", activity, other, least=4)
    worth = _likeness.worth(two, unbiased if debiased else biased, draws, seed)
    return CKA(worth.score, worth.error, worth.null, worth.p, len(two.x))


def biased(x: Float[np.ndarray, "m p"], y: Float[np.ndarray, "m q"]) -> float:
    """The sum of squares of the covariances between x and y, over that within them."""
    x, y = x - x.mean(0), y - y.mean(0)
    under = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(x.T @ y) ** 2 / under) if under > 0 else float("nan")


def unbiased(x: Float[np.ndarray, "m p"], y: Float[np.ndarray, "m q"]) -> float:
    """The same from HSIC without bias; NaN where a self term is not above 0."""
    own, others = hsic(x, x), hsic(y, y)
    if not (own > 0 and others > 0):
        return float("nan")
    return hsic(x, y) / float(np.sqrt(own) * np.sqrt(others))


def hsic(x: Float[np.ndarray, "m p"], y: Float[np.ndarray, "m q"]) -> float:
    """HSIC of linear kernels without bias, from m samples; it may be below 0."""
    m = len(x)
    if m < 4:
        return float("nan")
    x, y = x - x.mean(0), y - y.mean(0)  # changes nothing, but for rounding
    own, others = (x**2).sum(1), (y**2).sum(1)  # the diagonals of K and L, which are left out
    together = (x.T @ y) ** 2
    inner = together.sum() - own @ others  # trace of K L
    rows, columns = x @ x.sum(0) - own, y @ y.sum(0) - others  # K 1 and L 1
    return float(
        (inner + rows.sum() * columns.sum() / ((m - 1) * (m - 2)) - 2 / (m - 2) * (rows @ columns))
        / (m * (m - 3))
    )
