"""The weights of a layer's operator, all of them numbers, at a size where no square of one is lost."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Inexact
from torch import Tensor

from wavetrain.core import Layer
from wavetrain.errors import BadInput


class Weights(NamedTuple):
    """What a lens reads of a layer: its weights are `value` times `scale`."""

    value: Float[Tensor, "batch heads time time"]  # the largest from 1 to below 2
    scale: float  # a power of two, so that nothing is rounded
    rounding: float  # of the type in which the layer computed them


def weights(layer: Layer, x: Float[Tensor, "batch time inputs"]) -> Weights:
    """The weights of a layer's operator on sequences x (B, T, inputs)."""
    check_sequences(layer, x)
    weight = layer.operator(x).weight.detach()
    if weight.is_complex():
        raise BadInput(f"{type(layer).__name__}: expected an operator of real weights, got {weight.dtype}")
    check_finite(layer, "weights", weight)
    scale = magnitude(weight.double())
    return Weights(weight.double() / scale, float(scale), torch.finfo(weight.dtype).eps)


def magnitude(values: Inexact[Tensor, "*axes"], dim: tuple[int, ...] = ()) -> Float[Tensor, "*powers"]:
    """The power of two below the largest of `values` (over all, or over some axes); 1 where all are 0."""
    largest = values.abs().amax(dim, keepdim=bool(dim))
    return torch.where(largest > 0, torch.ldexp(torch.ones_like(largest), largest.frexp().exponent - 1), 1.0)


def check_sequences(layer: Layer, x: Float[Tensor, "batch time inputs"]) -> None:
    """Raise for what the layer cannot take, or for no sequence at all."""
    layer.check(x)
    if not len(x):
        raise BadInput(f"{type(layer).__name__}: expected at least one sequence, got x {tuple(x.shape)}")


def check_finite(layer: Layer, what: str, values: Inexact[Tensor, "*axes"]) -> None:
    """Raise where a layer on some sequences has values that a lens cannot read."""
    wrong = int((~values.isfinite()).sum())
    if wrong:
        raise BadInput(
            f"{type(layer).__name__}: expected finite {what}, got {wrong} of {values.numel()} "
            "that are NaN or infinite"
        )
