"""Rows of lags: what a regression reads before it forecasts, made by one function to fit and to predict.

For each window and each column to forecast they are the `count` rows before the last one, newest first, less
the last one, in units of the deviation of all of them: so levels and scales that a regression has never seen
are nothing new to it, and 100 y gets 100 times the forecast of y. What is missing is filled by the last value
before it; before the first value of a series there is none, and the row is NaN.

In front of step h stand, besides, the columns known ahead at that step, in deviations from their mean.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel

FLAT = 1e-9  # of the level: the unit of what does not vary
SMALL = 0.05  # of the deviation of a series: errors are weighed in units of at least that
LEAST = 1e-30  # the unit where the level is 0, too


class Lagged(NamedTuple):
    """Windows as a regression reads them."""

    lags: np.ndarray  # (windows, targets, count) in units of the window, NaN before the first value
    season: (
        np.ndarray
    )  # (windows, targets, horizon) the latest value of the phase of each step, in these units
    last: np.ndarray  # (windows, targets) the last value
    unit: np.ndarray  # (windows, targets)
    weight: np.ndarray  # (windows, targets) of an error in these units
    ahead: np.ndarray  # (windows, horizon, known) as in the panel
    wanted: np.ndarray  # (windows, targets, horizon) in these units; NaN where it was not measured

    def restored(self, forecast: np.ndarray) -> np.ndarray:
        """A forecast (windows, targets, horizon) as (windows, horizon, targets) in the panel's units."""
        return np.moveaxis(forecast * self.unit[..., None] + self.last[..., None], 1, 2)


def lagged(
    panel: Panel, series: np.ndarray, rows: np.ndarray, *, count: int, horizon: int, season: int
) -> Lagged:
    """Windows of which `rows` (windows,) of `series` (windows,) are forecast first.

    >>> from wavetrain.tables.lags import lagged
    >>> from wavetrain.tables.panel import panel
    >>> one = lagged(panel([1.0, 2, 4, 8, 16]), np.array([0]), np.array([4]), count=3, horizon=1, season=1)
    >>> one.last, (one.lags * one.unit[..., None]).ravel(), (one.wanted * one.unit[..., None]).ravel()
    (array([[8.]]), array([-4., -6., -7.]), array([8.]))
    """
    for name, size in (("count", count), ("horizon", horizon), ("season", season)):
        if size < 1:
            raise BadInput(f"lags: expected {name} of at least 1, got {size}")
    targets, known = panel.places(panel.targets), panel.places(panel.known)
    parts = [
        _of_series(one.values, rows[series == place], targets, known, count, horizon, season)
        for place, one in enumerate(panel.series)
    ]
    order = np.argsort(np.concatenate([np.flatnonzero(series == place) for place in range(len(parts))]))
    return Lagged(*(np.concatenate(part)[order] for part in zip(*parts, strict=True)))


def _of_series(
    values: np.ndarray,
    rows: np.ndarray,
    targets: list[int],
    known: list[int],
    count: int,
    horizon: int,
    season: int,
) -> Lagged:
    """The windows of one series. What comes after a row is read for `wanted` and `ahead` alone."""
    mine = values[:, targets]
    filled = filled_forward(mine)
    past = _before(filled, rows, count + 1)
    last = past[..., 0].copy()
    there = np.isfinite(past)
    unit, level = _deviation(past, there)
    unit = np.maximum(np.maximum(unit, LEAST), FLAT * np.abs(level))
    phase = rows[:, None] + latest_of_phase(horizon, season)
    steps = rows[:, None] + np.arange(horizon)
    same = np.moveaxis(_taken(filled, phase), 1, 2)
    wanted = np.moveaxis(_taken(mine, steps), 1, 2)
    usual = SMALL * np.nan_to_num(_deviation(np.moveaxis(mine, 0, 1), np.isfinite(mine).T)[0])
    lags = past[..., 1:]
    lags -= last[..., None]  # in place: there are many
    lags /= unit[..., None]
    return Lagged(
        lags,
        (same - last[..., None]) / unit[..., None],
        last,
        unit,
        unit / np.maximum(unit, usual),
        _taken(values[:, known], steps),
        (wanted - last[..., None]) / unit[..., None],
    )


def filled_forward(values: np.ndarray, apart: int = 1) -> np.ndarray:
    """Values (T, columns), each missing one filled by the last known that lies a multiple of `apart` before.

    >>> from wavetrain.tables.lags import filled_forward
    >>> filled_forward(np.array([[1.0], [2.0], [np.nan], [np.nan], [5.0]]), apart=2).ravel()
    array([1., 2., 1., 2., 5.])
    """
    length = len(values)
    place = np.where(np.isfinite(values), np.arange(length)[:, None], -1)
    for phase in range(min(apart, length)):
        place[phase::apart] = np.maximum.accumulate(place[phase::apart])
    found = np.take_along_axis(values, np.maximum(place, 0), 0) if length else values
    return np.where(place >= 0, found, np.nan)


def latest_of_phase(horizon: int, season: int) -> np.ndarray:
    """Which row stands for each step ahead, counted from the first step: the latest of its phase.

    >>> from wavetrain.tables.lags import latest_of_phase
    >>> latest_of_phase(5, 3).tolist()
    [-3, -2, -1, -3, -2]
    """
    return np.arange(horizon) % season - season


def _before(values: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """The `count` rows before each of `rows`, the newest first, (windows, columns, count); NaN outside."""
    nothing = np.full((count, values.shape[1]), np.nan)
    each = sliding_window_view(np.concatenate([nothing, values]), count, 0)  # the place of a row is its end
    return each[rows][..., ::-1]


def _taken(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The rows (windows, n) of values (T, columns); NaN outside."""
    inside = (rows >= 0) & (rows < len(values))
    return np.where(inside[..., None], values[np.where(inside, rows, 0)], np.nan)


def _deviation(values: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deviation and mean along the last axis of what is there; 0 where nothing is."""
    count = np.maximum(there.sum(-1), 1)
    apart = np.where(there, values, 0.0)
    mean = apart.sum(-1) / count
    apart -= mean[..., None]
    apart[~there] = 0.0
    np.square(apart, out=apart)
    return np.sqrt(apart.sum(-1) / count), mean
