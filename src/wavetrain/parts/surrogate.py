"""Surrogates for the slope of a spike, with the constants that the field's libraries use.

With x the potential above the threshold and a, k, g positive numbers,

    Arctan        (a / 2) / (1 + (pi a x / 2)^2)              area 1          peak a / 2
    FastSigmoid   1 / (1 + k |x|)^2                           area 2 / k      peak 1
    Sigmoid       a s(a x) (1 - s(a x)), s the logistic       area 1          peak a / 4
    Boxcar        1 for |x| <= w, else 0                      area 2 w        peak 1
    Triangle      g max(0, 1 - |x|)                           area g          peak g
    MultiGaussian g ((1 + h) N(x; 0, l) - h N(x; l, s l) - h N(x; -l, s l)), N the normal density;
                                                              area g (1 - h)  peak where x = 0
    Zero          0: nothing is learned through spikes        area 0          peak 0

The first is snnTorch's, with a = 2; the second Zenke and Ganguli's 2018 with k = 25 as there; MultiGaussian
is that of Yin, Corradi and Bohte 2021, doi 10.1038/s42256-021-00397-w. All are finite and even, for any x.
"""

import math
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core.surrogate import Surrogate
from wavetrain.errors import BadInput


class _Positive(Surrogate):
    """One whose constants are numbers above 0."""

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]  # all that are made from it are data classes
            value = getattr(self, one.name)
            if not 0 < value < math.inf:
                raise BadInput(f"{type(self).__name__}: expected {one.name} above 0, got {value!r}")


@dataclass(frozen=True)
class Arctan(_Positive):
    """The density of Cauchy; it falls off slowest.

    >>> from wavetrain.parts.surrogate import Arctan
    >>> Arctan(2.0).derivative(torch.tensor([0.0, 0.1]))
    tensor([1.0000, 0.9102])
    """

    steepness: float = 2.0

    area = 1.0

    @property
    def peak(self) -> float:
        return self.steepness / 2

    def derivative(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return self.peak / (1 + (math.pi * self.peak * excess) ** 2)

    def smooth(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return 0.5 + (math.pi * self.peak * excess).atan() / math.pi


@dataclass(frozen=True)
class FastSigmoid(_Positive):
    """The slope of x / (1 + k |x|).

    >>> from wavetrain.parts.surrogate import FastSigmoid
    >>> FastSigmoid(25.0).derivative(torch.tensor([0.0, 0.1]))
    tensor([1.0000, 0.0816])
    """

    steepness: float = 25.0

    peak = 1.0

    @property
    def area(self) -> float:
        return 2 / self.steepness

    def derivative(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return (1 + self.steepness * excess.abs()).reciprocal() ** 2

    def smooth(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        left = (1 + self.steepness * excess.abs()).reciprocal() / self.steepness
        return torch.where(excess > 0, self.area - left, left)


@dataclass(frozen=True)
class Sigmoid(_Positive):
    """The slope of the logistic function.

    >>> from wavetrain.parts.surrogate import Sigmoid
    >>> Sigmoid(25.0).derivative(torch.tensor([0.0, 0.1, -100.0]))
    tensor([6.2500, 1.7526, 0.0000])
    """

    steepness: float = 4.0

    area = 1.0

    @property
    def peak(self) -> float:
        return self.steepness / 4

    def derivative(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        scaled = self.steepness * excess
        return self.steepness * (scaled.sigmoid() * (-scaled).sigmoid())

    def smooth(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return (self.steepness * excess).sigmoid()


@dataclass(frozen=True)
class Boxcar(_Positive):
    """1 within `half` of the threshold.

    >>> from wavetrain.parts.surrogate import Boxcar
    >>> Boxcar(0.5).derivative(torch.tensor([-0.5, 0.0, 0.6])).tolist()
    [1.0, 1.0, 0.0]
    """

    half: float = 0.5

    peak = 1.0

    @property
    def area(self) -> float:
        return 2 * self.half

    def derivative(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return (excess.abs() <= self.half).to(excess.dtype)

    def smooth(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return (excess + self.half).clamp(0, self.area)


@dataclass(frozen=True)
class Triangle(_Positive):
    """Straight down to 0 at 1 from the threshold.

    >>> from wavetrain.parts.surrogate import Triangle
    >>> Triangle(0.5).derivative(torch.tensor([0.0, 0.5, 2.0])).tolist()
    [0.5, 0.25, 0.0]
    """

    height: float = 0.3

    @property
    def area(self) -> float:
        return self.height

    @property
    def peak(self) -> float:
        return self.height

    def derivative(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return self.height * (1 - excess.abs()).clamp(min=0)

    def smooth(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        near = excess.clamp(-1, 1)
        return self.height * (0.5 + near - near * near.abs() / 2)


@dataclass(frozen=True)
class MultiGaussian(_Positive):
    """A bump with shallow troughs on both sides, where the slope is negative.

    >>> from wavetrain.parts.surrogate import MultiGaussian
    >>> bool(MultiGaussian().derivative(torch.tensor(2.0)) < 0)
    True
    """

    gain: float = 0.5
    trough: float = 0.15  # h
    wider: float = 6.0  # s
    width: float = 0.5  # l

    @property
    def area(self) -> float:
        return self.gain * (1 - self.trough)

    @property
    def peak(self) -> float:
        return float(self.derivative(torch.zeros((), dtype=torch.float64)))

    def derivative(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        wide = self.wider * self.width
        sides = _density(excess - self.width, wide) + _density(excess + self.width, wide)
        return self.gain * ((1 + self.trough) * _density(excess, self.width) - self.trough * sides)

    def smooth(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        wide = self.wider * self.width
        sides = _below(excess - self.width, wide) + _below(excess + self.width, wide)
        return self.gain * ((1 + self.trough) * _below(excess, self.width) - self.trough * sides)


@dataclass(frozen=True)
class Zero(Surrogate):
    """No slope at all: the control in which nothing is learned through spikes.

    >>> from wavetrain.parts.surrogate import Zero
    >>> Zero().derivative(torch.ones(2)).tolist(), Zero()(torch.ones(2)).tolist()
    ([0.0, 0.0], [1.0, 1.0])
    """

    area = 0.0
    peak = 0.0

    def derivative(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return torch.zeros_like(excess)

    def smooth(self, excess: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return 0 * excess


def _density(x: Tensor, spread: float) -> Tensor:
    return torch.exp(-((x / spread) ** 2) / 2) / (spread * math.sqrt(2 * math.pi))


def _below(x: Tensor, spread: float) -> Tensor:
    """The share of the normal distribution below x."""
    return (1 + (x / (spread * math.sqrt(2))).erf()) / 2
