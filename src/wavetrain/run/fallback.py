"""What stands in for the forecasts of a layer where nothing was measured in its context: the last value."""

import numpy as np

from wavetrain.estimators import Forecaster
from wavetrain.tables.baselines import LastValue
from wavetrain.tables.panel import Panel
from wavetrain.tables.rolling import Rolled, Rolls


def or_last(model: Forecaster) -> Rolls:
    """The forecasts of a layer, and the last value where it has none."""
    last = LastValue(horizon=model.horizon)

    def rolls(panel: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        made, nothing = model.rolling(panel, series, rows), model.unmeasured(panel, series, rows)
        if not nothing.any():
            return made
        return np.where(nothing[:, None], last.rolling(panel, series, rows), made)

    return rolls


def intervals(
    model: Forecaster, panel: Panel, test: Rolled, coverage: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends around `test`; infinite where the layer has no forecast."""
    low, high = model.intervals(panel, test.series, test.rows, coverage=coverage)
    nothing = model.unmeasured(panel, test.series, test.rows)[:, None]
    return np.where(nothing, -np.inf, low), np.where(nothing, np.inf, high)


def told(model: Forecaster, panel: Panel, test: Rolled) -> str:
    """Of how many forecasts layers know nothing, in words; empty where there are none. `model` is one."""
    nothing = model.unmeasured(panel, test.series, test.rows)
    count = int(nothing.any(1).sum())
    return (
        f"{count:,} of {len(nothing):,} forecasts follow {model.context_} rows in which nothing was "
        "measured: layers give the last value there"
        if count
        else ""
    )
