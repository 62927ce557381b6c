"""How far forecasts are from the truth: the metrics of the field.

Truth and forecast are (windows, horizon, targets), (windows, horizon) or, for one window, (horizon,).
`series` (windows,) says which series each window is of; without it each window is of its own. Errors, their
squares, sMAPE and quantile loss are means over all values that were measured. MASE is a mean over series.

    MAE             mean |y - f|
    RMSE            root of the mean of (y - f)^2
    MASE            mean |y - f| over the mean |y[t] - y[t - m]| of the rows before the forecast
    sMAPE           mean of 200 |y - f| / (|y| + |f|): from 0 to 200, and 0 where both are 0
    quantile loss   mean of q (y - f) where y is above f, of (1 - q) (f - y) where it is below; not doubled
    coverage        share of values in their interval
    width           mean width of the intervals

A naive forecast of a season m has a MASE of about 1 (Hyndman and Koehler 2006, who take the rows of training;
where forecasts are made one after another, these are all rows before each).
"""

from dataclasses import replace

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.score import Score, averaged


def mae(*, truth: np.ndarray, forecast: np.ndarray, series: np.ndarray | None = None) -> Score:
    """The mean absolute error, in the units of the truth.

    >>> from wavetrain.tables.metrics import mae
    >>> mae(truth=np.array([1.0, 2.0]), forecast=np.array([2.0, 4.0])).value
    1.5
    """
    y, f = _alike(truth, forecast)
    return averaged("MAE", np.abs(y - f), series, np.isnan(y))


def rmse(*, truth: np.ndarray, forecast: np.ndarray, series: np.ndarray | None = None) -> Score:
    """The root of the mean squared error, in the units of the truth.

    >>> from wavetrain.tables.metrics import rmse
    >>> rmse(truth=np.array([0.0, 0.0]), forecast=np.array([1.0, 7.0])).value
    5.0
    """
    y, f = _alike(truth, forecast)
    square = averaged("RMSE", (y - f) ** 2, series, np.isnan(y))
    assert square.parts is not None and square.shares is not None
    root = float(np.sqrt(square.value))
    own = square.parts - square.shares * square.value  # a root is a line, near its value
    parts = square.shares * root + (own / (2 * root) if root > 0 else 0.0)
    series_, targets = np.sqrt(square.series), np.sqrt(square.targets)
    return replace(square, value=root, series=series_, targets=targets, parts=parts)


def smape(*, truth: np.ndarray, forecast: np.ndarray, series: np.ndarray | None = None) -> Score:
    """The symmetric mean absolute percentage error, from 0 to 200.

    >>> from wavetrain.tables.metrics import smape
    >>> round(smape(truth=np.array([100.0]), forecast=np.array([50.0])).value, 3)
    66.667
    """
    y, f = _alike(truth, forecast)
    below = np.abs(y) + np.abs(f)
    share = 200 * np.abs(y - f) / np.where(below > 0, below, 1.0)
    return averaged("sMAPE (0 to 200)", share, series, np.isnan(y))


def quantile_loss(
    *, truth: np.ndarray, forecast: np.ndarray, level: float, series: np.ndarray | None = None
) -> Score:
    """The loss of a forecast of the quantile `level`.

    >>> from wavetrain.tables.metrics import quantile_loss
    >>> round(quantile_loss(truth=np.array([10.0]), forecast=np.array([8.0]), level=0.9).value, 9)
    1.8
    """
    if not 0 < level < 1:
        raise BadInput(f"quantile loss: expected a level between 0 and 1, got {level}")
    y, f = _alike(truth, forecast)
    terms = np.maximum(level * (y - f), (level - 1) * (y - f))
    return averaged(f"quantile loss at {level:g}", terms, series, np.isnan(y))


def coverage(
    *, truth: np.ndarray, low: np.ndarray, high: np.ndarray, series: np.ndarray | None = None
) -> Score:
    """The share of values that lie in their interval, ends included.

    >>> from wavetrain.tables.metrics import coverage
    >>> coverage(truth=np.array([1.0, 5.0]), low=np.zeros(2), high=np.full(2, 2.0)).value
    0.5
    """
    y, low, high = _ends(truth, low, high)
    inside = np.where(np.isnan(high - low), np.nan, (low <= y) & (y <= high))
    return averaged("coverage", inside, series, np.isnan(y))


def width(*, truth: np.ndarray, low: np.ndarray, high: np.ndarray, series: np.ndarray | None = None) -> Score:
    """The mean width of intervals, over the values that were measured; infinite if one is.

    >>> from wavetrain.tables.metrics import width
    >>> width(truth=np.array([1.0, 5.0]), low=np.zeros(2), high=np.array([2.0, 4.0])).value
    3.0
    """
    y, low, high = _ends(truth, low, high)
    return averaged("width of intervals", high - low, series, np.isnan(y))


