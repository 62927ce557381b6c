"""Simple answers for whole sequences (N, T, C): the most frequent class, and random kernels.

Random kernels (Dempster, Petitjean and Webb 2020, ROCKET): short filters of random weights, lengths and
dilations; of each one's response over a sequence the largest value and the share of values above zero are
kept, and a linear classifier reads them, its cost for large weights chosen by leaving one sequence out.
Each sequence is read in units of its channels' means and deviations in training; what is missing is filled
by the last value before it, so a short sequence that is padded by NaN stays where it ended.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from sklearn.linear_model import RidgeClassifierCV

from wavetrain.errors import BadInput

KERNELS = 500
LENGTHS = (7, 9, 11)
ALPHAS = tuple(float(10.0**power) for power in range(-3, 6))
TOGETHER = 64  # sequences that are read at once


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassBaseline(ABC):
    """A class for each sequence."""

    classes: np.ndarray  # in the order of numpy

    @classmethod
    @abstractmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, *, seed: int = 0) -> Self:
        """Learn from sequences (N, T, C) and their labels (N,)."""

    @abstractmethod
    def scores(self, x: np.ndarray) -> np.ndarray:
        """How much each class is preferred (N, classes); the largest is the answer."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called in a table."""

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The label (N,) of each sequence (N, T, C)."""
        return self.classes[self.scores(x).argmax(1)]


@dataclass(frozen=True, eq=False, kw_only=True)
class Majority(ClassBaseline):
    """The class that is most frequent in training, whatever the sequence.

    >>> from wavetrain.tables.class_baselines import Majority
    >>> Majority.fit(np.zeros((3, 5, 1)), np.array(["b", "a", "b"])).predict(np.zeros((2, 5, 1))).tolist()
    ['b', 'b']
    """

    shares: np.ndarray  # (classes,) in training

    name = "most frequent class"

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, *, seed: int = 0) -> Self:
        classes, count = _labels(x, y)
        return cls(classes=classes, shares=count / count.sum())

    def scores(self, x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self.shares, (len(x), len(self.shares)))


class Kernel(NamedTuple):
    """One filter."""

    weights: np.ndarray  # (length, channels)
    bias: float
    dilation: int
    padding: int

    def features(self, x: np.ndarray) -> np.ndarray:
        """The largest response to each sequence (N, T, C), and the share above zero, (N, 2)."""
        length = len(self.weights)
        wide = np.pad(x, ((0, 0), (self.padding, self.padding), (0, 0)))
        steps = wide.shape[1] - (length - 1) * self.dilation
        response = np.full((len(x), steps), self.bias)
        for place, weight in enumerate(self.weights):
            begin = place * self.dilation
            response += wide[:, begin : begin + steps] @ weight
        return np.stack([response.max(1), (response > 0).mean(1)], 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class RandomKernels(ClassBaseline):
    """A linear classifier of what random kernels find."""

    kernels: tuple[Kernel, ...]
    centre: np.ndarray  # (C,) of the channels
    spread: np.ndarray
    middle: np.ndarray  # (features,)
    width: np.ndarray
    weights: np.ndarray  # (features, classes)
    bias: np.ndarray  # (classes,)

    name = "random kernels"

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, *, seed: int = 0, kernels: int = KERNELS) -> Self:
        classes, _ = _labels(x, y)
        if len(classes) < 2:
            raise BadInput(f"random kernels: expected two classes or more, got {classes[0]} alone")
        generator = np.random.default_rng(seed)
        drawn = tuple(_drawn(generator, x.shape[1], x.shape[2]) for _ in range(kernels))
        centre, spread = np.nanmean(x, (0, 1)), np.nanstd(x, (0, 1))
        spread = np.where(spread > 0, spread, 1.0)
        found = _features(drawn, x, centre, spread)
        middle, width = found.mean(0), found.std(0)
        width = np.where(width > 1e-12, width, 1.0)
        model = RidgeClassifierCV(alphas=ALPHAS).fit((found - middle) / width, y)
        weights, bias = np.atleast_2d(model.coef_).T, np.atleast_1d(model.intercept_)
        if len(classes) == 2:  # one function tells both
            weights, bias = np.concatenate([-weights, weights], 1), np.concatenate([-bias, bias])
        return cls(
            classes=classes,
            kernels=drawn,
            centre=centre,
            spread=spread,
            middle=middle,
            width=width,
            weights=weights,
            bias=bias,
        )

    def scores(self, x: np.ndarray) -> np.ndarray:
        if x.ndim != 3 or x.shape[2] != len(self.centre):
            raise BadInput(f"random kernels: expected sequences (N, T, {len(self.centre)}), got {x.shape}")
        found = _features(self.kernels, x, self.centre, self.spread)
        return (found - self.middle) / self.width @ self.weights + self.bias


def _drawn(generator: np.random.Generator, steps: int, channels: int) -> Kernel:
    """A filter that fits into sequences of so many steps."""
    length = min(int(generator.choice(LENGTHS)), steps)
    reach = np.log2(max((steps - 1) / max(length - 1, 1), 1))
    dilation = int(2 ** generator.uniform(0, reach))
    weights = np.zeros((length, channels))
    some = generator.permutation(channels)[
        : int(2 ** generator.uniform(0, np.log2(min(channels, length) + 1)))
    ]
    drawn = generator.normal(size=(length, len(some)))
    weights[:, some] = drawn - drawn.mean(0)
    padding = ((length - 1) * dilation) // 2 if generator.random() < 0.5 else 0
    return Kernel(weights, float(generator.uniform(-1, 1)), dilation, padding)


def _features(
    kernels: tuple[Kernel, ...], x: np.ndarray, centre: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """(N, 2 kernels)."""
    parts = []
    least = max((len(one.weights) - 1) * one.dilation + 1 - 2 * one.padding for one in kernels)
    if x.shape[1] < least:
        raise BadInput(f"random kernels: expected sequences of at least {least} steps, got {x.shape[1]}")
    for first in range(0, len(x), TOGETHER):
        units = (_filled(x[first : first + TOGETHER]) - centre) / spread
        units = np.nan_to_num(units)
        parts.append(np.concatenate([one.features(units) for one in kernels], 1))
    return np.concatenate(parts)


def _filled(x: np.ndarray) -> np.ndarray:
    """Sequences (N, T, C), each missing value the last one before it."""
    place = np.where(np.isfinite(x), np.arange(x.shape[1])[:, None], -1)
    place = np.maximum.accumulate(place, 1)
    return np.where(place >= 0, np.take_along_axis(x, np.maximum(place, 0), 1), np.nan)


def _labels(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if x.ndim != 3 or y.shape != x.shape[:1] or not len(y):
        raise BadInput(f"expected sequences (N, T, C) and labels (N,), got {x.shape} and {y.shape}")
    return np.unique(y, return_counts=True)
