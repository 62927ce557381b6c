"""Dynamical systems form: any causal layer written as a linear system that changes with time.

Sieber, Amo Alonso, Didier, Zeilinger and Orvieto 2024, arXiv 2405.15731, put attention, state spaces and
gated recurrences into one form and compare their matrices:

    h_i = Lambda_i h_{i-1} + B_i u_i,    y_i = C_i h_i + D_i u_i

This lens finds that form for a layer that only shows its operator, a T x T matrix of weights for each head.
What inputs up to step i do to outputs after it is the block weight[i+1:, :i+1]. Its rank is the number of
states that the head must carry past step i, and no system has fewer; its singular vectors U_i give one:

    Lambda_i = U_i' U_{i-1} without its first row,   B_i = U_i' weight[i+1:, i],   C_i = first row of U_{i-1},
    D_i = weight[i, i],   h_i = Lambda_i h_{i-1} + B_i u_i,   y_i = C_i h_{i-1} + D_i u_i

(the state is read before it is written, so that D_i takes the present). With n vectors only, it is a
system of n states that keeps what matters most. A head with P channels of values has n P numbers of state.

Linear attention needs as many states as a head has features, a state space its own, both at any length;
softmax attention as many as fit, half the sequence: its feature map has no end. For a nonlinear layer this is
the form of its tangent. States may be mixed at will (any invertible map of h gives another Lambda), so that
Lambda here shows nothing of a layer's gates; only the number of states and the errors do.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import Card, Layer
from wavetrain.errors import BadInput
from wavetrain.lenses._weights import weights

card = Card(
    title="Understanding the differences in foundation models: attention, state space models, and "
    "recurrent neural networks",
    authors="Sieber, Jerome and Amo Alonso, Carmen and Didier, Alexandre and Zeilinger, Melanie N. "
    "and Orvieto, Antonio",
    year=2024,
    source="NeurIPS 2024, arXiv 2405.15731",
    family="operator",
    topic="Attention",
)


class DynamicalSystemsForm(NamedTuple):
    """The system of each head, with n states, and what smaller ones leave."""

    size: Int[np.ndarray, "batch heads time"]  # states that must be carried past each step
    states: int  # n: the largest of them, or as many as were asked for
    # Lambda, of norm at most 1; unused states are 0
    transition: Float[np.ndarray, "batch heads time states states"]
    write: Float[np.ndarray, "batch heads time states"]  # B
    read: Float[np.ndarray, "batch heads time states"]  # C
    skip: Float[np.ndarray, "batch heads time"]  # D
    error: Float[np.ndarray, "kept"]  # share of the norm that the first 0, 1, 2 ... states leave


@torch.no_grad()
def dynamical_systems_form(
    layer: Layer, x: Float[Tensor, "batch time inputs"], states: int | None = None, tolerance: float = 1e-10
) -> DynamicalSystemsForm:
    """The systems of a layer on sequences x (B, T, inputs).

    A singular value counts from `tolerance` times the largest of its head on, or from rounding if larger.

    Raises BadInput for a tolerance that is not between 0 and 1, or more states than half the steps.

    >>> from wavetrain.layers import LRU, SoftmaxAttention
    >>> from wavetrain.lenses import dynamical_systems_form
    >>> x = torch.randn(1, 20, 4).double()
    >>> dynamical_systems_form(LRU(4, states=2).double(), x).states  # two complex states are four real ones
    4
    >>> dynamical_systems_form(SoftmaxAttention(4).double(), x).states  # as many as fit
    10
    """
    if not 0 < tolerance < 1:
        raise BadInput(f"dynamical_systems_form: expected a tolerance between 0 and 1, got {tolerance}")
    weight, scale, rounding = weights(layer, x)
    limit = max(tolerance, rounding * weight.shape[-1])
    most = max(weight.shape[-1] // 2, 1)
    if states is not None and not 0 <= states <= most:
        raise BadInput(f"dynamical_systems_form: expected 0 to {most} states, half the steps, got {states}")
    bases, singular = _bases(weight, most)
    largest = singular.amax((-2, -1), keepdim=True).clamp(min=torch.finfo(torch.float64).tiny)
    size = (singular > limit * largest).sum(-1)  # (B, H, T)
    states = int(size.max()) if states is None else states
    parts = _system(weight, bases, most)
    total = weight.norm().clamp(min=torch.finfo(torch.float64).tiny)
    error = [float((_weights(*_first(parts, n)) - weight).norm() / total) for n in range(most + 1)]
    transition, write, read, skip = (part.cpu().numpy() for part in _first(parts, states))
    return DynamicalSystemsForm(
        size.cpu().numpy(), states, transition, scale * write, read, scale * skip, np.array(error)
    )


def _bases(weight: Tensor, most: int) -> tuple[list[Tensor], Tensor]:
    """U_i (B, H, T - i - 1, most) of each step, and its singular values (B, H, T, most); zeros fill up."""
    time, bases, values = weight.shape[-1], [], []
    for i in range(time):
        u, singular, _ = torch.linalg.svd(weight[..., i + 1 :, : i + 1], full_matrices=False)
        rank = singular.shape[-1]
        bases.append(F.pad(u, (0, most - rank)))
        values.append(F.pad(singular, (0, most - rank)))
    return bases, torch.stack(values, -2)


def _system(weight: Tensor, bases: list[Tensor], most: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Lambda, B, C and D of the largest system."""
    none = weight.new_zeros(*weight.shape[:-2], weight.shape[-1], most)  # before the first step
    before = [none, *bases[:-1]]
    transition = torch.stack([now.mT @ past[..., 1:, :] for now, past in zip(bases, before, strict=True)], -3)
    write = torch.stack([(now.mT @ weight[..., i + 1 :, i, None])[..., 0] for i, now in enumerate(bases)], -2)
    read = torch.stack([past[..., 0, :] for past in before], -2)
    return transition, write, read, weight.diagonal(dim1=-2, dim2=-1)


def _first(parts: tuple[Tensor, ...], n: int) -> tuple[Tensor, ...]:
    """The system with the first n states alone."""
    transition, write, read, skip = parts
    return transition[..., :n, :n], write[..., :n], read[..., :n], skip


def _weights(transition: Tensor, write: Tensor, read: Tensor, skip: Tensor) -> Tensor:
    """The operator of a system, (B, H, T, T): its answer to an impulse at each step."""
    time, rows = skip.shape[-1], []
    h = write.new_zeros(*write.shape[:-2], write.shape[-1], time)  # (B, H, n, T), a column for each impulse
    for i in range(time):
        rows.append((read[..., i, None, :] @ h)[..., 0, :])
        h = transition[..., i, :, :] @ h
        h[..., i] = write[..., i, :]
    return torch.stack(rows, -2) + torch.diag_embed(skip)
