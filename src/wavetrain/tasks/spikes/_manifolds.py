"""Classes of latencies: each a smooth random surface, on which a sample is a point.

After the random manifolds of Zenke and Vogels 2021, Neural Computation 33, doi 10.1162/neco_a_01367. The
latency of channel i in a sample of a class at the point (u_1, u_2), uniform in the unit square, is

    sum over d = 1, 2 and k = 1 .. 100 of  a_dk / k^2  sin(2 pi (k f_dk u_d + p_dk))

with a, f and p uniform in (0, 1) for each class and channel, scaled so that its least is 0 and its largest 1.
Times are jittered by a normal deviation of a step.
"""

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.core import Batch, HeldOut
from wavetrain.parts.latency_code import spikes_at

TERMS = 100
AXES = 2  # of a surface
GRID = 257  # points of an axis at which a surface is looked at for its least and largest
JITTER = 1.0  # steps, the deviation
HELD_OUT = 500  # sequences


class Manifolds(NamedTuple):
    """Surfaces of some classes, for some channels each."""

    height: Float[Tensor, "classes channels axes terms"]
    turns: Float[Tensor, "classes channels axes terms"]  # k f
    phase: Float[Tensor, "classes channels axes terms"]
    low: Float[Tensor, "classes channels"]
    high: Float[Tensor, "classes channels"]

    def latencies(
        self, y: Int[Tensor, "batch"], generator: torch.Generator
    ) -> Float[Tensor, "batch channels"]:
        """From 0 to 1, for a random point of each sample's class; the same channel is as early or late."""
        points = torch.rand(len(y), AXES, generator=generator)
        found = torch.zeros(len(y), self.low.shape[1])
        for one in y.unique():
            mine = y == one
            axes = _along(self.height[one], self.turns[one], self.phase[one], points[mine])
            found[mine] = (axes.sum(2) - self.low[one]) / (self.high[one] - self.low[one])
        return found.clamp(0, 1)  # a surface is a little larger between points of the grid


@functools.lru_cache(maxsize=8)
def manifolds(classes: int, channels: int, seed: int) -> Manifolds:
    """The surfaces of a seed, always the same."""
    generator = torch.Generator().manual_seed(seed)
    height, factor, phase = torch.rand(3, classes, channels, AXES, TERMS, generator=generator)
    order = torch.arange(1.0, TERMS + 1)
    height, turns = height / order**2, factor * order
    grid = torch.linspace(0, 1, GRID)[:, None].expand(-1, AXES)
    low, high = torch.zeros(classes, channels), torch.zeros(classes, channels)
    for one in range(classes):
        axes = _along(height[one], turns[one], phase[one], grid)  # a sum over axes is least where both are
        low[one], high[one] = axes.amin(0).sum(1), axes.amax(0).sum(1)
    return Manifolds(height, turns, phase, low, high)


def _along(height: Tensor, turns: Tensor, phase: Tensor, points: Tensor) -> Tensor:
    """What each axis gives to each channel at some points: (points, channels, axes)."""
    angle = 2 * math.pi * (turns * points[:, None, :, None] + phase)
    return (height * angle.sin()).sum(-1)


@dataclass(frozen=True)
class Patterns:
    """Patterns of spike times, of so many samples of each class to train on and new ones held out."""

    classes: int
    channels: int
    time: int  # steps
    samples: int
    seed: int

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        """Patterns to train on, drawn with replacement."""
        times, y = self.trained()
        rows = torch.randint(len(y), (batch,), generator=generator)
        return Batch(spikes_at(times[rows], self.time), y[rows])

    def held_out(self, part: HeldOut) -> Batch:
        """New patterns of the same classes."""
        generator = part.generator()
        y = torch.randint(self.classes, (HELD_OUT,), generator=generator)
        return Batch(spikes_at(self.times(y, generator), self.time), y)

    def times(self, y: Int[Tensor, "batch"], generator: torch.Generator) -> Int[Tensor, "batch channels"]:
        """When each channel spikes, for a new sample of each class."""
        latency = manifolds(self.classes, self.channels, self.seed).latencies(y, generator)
        jitter = JITTER * torch.randn(latency.shape, generator=generator)
        return (latency * (self.time - 1) + jitter).round().long().clamp(0, self.time - 1)

    def trained(self) -> tuple[Int[Tensor, "patterns channels"], Int[Tensor, "patterns"]]:
        """The times and classes of all that there is to train on, as many of each class."""
        return _trained(self)


@functools.lru_cache(maxsize=4)
def _trained(patterns: Patterns) -> tuple[Int[Tensor, "patterns channels"], Int[Tensor, "patterns"]]:
    y = torch.arange(patterns.classes).repeat_interleave(patterns.samples)
    return patterns.times(y, torch.Generator().manual_seed(patterns.seed)), y
