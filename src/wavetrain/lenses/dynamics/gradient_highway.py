"""Gradient highway: how large the gradient from the last step to a past one is, against the distance.

Ghodsi 2025, arXiv 2512.15115, third result: attention has inputs for which |d y_i / d x_j| does not depend on
i - j, while stable linear dynamics always weaken it, |C A^(i-j) B| <= c rho^(i-j) with rho < 1.

The Jacobian here is the whole one, by reverse mode through the layer: for attention it holds what a step adds
to the values and what it does to the weights. Its size is the spectral norm, the largest gain over all
directions. Distance 0 is left out of the two numbers below, as most layers have a path of its own for it.

    rate     exp of the slope of the logarithm of the norm over the distance: 1 on a highway, rho for a decay;
             over the distances where there is any gradient
    lasting  the norm at the largest distance over that at distance 1: 0 where gradients end before

Whether a layer *has* a highway is a question about inputs too: a profile over inputs drawn at random says
nothing about those that were made to match.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card, Layer
from wavetrain.lenses._weights import check_finite, check_sequences

card = Card(
    title="How many heads make an SSM? A unified framework for attention and state space models",
    authors="Ghodsi, Ali",
    year=2025,
    source="arXiv 2512.15115",
    family="dynamics",
    topic="Attention",
)


class GradientHighway(NamedTuple):
    """The gradient of the last step over distance."""

    # spectral norm of d y_T / d x_s at each distance T - s = 0, 1, 2 ...
    norm: Float[np.ndarray, "batch time"]
    profile: Float[np.ndarray, "time"]  # its geometric mean over the sequences
    rate: float  # what a further step of distance multiplies it by; NaN with fewer than two such distances
    lasting: float  # the profile at the largest distance over that at 1; NaN without two, or where that is 0


def gradient_highway(layer: Layer, x: Float[Tensor, "batch time inputs"]) -> GradientHighway:
    """The gradients of a layer from the last step of sequences x (B, T, inputs) to all steps.

    >>> from wavetrain.layers import LineAttractor
    >>> from wavetrain.lenses import gradient_highway
    >>> found = gradient_highway(LineAttractor(4, gain=1.0), torch.randn(1, 100, 4))
    >>> round(found.rate, 2)  # of each further step: on a line nothing fades
    1.0
    >>> round(gradient_highway(LineAttractor(4, gain=0.5), torch.randn(1, 100, 4)).rate, 2)
    0.95
    """
    check_sequences(layer, x)
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        last = layer(x)[0][:, -1].sum(0)  # (D,); each sequence depends on its own input alone
        rows = [torch.autograd.grad(channel, x, retain_graph=True)[0] for channel in last]
    jacobian = torch.stack(rows, -2).double()  # (B, T, D, I)
    check_finite(layer, "gradients", jacobian)
    norm = torch.linalg.matrix_norm(jacobian, 2).flip(1).cpu().numpy()  # (B, T), distance 0 first
    with np.errstate(divide="ignore"):
        logarithm = np.log(norm).mean(0)  # (T,), -inf where a sequence has no gradient
    rate = lasting = float("nan")
    there = 1 + np.flatnonzero(np.isfinite(logarithm[1:]))
    if len(there) > 1:
        rate = float(np.exp(np.polyfit(there, logarithm[there], 1)[0]))
    if len(logarithm) > 2 and there[:1] == [1]:
        lasting = float(np.exp(logarithm[-1] - logarithm[1]))
    return GradientHighway(norm, np.exp(logarithm), rate, lasting)
