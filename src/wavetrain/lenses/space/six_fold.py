"""Six-fold modulation: does activity depend on the direction of movement as a hexagonal code would make it?

Doeller, Barry and Burgess 2010, Nature 463:657; Constantinescu, O'Reilly and Behrens 2016, Science 352:1464.
y is the summed size of activity at the step that a move of heading theta leads to. For each fold n:

    first half   y = b0 + b1 cos(n theta) + b2 sin(n theta),    phi = atan2(b2, b1) / n
    second half  y = c0 + c1 cos(n (theta - phi))               c1 is the modulation

The other half of the steps decides, so that noise alone gives c1 around 0; folds 4, 5, 7 and 8 are controls.
Moves in six directions only, or walls, make six-fold activity of anything. To ask about changes of activity
in place of activity, hand over the changes. A move counts where both its places and the activity of all units
are there (no NaN); a half of fewer than three moves tells nothing (NaN).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput

card = Card(
    title="Evidence for grid cells in a human memory network",
    authors="Doeller, Christian F. and Barry, Caswell and Burgess, Neil",
    year=2010,
    source="Nature 463:657, doi 10.1038/nature08704",
    family="space",
    topic="Cognitive maps",
)

FOLDS = (4, 5, 6, 7, 8)


class SixFold(NamedTuple):
    """One entry for each of the folds 4 to 8."""

    fold: Int[np.ndarray, "5"]  # 4, 5, 6, 7, 8
    weight: Float[np.ndarray, "5"]  # c1, in the unit of activity
    angle: Float[np.ndarray, "5"]  # phi, radians
    mean: float  # of y
    dropped: int  # moves left out, as a place or an activity is NaN


def six_fold(
    activity: Float[Tensor, "batch time units"], position: Float[Tensor, "batch time coordinates"]
) -> SixFold:
    """Modulation of activity (B, T, U) by the heading of moves through places (B, T, 2), rests left out.

    Raises BadInput where activity and places do not fit, are complex or infinite, or have fewer than three
    steps.

    >>> from wavetrain.lenses import six_fold
    >>> heading = 2 * torch.pi * torch.rand(1, 1000)
    >>> path = torch.stack([heading.cos(), heading.sin()], -1).cumsum(1)
    >>> found = six_fold(3 + torch.cos(6 * heading)[..., None], path)
    >>> dict(zip(found.fold.tolist(), abs(found.weight).round(1).tolist()))
    {4: 0.0, 5: 0.0, 6: 1.0, 7: 0.0, 8: 0.0}
    """
    if activity.ndim != 3 or position.shape != (*activity.shape[:2], 2) or activity.shape[1] < 3:
        raise BadInput(
            "six fold: expected activity (batch, time, units) and position (batch, time, 2) of three steps "
            f"or more, got {tuple(activity.shape)} and {tuple(position.shape)}"
        )
    if activity.is_complex() or activity.isinf().any() or position.isinf().any():
        raise BadInput("six fold: expected real and finite activity and places, or NaN where one is missing")
    size = activity.detach().double().abs().sum(2)[:, 1:].cpu().numpy()  # (B, T - 1)
    move = position.detach().double().diff(dim=1).cpu().numpy()
    known = np.isfinite(size) & np.isfinite(move).all(2)
    heading, moved = np.arctan2(move[..., 1], move[..., 0]), known & (move != 0).any(2)
    first = np.broadcast_to(np.arange(size.shape[1]) < size.shape[1] // 2, size.shape)
    learn, judge = moved & first, moved & ~first
    weights, angles = [], []
    for fold in FOLDS:
        one = fold * heading[learn]
        _, b1, b2 = _fit(size[learn], np.cos(one), np.sin(one))
        angles.append(np.arctan2(b2, b1) / fold)
        weights.append(_fit(size[judge], np.cos(fold * (heading[judge] - angles[-1])))[1])
    mean = float(size[moved].mean()) if moved.any() else float("nan")
    return SixFold(np.array(FOLDS), np.array(weights), np.array(angles), mean, int((~known).sum()))


def _fit(y: np.ndarray, *regressors: np.ndarray) -> np.ndarray:
    """Least squares of y (N,) on a constant and the regressors; NaN where N is too small, or one is NaN."""
    if len(y) < 3 or np.isnan(regressors).any():
        return np.full(len(regressors) + 1, np.nan)
    return np.linalg.lstsq(np.stack([np.ones_like(y), *regressors], 1), y, rcond=None)[0]
