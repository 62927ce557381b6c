"""Head count: how many heads of attention make a layer, found by building them.

Ghodsi 2025, arXiv 2512.15115. In attention of n heads the map from step j to step i is

    W_ij(X) = sum_{h <= n} f^h_ij(X) V_h

with numbers f that may depend on everything and value maps V that may depend on nothing. For a linear state
space the maps are C A^(i-j) B, and the theorem says: if they span k dimensions, k heads are enough, and fewer
are not. The proof builds them, and so does this lens: with all maps of all sequences stacked as rows, the
V_h are the first right singular vectors and the f^h_ij the coordinates along them; what n heads cannot
reach is then the root of the sum of squares of the singular values from n + 1 on, and no choice of f and V
leaves less (Eckart and Young 1936).

The maps are those of the layer's operator, as vectors over its own heads; for a nonlinear layer they are the
tangent. Unlike in `interaction_rank` they keep their size, since here it is the error that counts, and one
set of value maps must do for all sequences.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
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


class HeadCount(NamedTuple):
    """Attention heads that make the layer: W = sum_h weight_h value_h."""

    heads: int  # the fewest heads whose error is within the tolerance
    error: Float[np.ndarray, "kept"]  # share of the norm that the best 0, 1, 2 ... heads leave
    weight: Float[np.ndarray, "batch heads time time"]  # f: how much each head reads of each past step
    # V: what it reads, over the heads of the layer's own operator, of length 1
    value: Float[np.ndarray, "heads own"]


@torch.no_grad()
def head_count(layer: Layer, x: Float[Tensor, "batch time inputs"], tolerance: float = 1e-8) -> HeadCount:
    """The heads that make a layer on sequences x (B, T, inputs), up to `tolerance`, or rounding if larger.

    Raises BadInput for a tolerance that is not between 0 and 1.

    >>> from wavetrain.layers import LRU, SoftmaxAttention
    >>> from wavetrain.lenses import head_count
    >>> x = torch.randn(2, 10, 8).double()
    >>> head_count(SoftmaxAttention(8, heads=2).double(), x).heads
    2
    >>> head_count(LRU(8, states=3).double(), x).heads  # two for each complex state, and the skip
    7
    """
    if not 0 < tolerance < 1:
        raise BadInput(f"head_count: expected a tolerance between 0 and 1, got {tolerance}")
    weight, scale, rounding = weights(layer, x)
    weight = weight.permute(0, 2, 3, 1)  # (B, T, T, H)
    now, then = torch.tril_indices(*weight.shape[1:3], device=weight.device)
    maps = weight[:, now, then].flatten(0, 1)  # (B pairs, H)
    _, singular, value = torch.linalg.svd(maps, full_matrices=False)
    left = (singular**2).flip(0).cumsum(0).flip(0).sqrt()  # what 0, 1, 2 ... heads leave
    error = torch.cat([left, left.new_zeros(1)]) / left[0].clamp(min=torch.finfo(torch.float64).tiny)
    heads = int((error > max(tolerance, rounding * max(maps.shape))).sum())
    value = value[:heads]
    return HeadCount(
        heads=heads,
        error=error.cpu().numpy(),
        weight=(scale * weight @ value.T).permute(0, 3, 1, 2).cpu().numpy(),
        value=value.cpu().numpy(),
    )
