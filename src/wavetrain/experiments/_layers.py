"""Layers at the start of an experiment.

slow    parameters of a layer that learn at a fraction of the training's rate
built   a layer as it starts, for claims about what holds before any training
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from wavetrain.core import Layer

Some = TypeVar("Some", bound=Layer)


class _Slow(nn.Module):
    """A parameter that moves a fraction of the way that its stand-in moves, from the same start."""

    start: Tensor

    def __init__(self, start: Tensor, fraction: float):
        super().__init__()
        self.register_buffer("start", start.detach().clone())
        self.fraction = fraction

    def forward(self, moved: Tensor) -> Tensor:
        return self.start + self.fraction * (moved - self.start)


def slow(layer: Layer, fractions: Mapping[str, float]) -> Layer:
    """The same layer, in which each named parameter learns at a fraction of the rate.

    Papers on state spaces train dt, A and B at rates of their own, and a training has one. Adam's step is
    the same whatever a gradient is multiplied by, so a parameter that is `fraction` of what Adam moves
    learns at `fraction` of its rate.
    """
    for name, fraction in fractions.items():
        parametrize.register_parametrization(layer, name, _Slow(getattr(layer, name), fraction))
    return layer


def built(make: Callable[[], Some], seed: int) -> Some:
    """A layer in float64, with the weights that it starts from under a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make().double()
