"""The scikit-learn face: estimators over any layer."""

from typing import TYPE_CHECKING

from wavetrain.lazy import offer

if TYPE_CHECKING:
    from wavetrain.estimators._anomalies import Anomalies
    from wavetrain.estimators._baseline import FittedBaseline
    from wavetrain.estimators._fitted import FittedForecaster
    from wavetrain.estimators._folder import load_series_model
    from wavetrain.estimators._series_model import Forecasts
    from wavetrain.estimators._stream import ForecastStream
    from wavetrain.estimators._streams import ForecastStreams
    from wavetrain.estimators.axes import steps_first
    from wavetrain.estimators.baseline import BaselineForecaster
    from wavetrain.estimators.classifier import SequenceClassifier
    from wavetrain.estimators.detector import AnomalyDetector
    from wavetrain.estimators.files import read_sequences
    from wavetrain.estimators.forecaster import Forecaster
    from wavetrain.estimators.regressor import SequenceRegressor

__all__ = [
    "Anomalies",
    "AnomalyDetector",
    "BaselineForecaster",
    "FittedBaseline",
    "FittedForecaster",
    "ForecastStream",
    "ForecastStreams",
    "Forecaster",
    "Forecasts",
    "SequenceClassifier",
    "SequenceRegressor",
    "load_series_model",
    "read_sequences",
    "steps_first",
]

offer(__name__)