def mase(
    *,
    truth: np.ndarray,
    forecast: np.ndarray,
    scale: np.ndarray,
    season: int,
    series: np.ndarray | None = None,
) -> Score:
    """The mean absolute scaled error: the mean over series of their own.

    `scale` (windows,) or (windows, targets) is `seasonal_scale` of the rows before each window, for that
    season. A column of a series whose scale is 0 or missing has no value and is left out of the mean.

    >>> from wavetrain.tables.metrics import mase, seasonal_scale
    >>> before = np.array([10.0, 20, 30, 40, 12, 22, 32, 42])
    >>> truth, forecast = np.array([14.0, 24, 34, 44]), np.array([12.0, 22, 32, 42])
    >>> scale = seasonal_scale(before, season=4)
    >>> mase(truth=truth, forecast=forecast, scale=np.array([scale]), season=4).value
    1.0
    """
    y, f = _alike(truth, forecast)
    below = np.asarray(scale, np.float64)
    below = np.broadcast_to(below[:, None] if below.ndim == 1 else below, (len(y), y.shape[2]))[:, None]
    undefined = np.broadcast_to(~(below > 0), y.shape)
    terms = np.abs(y - f) / np.where(below > 0, below, 1.0)
    return averaged(f"MASE (season {season})", terms, series, np.isnan(y) | undefined, over_series=True)


def seasonal_scale(before: np.ndarray, *, season: int) -> float:
    """The mean |y[t] - y[t - season]| of the rows (T,) before a forecast; NaN where none was measured.

    >>> from wavetrain.tables.metrics import seasonal_scale
    >>> seasonal_scale(np.array([0.0, 1.0, 2.0, 5.0]), season=1)
    1.6666666666666667
    """
    rows = np.asarray(before, np.float64)
    if rows.ndim != 1 or season >= len(rows):
        raise BadInput(f"expected a season of 1 to the number of rows less 1, got {season} for {rows.shape}")
    return float(seasonal_scales(rows[:, None], np.array([len(rows)]), season=season)[0, 0])


def seasonal_scales(values: np.ndarray, rows: np.ndarray, *, season: int) -> np.ndarray:
    """The same of values (T, targets) before each of `rows` (N,), as (N, targets).

    It is NaN where no pair of rows a season apart lies before a row.
    """
    return mean_of(*seasonal_totals(values, rows, season=season))


def seasonal_totals(
    values: np.ndarray, rows: np.ndarray, *, season: int, before: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """How far rows a season apart differ before each of `rows` (N,), in total, and how many pairs there are.

    `before` are totals and counts (targets,) of rows that were left out before the values (T, targets).
    """
    if season < 1:
        raise BadInput(f"expected a season of at least 1, got {season}")
    apart = np.abs(values[season:] - values[:-season]) if season < len(values) else values[:0]
    none = np.zeros(values.shape[1])
    first, pairs = (none, none) if before is None else before
    total = np.concatenate([first[None], np.nan_to_num(apart)]).cumsum(0)
    count = np.concatenate([pairs[None], np.isfinite(apart)]).cumsum(0)
    place = np.clip(rows - season, 0, len(apart))
    return total[place], count[place]


def mean_of(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Totals over counts; NaN where nothing was counted."""
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _shaped(values: np.ndarray) -> np.ndarray:
    """As (windows, horizon, targets)."""
    array = np.asarray(values, np.float64)
    if array.ndim not in (1, 2, 3):
        raise BadInput(
            f"expected (windows, horizon, targets), (windows, horizon) or (horizon,), got {array.shape}"
        )
    array = array[None] if array.ndim == 1 else array
    return array[..., None] if array.ndim == 2 else array


def _alike(truth: np.ndarray, forecast: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both in one shape; what is infinite counts as missing."""
    if np.shape(truth) != np.shape(forecast):
        raise BadInput(
            f"expected truth and forecast of one shape, got {np.shape(truth)}, {np.shape(forecast)}"
        )
    y, f = _shaped(truth), _shaped(forecast)
    return np.where(np.isfinite(y), y, np.nan), np.where(np.isfinite(f), f, np.nan)


def _ends(truth: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth and the ends of its intervals in one shape; ends may be infinite."""
    if not np.shape(truth) == np.shape(low) == np.shape(high):
        raise BadInput(
            f"expected truth and ends of intervals of one shape, got {np.shape(truth)}, {np.shape(low)}, "
            f"{np.shape(high)}"
        )
    y, below, above = _shaped(truth), _shaped(low), _shaped(high)
    if (below > above).any():
        raise BadInput("expected intervals whose low end lies below their high end")
    return np.where(np.isfinite(y), y, np.nan), below, above
