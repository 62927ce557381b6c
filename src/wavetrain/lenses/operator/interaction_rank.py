"""Interaction rank: how many dimensions the maps from one step to another span.

Ghodsi 2025, arXiv 2512.15115. Written as y_i = sum_j W_ij(X) v_j over the past, a sequence X gives one map
W_ij for each pair of steps j <= i. The interaction rank is the dimension of the span of these maps. It is not
the rank of the T x T attention matrix: a single head of attention multiplies one and the same value map by
different numbers, so its rank here is 1 whatever it attends to, while its matrix may have full rank.

W_ij is read from the operator, as the vector of the weights of its H heads: the maps that carry values in and
mixtures out are the same at all steps, and leave the dimension as it is where the heads write to places of
their own. So H heads of attention give at most H, a diagonal state space at most its number of channels, and
one whose channels meet up to (outputs x inputs). For a nonlinear layer W_ij is its tangent, d y_i / d x_j.

Each W_ij is brought to length 1 before the singular values are taken, or those far away would look like zero.
Those below rounding (of the largest) are left out. The paper's text beyond its abstract was not at hand:
how the dimension is measured is ours.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.core import Card, Layer
from wavetrain.errors import BadInput
from wavetrain.lenses._weights import weights

card = Card(
    title="How many heads make an SSM? A unified framework for attention and state space models",
    authors="Ghodsi, Ali",
    year=2025,
    source="arXiv 2512.15115",
    family="operator",
    topic="Attention",
)


class InteractionRank(NamedTuple):
    """The span of the maps between steps."""

    singular: Float[np.ndarray, "batch kept"]  # singular values over the largest, largest first
    rank: Int[np.ndarray, "batch"]  # dimension of the span on each sequence
    together: int  # dimension of the span over all sequences
    heads: int  # of the operator: no rank is above it


@torch.no_grad()
def interaction_rank(
    layer: Layer, x: Float[Tensor, "batch time inputs"], tolerance: float = 1e-8
) -> InteractionRank:
    """The interaction rank of a layer on sequences x (B, T, inputs).

    A singular value counts from `tolerance` times the largest on, or from rounding where that is above it.

    Raises BadInput for a tolerance that is not between 0 and 1.

    >>> from wavetrain.layers import Elman, SoftmaxAttention
    >>> from wavetrain.lenses import interaction_rank
    >>> x = torch.randn(2, 10, 4).double()
    >>> interaction_rank(SoftmaxAttention(4, heads=2).double(), x).rank.tolist()  # at most the heads
    [2, 2]
    >>> interaction_rank(Elman(4).double(), x).rank.tolist()  # up to outputs times inputs
    [16, 16]
    """
    if not 0 < tolerance < 1:
        raise BadInput(f"interaction_rank: expected a tolerance between 0 and 1, got {tolerance}")
    weight, _, rounding = weights(layer, x)
    now, then = torch.tril_indices(*weight.shape[-2:], device=weight.device)
    maps = weight[:, :, now, then].mT  # (B, pairs, H)
    size = maps.norm(dim=-1, keepdim=True)
    least = (rounding * size.amax(1, keepdim=True)).clamp(min=torch.finfo(torch.float64).tiny)
    maps = torch.where(size > least, maps / size.clamp(min=least), 0.0)
    limit = max(tolerance, rounding * max(maps.shape[1:]))
    singular = _relative(maps)
    together = _relative(maps.flatten(0, 1))
    return InteractionRank(
        singular=singular.cpu().numpy(),
        rank=(singular > limit).sum(-1).cpu().numpy(),
        together=int((together > limit).sum()),
        heads=maps.shape[-1],
    )


def _relative(maps: Tensor) -> Tensor:
    """Singular values over the largest; zeros where there is nothing."""
    singular = torch.linalg.svdvals(maps)
    return singular / singular[..., :1].clamp(min=torch.finfo(torch.float64).tiny)
