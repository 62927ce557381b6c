"""Simple answers of numbers (N, K) for whole sequences (N, T, C).

    mean                      of training, whatever the sequence
    ridge on summaries        linear in mean, deviation, least, largest, first and last value of each channel
    ridge on random kernels   linear in what random kernels find (`kernels.py`), and in the summaries

How much large weights cost is chosen by leaving one sequence out. What is missing in a sequence counts as the
mean of its channel.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.linear_model import RidgeCV

from wavetrain.errors import BadInput
from wavetrain.tables.kernels import Found, fitted

ALPHAS = tuple(float(10.0**power) for power in range(-3, 6))


@dataclass(frozen=True, eq=False, kw_only=True)
class ValueBaseline(ABC):
    """Numbers for each sequence."""

    @classmethod
    @abstractmethod
    def fit(cls, x: np.ndarray, y: np.ndarray) -> Self:
        """Learn from sequences (N, T, C) and their numbers (N, K)."""

    @abstractmethod
    def predict(self, x: np.ndarray) -> np.ndarray:
        """The numbers (N, K) of sequences (N, T, C)."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called in a table."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Mean(ValueBaseline):
    """The mean of training.

    >>> from wavetrain.tables.value_baselines import Mean
    >>> Mean.fit(np.zeros((2, 5, 1)), np.array([[1.0], [3.0]])).predict(np.zeros((2, 5, 1))).tolist()
    [[2.0], [2.0]]
    """

    mean: np.ndarray  # (K,)

    name = "mean"

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray) -> Self:
        _check(x, y)
        return cls(mean=y.mean(0))

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self.mean, (len(x), len(self.mean)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Summaries(ValueBaseline):
    """A line through summaries of the channels.

    >>> from wavetrain.tables.value_baselines import Summaries
    >>> x = np.random.default_rng(0).normal(size=(50, 9, 1))
    >>> Summaries.fit(x, x.max(1)).predict(x[:3]).shape
    (3, 1)
    """

    middle: np.ndarray  # (features,)
    width: np.ndarray
    weights: np.ndarray  # (features, K)
    bias: np.ndarray  # (K,)

    name = "ridge on summaries"

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray) -> Self:
        _check(x, y)
        found = summaries(x)
        middle, width = found.mean(0), found.std(0)
        width = np.where(width > 1e-12, width, 1.0)
        weights, bias = _line((found - middle) / width, y)
        return cls(middle=middle, width=width, weights=weights, bias=bias)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return _units(x, self.middle, self.width) @ self.weights + self.bias


@dataclass(frozen=True, eq=False, kw_only=True)
class KernelRidge(ValueBaseline):
    """A line through what random kernels find, and summaries."""

    found: Found
    middle: np.ndarray  # (summaries,)
    width: np.ndarray
    weights: np.ndarray  # (features, K)
    bias: np.ndarray  # (K,)

    name = "ridge on random kernels"

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray) -> Self:
        _check(x, y)
        kernels, read = fitted(x)
        told = summaries(x)
        middle, width = told.mean(0), told.std(0)
        width = np.where(width > 1e-12, width, 1.0)
        weights, bias = _line(np.concatenate([read, (told - middle) / width], 1), y)
        return cls(found=kernels, middle=middle, width=width, weights=weights, bias=bias)

    def predict(self, x: np.ndarray) -> np.ndarray:
        told = _units(x, self.middle, self.width)
        return np.concatenate([self.found.read(x), told], 1) @ self.weights + self.bias


def _line(read: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (features, K) and bias (K,) of a ridge regression."""
    model = RidgeCV(ALPHAS).fit(read, y)
    return np.atleast_2d(model.coef_).T, np.atleast_1d(model.intercept_)


def summaries(x: np.ndarray) -> np.ndarray:
    """Mean, deviation, least, largest, first and last value of each channel, (N, 6 C)."""
    there = np.isfinite(x)
    mean = np.where(there, x, 0.0).sum(1) / np.maximum(there.sum(1), 1)
    whole = np.where(there, x, mean[:, None])
    parts = (mean, whole.std(1), whole.min(1), whole.max(1), whole[:, 0], whole[:, -1])
    return np.concatenate(parts, 1)


def _units(x: np.ndarray, middle: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Summaries in deviations from the mean of training."""
    channels = len(middle) // 6
    if x.ndim != 3 or x.shape[2] != channels:
        raise BadInput(f"expected sequences (N, T, {channels}), got {x.shape}")
    return (summaries(x) - middle) / width


def _check(x: np.ndarray, y: np.ndarray) -> None:
    if x.ndim != 3 or y.ndim != 2 or len(x) != len(y) or not len(y):
        raise BadInput(f"expected sequences (N, T, C) and numbers (N, K), got {x.shape} and {y.shape}")
