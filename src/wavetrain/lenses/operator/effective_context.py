"""Effective context: how far back the operator of a layer reaches.

The strength of the operator, |d y_t / d x_s| or the weight of s in t, is read along each row as a
distribution over the distance t - s. Reported are its mean, and the distance within which 90% of it lies;
only rows in the later half of the sequence count, which have that much past to reach.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card, Layer
from wavetrain.lenses._weights import magnitude, weights

card = Card(
    title="Wavetrain: sequence learning in brains and machines",
    authors="The Wavetrain authors",
    year=2026,
    source="Wavetrain, the lens effective_context",
    family="operator",
    topic="Attention",
)


class EffectiveContext(NamedTuple):
    """How the influence of the past is spread over distance."""

    # share of influence at each distance back, of sum 1 (or 0 where there is none)
    profile: Float[np.ndarray, "time"]
    mean: float  # steps
    reach: int  # steps back within which 90% of the influence lies


@torch.no_grad()
def effective_context(layer: Layer, x: Float[Tensor, "batch time inputs"]) -> EffectiveContext:
    """The reach of a layer on sequences x (B, T, inputs), averaged over the batch.

    >>> from wavetrain.layers import SoftmaxAttention, TemporalConvolution
    >>> from wavetrain.lenses import effective_context
    >>> x = torch.randn(2, 40, 4)
    >>> effective_context(TemporalConvolution(4, levels=2), x).reach  # steps; it sees no more than 7
    3
    >>> effective_context(SoftmaxAttention(4), x).reach
    28
    """
    return spread(weights(layer, x).value)


def spread(weight: Float[Tensor, "batch *heads time past"]) -> EffectiveContext:
    """The same of the weights (B, H, T, T) of an operator that is at hand, all of them numbers."""
    weight = weight.detach().double()
    strength = (weight / magnitude(weight)).norm(dim=1)  # (B, T, T)
    time = strength.shape[-1]
    rows = np.arange(time // 2, time)
    profile = np.zeros(time)
    for row in rows:
        influence = strength[:, row, : row + 1].flip(-1)  # (B, row + 1): distance 0 first
        total = influence.sum(-1, keepdim=True).clamp(min=torch.finfo(torch.float64).tiny)
        profile[: row + 1] += (influence / total).mean(0).cpu().numpy()
    profile /= max(profile.sum(), np.finfo(np.float64).tiny)
    reach = int((profile.cumsum() < 0.9 * profile.sum() - 1e-12).sum())
    mean = float((profile * np.arange(time)).sum())
    return EffectiveContext(profile, mean, reach)
