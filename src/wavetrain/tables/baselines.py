"""Simple forecasts that every layer is held against.

    last value       the last one, again and again
    seasonal naive   y[n + h] is the latest value of its phase, counted from the end: y[n - m + (h - 1) mod m]
    drift            the line through the first value and the last one
    ridge on lags    linear in the rows before, for each step by itself (`ridge.py`)
    boosted trees    scikit-learn's gradient boosting on the same rows (`trees.py`)

Each is fitted to a panel and then forecasts from any history with the same columns. Rows before a forecast
are read, and of later rows the columns that are known ahead alone.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.lags import filled_forward, latest_of_phase
from wavetrain.tables.panel import Panel, Series


@dataclass(frozen=True, eq=False, kw_only=True)
class Baseline(ABC):
    """A forecast of the next `horizon` rows."""

    horizon: int
    season: int = 1

    @classmethod
    @abstractmethod
    def fit(cls, panel: Panel, *, horizon: int, season: int = 1) -> Self:
        """Learn from all rows of a panel."""

    @abstractmethod
    def rolling(self, panel: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Forecasts (N, horizon, targets) of which `rows` (N,) of `series` (N,) come first.

        Series are told by their places in the panel. Each forecast is made from the rows before it, and is
        NaN where these do not tell it.
        """

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called in a table."""

    def to(self, horizon: int) -> Self:
        """The same for another horizon."""
        return replace(self, horizon=horizon)

    def forecast(
        self, history: Panel, horizon: int | None = None, *, ahead: np.ndarray | None = None
    ) -> np.ndarray:
        """The rows that follow each series, (series, horizon, targets); `ahead` is (series, horizon, known).

        >>> from wavetrain.tables.baselines import SeasonalNaive
        >>> from wavetrain.tables.panel import panel
        >>> naive = SeasonalNaive.fit(panel([1.0, 2, 3]), horizon=2, season=3)
        >>> naive.forecast(panel([1.0, 2, 3, 1]), 5).ravel().tolist()
        [2.0, 3.0, 1.0, 2.0, 3.0]
        """
        here = self if horizon is None or horizon == self.horizon else self.to(horizon)
        rows = np.array([len(one) for one in history.series])
        longer = _longer(history, here.horizon, ahead)
        return here.rolling(longer, np.arange(len(rows)), rows)


def _longer(history: Panel, horizon: int, ahead: np.ndarray | None) -> Panel:
    """With rows to forecast, of which only what is known ahead is told."""
    series, known = [], history.places(history.known)
    if ahead is not None and ahead.shape != (len(history.series), horizon, len(known)):
        wanted = (len(history.series), horizon, len(known))
        raise BadInput(f"expected columns known ahead {wanted}, got {ahead.shape}")
    for place, one in enumerate(history.series):
        later = np.full((horizon, len(history.columns)), np.nan)
        if ahead is not None:
            later[:, known] = ahead[place]
        series.append(Series(name=one.name, values=np.concatenate([one.values, later])))
    return replace(history, series=tuple(series))


def check(panel: Panel, *, horizon: int, season: int) -> None:
    """What no baseline can be fitted to."""
    if horizon < 1 or season < 1:
        raise BadInput(f"expected a horizon and a season of at least 1, got {horizon} and {season}")
    for one in panel.series:
        if not np.isfinite(one.values[:, panel.places(panel.targets)]).any(0).all():
            raise BadInput(f"series {one.name!r}: a column to forecast holds no number")


class Naive(Baseline):
    """What learns nothing: it reads the history alone."""

    @classmethod
    def fit(cls, panel: Panel, *, horizon: int, season: int = 1) -> Self:
        check(panel, horizon=horizon, season=season)
        return cls(horizon=horizon, season=season)

    def rolling(self, panel: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        targets = panel.places(panel.targets)
        found = np.full((len(rows), self.horizon, len(targets)), np.nan)
        for place in np.unique(series):
            mine = series == place
            found[mine] = self.of(panel.series[place].values[:, targets], rows[mine])
        return found

    @abstractmethod
    def of(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Forecasts (N, horizon, targets) from the values (T, targets) before each of `rows` (N,)."""


class LastValue(Naive):
    """The last value that was measured.

    >>> from wavetrain.tables.baselines import LastValue
    >>> from wavetrain.tables.panel import panel
    >>> LastValue(horizon=2).forecast(panel([3.0, np.nan])).ravel().tolist()
    [3.0, 3.0]
    """

    name = "last value"

    def of(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        last = _at(filled_forward(values), rows - 1)
        return np.repeat(last[:, None], self.horizon, 1)


class SeasonalNaive(Naive):
    """The latest value of the same phase that was measured; none before the first season is whole."""

    @property
    def name(self) -> str:
        return f"seasonal naive ({self.season})"

    def of(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        filled = filled_forward(values, self.season)
        return _at(filled, rows[:, None] + latest_of_phase(self.horizon, self.season))


class Drift(Naive):
    """The line through the first and the last value that were measured; with one alone, that value."""

    name = "drift"

    def of(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        known = np.isfinite(values)
        place = np.where(known, np.arange(len(values))[:, None], -1)
        latest = _at(np.maximum.accumulate(place).astype(float), rows - 1)
        first = np.where(known.any(0), known.argmax(0), 0)
        last = _at(filled_forward(values), rows - 1)
        span = latest - first
        slope = np.where(span > 0, (last - values[first, np.arange(len(first))]) / np.maximum(span, 1), 0.0)
        away = (rows[:, None] - 1 - latest)[:, None] + np.arange(1, self.horizon + 1)[:, None]
        return last[:, None] + slope[:, None] * away


def _at(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Values (T, targets) at rows of any shape; NaN outside."""
    inside = (rows >= 0) & (rows < len(values))
    return np.where(inside[..., None], values[np.where(inside, rows, 0)], np.nan)
