"""The scikit-learn face: estimators over any layer."""

from wavetrain.estimators._anomalies import Anomalies
from wavetrain.estimators.axes import steps_first
from wavetrain.estimators.classifier import SequenceClassifier
from wavetrain.estimators.detector import AnomalyDetector
from wavetrain.estimators.files import read_sequences
from wavetrain.estimators.forecaster import Forecaster, Forecasts
from wavetrain.estimators.regressor import SequenceRegressor

__all__ = [
    "Anomalies",
    "AnomalyDetector",
    "Forecaster",
    "Forecasts",
    "SequenceClassifier",
    "SequenceRegressor",
    "read_sequences",
    "steps_first",
]
