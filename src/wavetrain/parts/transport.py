"""Optimal transport between two sets of points: how far one set must be carried to become the other.

The debiased Sinkhorn divergence, Feydy et al. 2019, arXiv 1810.08278, of points of equal weight, with the
cost |x - y|^2 / 2 and plans that are blurred:

    OT(P, Q) = min over plans pi of sum pi C + e KL(pi | P x Q),    e = blur^2
    S(P, Q) = OT(P, Q) - OT(P, P) / 2 - OT(Q, Q) / 2

S is 0 where both sets are one, and |x - y|^2 / 2 for two single points. The potentials are found in
logarithms, at first with a coarse blur that gets finer. The gradient is that of the optimal plan as it is.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.errors import BadInput

FINER = 0.25  # factor of e from one step to the next


def sinkhorn(
    x: Float[Tensor, "points axes"], y: Float[Tensor, "others axes"], blur: float = 0.2, last: int = 6
) -> Float[Tensor, ""]:
    """The divergence of two sets of points, with a gradient to both, after `last` steps at the finest blur.

    Raises BadInput for sets without points or of different axes, and a blur or steps that are not above 0.

    >>> from wavetrain.parts.transport import sinkhorn
    >>> sinkhorn(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]))
    tensor(12.5000)
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or not len(x) or not len(y):
        raise BadInput(
            f"sinkhorn: expected points of the same axes, got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    if not blur > 0 or last < 1:
        raise BadInput(f"sinkhorn: expected a blur above 0 and a step or more, got {blur} and {last}")
    e = blur**2
    fixed_x, fixed_y = x.detach(), y.detach()
    rows, columns = _potentials(_cost(fixed_x, fixed_y), e, last)
    own_x, own_y = (_own(_cost(one, one), e, last) for one in (fixed_x, fixed_y))
    # the plans stay as they are, and only what they cost has a gradient, to one end at a time
    of_x = _soft(_cost(x, fixed_y), columns, e) - _soft(_cost(x, fixed_x), own_x, e)
    of_y = _soft(_cost(y, fixed_x), rows, e) - _soft(_cost(y, fixed_y), own_y, e)
    return of_x.mean() + of_y.mean()


class _Potentials(NamedTuple):
    rows: Tensor
    columns: Tensor


def _cost(x: Tensor, y: Tensor) -> Tensor:
    return ((x**2).sum(1)[:, None] + (y**2).sum(1)) / 2 - x @ y.T


@torch.no_grad()
def _potentials(cost: Tensor, finest: float, last: int) -> _Potentials:
    """Of the optimal plan."""
    rows, columns = cost.new_zeros(len(cost)), cost.new_zeros(cost.shape[1])
    for e in _blurs(float(cost.max()), finest, last):
        to_rows, to_columns = _soft(cost, columns, e), _soft(cost.T, rows, e)
        rows, columns = (rows + to_rows) / 2, (columns + to_columns) / 2
    return _Potentials(rows, columns)


@torch.no_grad()
def _own(cost: Tensor, finest: float, last: int) -> Tensor:
    """The potential of the optimal plan within one set, the same on both sides."""
    potential = cost.new_zeros(len(cost))
    for e in _blurs(float(cost.max()), finest, last):
        potential = (potential + _soft(cost, potential, e)) / 2
    return potential


def _blurs(largest: float, finest: float, last: int) -> list[float]:
    coarse = max(0, math.ceil(math.log(max(largest, finest) / finest) / math.log(1 / FINER)))
    return [finest / FINER**step for step in range(coarse, 0, -1)] + [finest] * last


def _soft(cost: Tensor, potential: Tensor, e: float) -> Tensor:
    """The other potential, which a blurred minimum gives for each row."""
    return -e * (torch.logsumexp((potential - cost) / e, 1) - math.log(cost.shape[1]))
