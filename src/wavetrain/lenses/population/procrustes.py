"""Procrustes: how far are two populations from being one and the same shape, turned?

Williams, Kunz, Kornblith and Linderman 2021, arXiv 2110.14739. The turn R (orthogonal; the smaller population
is filled up with zeros) that brings X nearest to Y follows from X' Y, of nuclear norm |X' Y|_*:

    distance   min |X R - Y| = sqrt(|X|^2 + |Y|^2 - 2 |X' Y|_*), in the unit of the activity, over all samples
    angle      arccos(|X' Y|_* / (|X| |Y|)), radians, blind to the size; pi/2 where nothing is shared

Columns are centred. Both are metrics: symmetric, and no way round is shorter. Unrelated populations of many
units are nearer to each other than those of few; compare with the null.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card
from wavetrain.lenses.population import _likeness
from wavetrain.parts import nulls

card = Card(
    title="Generalized Shape Metrics on Neural Representations",
    authors="Williams, Alex H. and Kunz, Erin and Kornblith, Simon and Linderman, Scott W.",
    year=2021,
    source="arXiv 2110.14739",
    family="population",
    topic="Looking inside",
)


class Procrustes(NamedTuple):
    """How far two populations are apart, and the turn that brings one to the other."""

    angle: float  # radians; NaN where a population does not vary
    error: float  # standard error of the angle; NaN with fewer than forty samples or five sequences
    distance: float  # in the unit of the activity
    before: float  # distance without a turn; NaN where the numbers of units differ
    rotation: Float[np.ndarray, "units others"]  # R: centred activity @ R is nearest to the other
    null: Float[np.ndarray, "draws"]  # the angle when samples do not belong together
    p: float  # how often it is as small there, of halves if there is time: (k + 1) / (draws + 1)
    samples: int


def procrustes(
    activity: Float[Tensor, "*samples units"] | Float[np.ndarray, "*samples units"],
    other: Float[Tensor, "*samples others"] | Float[np.ndarray, "*samples others"],
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> Procrustes:
    """The distance of two populations on the same samples (M, units), or (B, T, units) with time.

    With time, the middle half of each sequence is held against other halves, which are as slow.

    Raises BadInput for fewer than two samples, and for what is not finite or has other samples.

    >>> from wavetrain.lenses import procrustes
    >>> x = torch.randn(100, 3).double()
    >>> found = procrustes(x, x @ torch.linalg.qr(torch.randn(3, 3).double())[0])
    >>> round(found.angle, 6), round(found.distance, 6), found.before > 1
    (0.0, 0.0, True)
    """
    two = _likeness.pair("procrustes", activity, other, least=2)
    worth = _likeness.worth(two, lambda x, y: -angle(x, y), draws, seed)
    unit = max(two.one.unit, two.two.unit)
    x, y = two.x * (two.one.unit / unit), two.y * (two.two.unit / unit)
    left, _, right = np.linalg.svd(two.x.T @ two.y, full_matrices=False)
    rotation = left @ right
    width = max(x.shape[1], y.shape[1])
    nuclear = np.linalg.svd(x.T @ y, compute_uv=False).sum()
    square = (x**2).sum() + (y**2).sum() - 2 * nuclear
    if x.shape[1] == y.shape[1] == width:  # the same to rounding, and exact where it is small
        square = ((x @ rotation - y) ** 2).sum()
        before = unit * float(np.linalg.norm(x - y))
    else:
        before = float("nan")
    return Procrustes(
        angle=-worth.score,
        error=worth.error,
        distance=unit * float(np.sqrt(max(square, 0.0))),
        before=before,
        rotation=rotation,
        null=-worth.null,
        p=worth.p,
        samples=len(two.x),
    )


def angle(x: Float[np.ndarray, "m p"], y: Float[np.ndarray, "m q"]) -> float:
    """The angle of centred rows at the best turn, by its sine where it is small."""
    x, y = x - x.mean(0), y - y.mean(0)
    size = np.linalg.norm(x), np.linalg.norm(y)
    if not min(size) > 0:
        return float("nan")
    x, y = x / size[0], y / size[1]
    left, values, right = np.linalg.svd(x.T @ y, full_matrices=False)
    if x.shape[1] <= y.shape[1]:
        return float(2 * np.arcsin(min(float(np.linalg.norm(x @ left @ right - y)) / 2, 1.0)))
    return (
        float(2 * np.arcsin(min(float(np.linalg.norm(y @ (left @ right).T - x)) / 2, 1.0)))
        if values.any()
        else np.pi / 2
    )
