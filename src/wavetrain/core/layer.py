"""A layer: one causal map with three forms, `step`, `forward` and `operator`, held equal by one test."""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from wavetrain.core import precision
from wavetrain.core.card import Card
from wavetrain.core.state import State
from wavetrain.core.tangent import tangent
from wavetrain.errors import BadInput


class Operator(NamedTuple):
    """How much of each past value a layer mixes into each output: row = now, column = then."""

    weight: Tensor  # (B, H, T, T), zero above the diagonal
    value: Tensor  # (B, T, H, P)
    exact: bool = True  # whether read(mix()) is the output; else it is the tangent along the trajectory

    def mix(self) -> Tensor:
        """The mixed values, (B, T, H, P)."""
        return torch.einsum("bhts,bshp->bthp", self.weight, self.value)

    def strength(self) -> Tensor:
        """The size of the influence of each past step on each step, over all heads, (B, T, T)."""
        return self.weight.norm(dim=1)


class Layer(nn.Module, ABC):
    """A causal map from (B, T, inputs) to (B, T, width); built as Name(width, inputs=width, ...).

    `step` is the definition; `forward` is the same map over a whole sequence; `operator` is the T x T
    matrix of what is mixed into what, and `read` leads from mixed values to the output.

    In half precision, or under autocast, a layer runs in float32 all through and rounds its output once. A
    layer that is `mixed` has its large products in half precision instead, and sees to the rest itself;
    `roundings` bounds what this costs.
    """

    card: ClassVar[Card]
    residual: ClassVar[bool] = False  # whether the output holds the input already, so that no stack adds it
    mixed: ClassVar[bool] = False
    roundings: ClassVar[float] = 1.2  # the error in half precision, next to that of rounding the output once
    width: int
    inputs: int

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in ("operator",) if cls.mixed else ("begin", "step", "forward", "operator", "read"):
            if name in vars(cls):
                setattr(cls, name, precision.method(vars(cls)[name]))

    @abstractmethod
    def begin(self, batch: int) -> State:
        """The state before the first token."""

    @abstractmethod
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One token: x (B, I) and a state give y (B, D) and the next state."""

    @abstractmethod
    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        """The whole sequence: x (B, T, I) gives y (B, T, D) and the last state."""

    @abstractmethod
    def operator(self, x: Tensor) -> Operator:
        """The T x T interaction on the sequence x (B, T, I), from the first state."""

    @abstractmethod
    def read(self, mixed: Tensor) -> Tensor:
        """From mixed values (B, T, H, P) to the output (B, T, D)."""


class Nonlinear(Layer):
    """A layer whose output is not linear in any values: its operator is its tangent.

    One head for each pair of output and input channel, with weight d y[t, d] / d x[s, i] and value x[s, i],
    so that `read(operator(x).mix())` is the derivative of the output along x itself.
    """

    def operator(self, x: Tensor) -> Operator:
        check_input(self, x)
        weight = tangent(self.step, x, self.begin(len(x)))  # (B, T, D, T, I)
        width, inputs = weight.shape[2], weight.shape[4]
        weight = weight.permute(0, 2, 4, 1, 3).flatten(1, 2)  # (B, D I, T, T)
        value = x[:, :, None, :].expand(-1, -1, width, -1).reshape(*x.shape[:2], width * inputs, 1)
        return Operator(weight, value, exact=False)

    def read(self, mixed: Tensor) -> Tensor:
        return mixed.squeeze(-1).unflatten(-1, (self.width, -1)).sum(-1)


def check_input(layer: Layer, x: Tensor) -> None:
    """Raise for a sequence that the layer cannot take: wrong axes, channels, or no step at all."""
    name = type(layer).__name__
    if x.ndim != 3 or x.shape[-1] != layer.inputs:
        raise BadInput(f"{name}: expected x (batch, time, {layer.inputs}), got {tuple(x.shape)}")
    if x.shape[1] == 0:
        raise BadInput(f"{name}: expected at least one step, got x {tuple(x.shape)}")
