"""The scikit-learn face: estimators over any layer."""

from wavetrain.estimators.forecaster import Forecaster, Forecasts

__all__ = ["Forecaster", "Forecasts"]
