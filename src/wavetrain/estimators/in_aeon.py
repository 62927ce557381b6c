"""Our estimators of sequences as estimators of aeon, for its pipelines, ensembles and comparisons.

aeon has collections (cases, channels, steps), channels before steps; ours are (sequences, steps, channels).
Series of unequal length come as a list of (channels, steps). These classes turn them and have the tags that
aeon asks for; the rest is `SequenceClassifier` and `SequenceRegressor`, the attribute `model_` after `fit`.

Needs `pip install wavetrain[aeon]`. Releases of aeon up to 1.6 want numba below 0.64, so it has no place
beside the versions of `constraints.txt`. Nothing else in the package imports this file.
"""

from typing import Any, ClassVar

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.estimators.axes import steps_first
from wavetrain.estimators.classifier import SequenceClassifier
from wavetrain.estimators.regressor import SequenceRegressor

try:
    from aeon.classification import BaseClassifier
    from aeon.regression import BaseRegressor
except ModuleNotFoundError as error:
    raise BadInput(
        f"estimators of aeon need the package {error.name}: pip install 'wavetrain[aeon]'"
    ) from error

TAGS = {
    "capability:multivariate": True,
    "capability:unequal_length": True,
    "X_inner_type": ["np-list", "numpy3D"],
    "algorithm_type": "deeplearning",
    "non_deterministic": False,
}


class AeonClassifier(BaseClassifier):
    """`SequenceClassifier` with the same settings, for collections of aeon."""

    _tags: ClassVar[dict[str, Any]] = TAGS

    def __init__(
        self,
        layer: Any = "gru",
        width: int = 32,
        depth: int = 2,
        steps: int = 300,
        batch: int = 32,
        rate: float = 3e-3,
        valid: float = 0.15,
        random_state: Any = 0,
    ):
        self.layer, self.width, self.depth, self.steps = layer, width, depth, steps
        self.batch, self.rate, self.valid, self.random_state = batch, rate, valid, random_state
        super().__init__()

    def _fit(self, X: Any, y: np.ndarray) -> "AeonClassifier":
        self.model_ = SequenceClassifier(**self.get_params()).fit(steps_first(X), y)
        return self

    def _predict(self, X: Any) -> np.ndarray:
        return self.model_.predict(steps_first(X))

    def _predict_proba(self, X: Any) -> np.ndarray:
        return self.model_.predict_proba(steps_first(X))

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        """Small sizes, for aeon's own checks."""
        return {"width": 4, "depth": 1, "steps": 3}


class AeonRegressor(BaseRegressor):
    """`SequenceRegressor` with the same settings, for collections of aeon."""

    _tags: ClassVar[dict[str, Any]] = TAGS

    def __init__(
        self,
        layer: Any = "gru",
        width: int = 32,
        depth: int = 2,
        steps: int = 300,
        batch: int = 32,
        rate: float = 3e-3,
        valid: float = 0.15,
        random_state: Any = 0,
    ):
        self.layer, self.width, self.depth, self.steps = layer, width, depth, steps
        self.batch, self.rate, self.valid, self.random_state = batch, rate, valid, random_state
        super().__init__()

    def _fit(self, X: Any, y: np.ndarray) -> "AeonRegressor":
        self.model_ = SequenceRegressor(**self.get_params()).fit(steps_first(X), y)
        return self

    def _predict(self, X: Any) -> np.ndarray:
        return self.model_.predict(steps_first(X))

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        """Small sizes, for aeon's own checks."""
        return {"width": 4, "depth": 1, "steps": 3}
