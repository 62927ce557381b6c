"""The scikit-learn face: estimators over any layer."""

from wavetrain.estimators.classifier import SequenceClassifier
from wavetrain.estimators.forecaster import Forecaster, Forecasts
from wavetrain.estimators.regressor import SequenceRegressor

__all__ = ["Forecaster", "Forecasts", "SequenceClassifier", "SequenceRegressor"]
