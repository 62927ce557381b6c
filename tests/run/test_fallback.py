"""Where nothing was measured in the context of a layer, the last value stands in, in no known interval."""

from types import SimpleNamespace

import numpy as np
import pytest

from wavetrain.estimators import Forecaster
from wavetrain.run import fallback
from wavetrain.tables.baselines import LastValue
from wavetrain.tables.panel import Panel, panel
from wavetrain.tables.rolling import evaluate

WAVE = np.stack([np.arange(40.0), 100 - np.arange(40.0)], 1)
SERIES, ROWS = np.zeros(4, int), np.array([20, 21, 22, 23])
MADE = np.arange(4 * 2 * 2.0).reshape(4, 2, 2)


def model(nothing: list[list[bool]]) -> Forecaster:
    """What forecasts `MADE`, of which nothing is known of some windows and targets."""
    hollow = np.array(nothing)
    return SimpleNamespace(  # type: ignore[return-value]
        horizon=2,
        rolling=lambda one, series, rows: MADE,
        unmeasured=lambda one, series, rows: hollow,
        intervals=lambda one, series, rows, coverage: (MADE - coverage, MADE + coverage),
    )


def test_each_target_falls_back_by_itself() -> None:
    data, hollow = panel(WAVE), [[False, False], [True, False], [False, True], [True, True]]
    last = LastValue(horizon=2).rolling(data, SERIES, ROWS)
    found = fallback.or_last(model(hollow))(data, SERIES, ROWS)
    for window, some in enumerate(hollow):
        for target, nothing in enumerate(some):
            wanted = last if nothing else MADE
            np.testing.assert_array_equal(found[window, :, target], wanted[window, :, target])
    assert fallback.or_last(model([[False, False]] * 4))(data, SERIES, ROWS) is MADE


def test_of_what_is_not_known_there_is_no_interval() -> None:
    data = panel(WAVE)
    test = evaluate(LastValue(horizon=2).rolling, data, 30, 2)
    low, high = fallback.intervals(model([[True, False]] * 4), data, test, 0.9)
    assert np.isneginf(low[..., 0]).all() and np.isposinf(high[..., 0]).all()
    np.testing.assert_array_equal(low[..., 1], MADE[..., 1] - 0.9)
    np.testing.assert_array_equal(high[..., 1], MADE[..., 1] + 0.9)


def holed(first: int, last: int) -> Panel:
    """Rows of which none is measured from one to another; the other column is whole."""
    values = WAVE.copy()
    values[first:last, 0] = np.nan
    return panel(values)


@pytest.mark.parametrize(("origins", "count"), [(1, 4), (4, 5)])
def test_how_many_forecasts_know_nothing_is_told(origins: int, count: int) -> None:
    """Behind a gap of 9 rows, 19 to 27, those of 25 to 28 have nothing in a context of 6 rows before them.

    Windows of four origins begin at 26 and 30 and are scaled by the rows before: 29 has nothing there.
    """
    one = holed(19, 28)
    test = evaluate(LastValue(horizon=1).rolling, one, 20, 1)
    asked = Forecaster("elman", context=6, steps=0, origins=origins).fit(panel(WAVE))
    assert asked.origins_ == origins and fallback.told(asked, panel(WAVE), test) == ""
    told = f"{count} of 20 forecasts follow 6 rows in which nothing was measured: layers give the last value"
    assert fallback.told(asked, one, test) == f"{told} there"
