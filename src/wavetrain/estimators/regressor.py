"""Numbers that go with whole sequences, by any layer."""

from typing import Any, Self

import numpy as np
import torch
from sklearn.base import RegressorMixin
from sklearn.utils import Tags
from torch import nn

from wavetrain.errors import BadInput
from wavetrain.estimators._sequences import FEWEST, SequenceEstimator


class SequenceRegressor(RegressorMixin, SequenceEstimator):
    """A stack of layers that gives the numbers which go with a sequence.

    X is (N, T, C), (N, T), or a list of (T, C); y is (N,) or (N, K). `layer` is a name from
    `wavetrain list layers` or a class. `valid` is the share of sequences that are kept to choose the step by,
    where there are forty or more.

    >>> from wavetrain.estimators import SequenceRegressor
    >>> x = torch.randn(60, 20).numpy()
    >>> SequenceRegressor("gru", width=8, steps=30).fit(x, x.mean(1)).predict(x).shape
    (60,)
    """

    _last = 1.0

    def fit(self, X: Any, y: Any) -> Self:
        self._asked(y)
        found, y = self._taken(X, y)
        try:
            y = np.asarray(y, np.float64)
        except (TypeError, ValueError) as error:
            raise BadInput(f"expected numbers to give, got {np.asarray(y).dtype}") from error
        if y.ndim not in (1, 2) or not np.isfinite(y).all():
            raise BadInput(f"expected finite y (sequences,) or (sequences, numbers), got {y.shape}")
        self.single_ = y.ndim == 1
        y = y.reshape(len(y), -1)
        held = self._held(y)
        train = np.setdiff1d(np.arange(len(y)), held)
        self.mean_, deviation = y[train].mean(0), y[train].std(0)
        self.deviation_ = np.where(deviation > 0, deviation, 1.0)
        target = torch.from_numpy((y - self.mean_) / self.deviation_).float()
        self._learn(found, target, y.shape[1], held, nn.functional.mse_loss)
        self._judge(found, y if y.shape[1] > 1 else y[:, 0], held)
        return self

    def _held(self, y: np.ndarray) -> np.ndarray:
        """Sequences to choose by: a share of them, drawn by one fixed shuffle."""
        if len(y) < FEWEST:
            return np.zeros(0, int)
        order = np.random.default_rng(0).permutation(len(y))
        return np.sort(order[: max(1, round(self.valid * len(y)))])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: Any) -> np.ndarray:
        """The numbers of each sequence, in the units and the shape of y."""
        y = self._answered(X).numpy() * self.deviation_ + self.mean_
        return y[:, 0] if self.single_ else y
