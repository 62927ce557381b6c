"""Toeplitz: how far a layer is one fixed convolution. Does only the distance t - s count, or also where?

The energy of a head is the sum of squares of its weights. The Toeplitz matrix nearest to it has on each
diagonal the mean along that diagonal; its share of the energy is 1 for a convolution, whatever its kernel,
and 2 / (T + 1) is expected for weights drawn at random (T diagonals for T (T + 1) / 2 weights).

    share    each sequence has the kernel that suits it best: is time alike everywhere in a sequence?
    common   all sequences have one kernel: does the layer also not look at what it mixes?

A linear state space model has 1 for both, gates and attention less. For a nonlinear layer the heads are
those of its tangent, one for each pair of channels.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card, Layer
from wavetrain.lenses._weights import weights

card = Card(
    title="Wavetrain: sequence learning in brains and machines",
    authors="The Wavetrain authors",
    year=2026,
    source="Wavetrain, the lens toeplitz",
    family="operator",
    topic="Linear state spaces",
)


class Toeplitz(NamedTuple):
    """Shares of energy from 0 to 1; 0 for a head without any weight."""

    kernel: Float[np.ndarray, "heads time"]  # mean weight at each distance back, over all sequences
    share: Float[np.ndarray, "heads"]  # share explained by a kernel for each sequence
    common: Float[np.ndarray, "heads"]  # share explained by the kernel above
    whole: float  # share over all heads, a kernel for each sequence and head
    chance: float  # share of random weights


@torch.no_grad()
def toeplitz(layer: Layer, x: Float[Tensor, "batch time inputs"]) -> Toeplitz:
    """How Toeplitz the operator of a layer is on sequences x (B, T, inputs).

    >>> from wavetrain.layers import LRU, SoftmaxAttention
    >>> from wavetrain.lenses import toeplitz
    >>> x = torch.randn(2, 20, 8)
    >>> round(toeplitz(LRU(8), x).whole, 3)  # one fixed convolution
    1.0
    >>> bool(toeplitz(SoftmaxAttention(8), x).whole < 0.9)
    True
    """
    weight, scale, _ = weights(layer, x)
    batch, _, time, _ = weight.shape
    total = torch.stack([weight.diagonal(-back, -2, -1).sum(-1) for back in range(time)], -1)  # (B, H, T)
    steps = torch.arange(time, 0, -1, device=weight.device)  # how many weights lie on each diagonal
    energy = (weight**2).sum((-2, -1))  # (B, H)
    fitted = (total**2 / steps).sum(-1)  # (B, H), energy of the nearest Toeplitz matrix
    together = total.sum(0)  # (H, T)
    return Toeplitz(
        kernel=(scale * together / (batch * steps)).cpu().numpy(),
        share=_share(fitted.sum(0), energy.sum(0)),
        common=_share((together**2 / (batch * steps)).sum(-1), energy.sum(0)),
        whole=float(_share(fitted.sum(), energy.sum())),
        chance=2 / (time + 1),
    )


def _share(part: Tensor, energy: Tensor) -> np.ndarray:
    return (part / energy.clamp(min=torch.finfo(torch.float64).tiny)).cpu().numpy()
