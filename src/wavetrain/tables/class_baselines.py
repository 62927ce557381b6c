"""Simple answers for whole sequences (N, T, C): the most frequent class, and random kernels.

A linear classifier reads what random kernels find (`kernels.py`), its cost for large weights chosen by
leaving one sequence out.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.linear_model import RidgeClassifierCV

from wavetrain.errors import BadInput
from wavetrain.tables.kernels import KERNELS, Found, fitted

ALPHAS = tuple(float(10.0**power) for power in range(-3, 6))


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


@dataclass(frozen=True, eq=False, kw_only=True)
class RandomKernels(ClassBaseline):
    """A linear classifier of what random kernels find."""

    found: Found
    weights: np.ndarray  # (features, classes)
    bias: np.ndarray  # (classes,)

    name = "random kernels"

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, *, seed: int = 0, kernels: int = KERNELS) -> Self:
        classes, _ = _labels(x, y)
        if len(classes) < 2:
            raise BadInput(f"random kernels: expected two classes or more, got {classes[0]} alone")
        found, read = fitted(x, seed=seed, kernels=kernels)
        model = RidgeClassifierCV(alphas=ALPHAS).fit(read, y)
        weights, bias = np.atleast_2d(model.coef_).T, np.atleast_1d(model.intercept_)
        if len(classes) == 2:  # one function tells both
            weights, bias = np.concatenate([-weights, weights], 1), np.concatenate([-bias, bias])
        return cls(classes=classes, found=found, weights=weights, bias=bias)

    def scores(self, x: np.ndarray) -> np.ndarray:
        return self.found.read(x) @ self.weights + self.bias


def _labels(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if x.ndim != 3 or y.shape != x.shape[:1] or not len(y):
        raise BadInput(f"expected sequences (N, T, C) and labels (N,), got {x.shape} and {y.shape}")
    return np.unique(y, return_counts=True)
