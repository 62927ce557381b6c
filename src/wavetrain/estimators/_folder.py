"""Whatever forecasts series, from its folder. It needs no scikit-learn, so a kept model starts quickly."""

from pathlib import Path

from wavetrain.estimators import _baseline_kept, _kept
from wavetrain.estimators._baseline import FittedBaseline
from wavetrain.estimators._fitted import FittedForecaster
from wavetrain.estimators._series_kept import check_kind, opened
from wavetrain.estimators._series_model import SeriesModel


def load_series_model(
    folder: str | Path,
    forecaster: type[FittedForecaster] = FittedForecaster,
    baseline: type[FittedBaseline] = FittedBaseline,
) -> SeriesModel:
    """The forecaster or the baseline that a folder keeps, as one of these classes.

    >>> import tempfile
    >>> import numpy as np
    >>> from wavetrain.estimators import BaselineForecaster
    >>> from wavetrain.estimators._folder import load_series_model
    >>> folder = Path(tempfile.mkdtemp())
    >>> BaselineForecaster("last_value").fit(np.arange(20.0)).save(folder)
    >>> load_series_model(folder).called
    'last value'
    """
    place = Path(folder)
    found, tensors, words = opened(place)
    if found == _baseline_kept.KIND:
        return _baseline_kept.restored(baseline, place, tensors, words)
    check_kind(place, found, _kept.KIND)
    return _kept.restored(forecaster, place, tensors, words)
