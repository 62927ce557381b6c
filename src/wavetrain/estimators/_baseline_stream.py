"""Forecasts of a stream by a baseline: equal to `predict` on all rows so far, in constant memory."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from wavetrain.estimators._series_model import Behind
from wavetrain.estimators._series_stream import SeriesStream
from wavetrain.tables.lags import filled_forward
from wavetrain.tables.panel import Series

if TYPE_CHECKING:
    from wavetrain.estimators._baseline import FittedBaseline

ARRAYS = ("rows", "filled", "totals")


class BaselineStream(SeriesStream["FittedBaseline"]):
    """One series as it comes.

    >>> from wavetrain.estimators import BaselineForecaster
    >>> wave = np.sin(np.arange(100) / 2)
    >>> stream = BaselineForecaster("ridge", horizon=2).fit(wave).stream()
    >>> [stream.push(value).shape for value in (0.0, 0.5)]  # (horizon, targets)
    [(2, 1), (2, 1)]
    """

    def __init__(self, model: "FittedBaseline"):
        super().__init__(model)
        shape = model.reach, len(model.panel_.columns)
        self.rows = np.full(shape, np.nan)  # the last ones, in the units of the file
        self.filled = np.full(shape, np.nan)  # the same, where what is missing is filled
        self.totals = np.zeros((2, len(model.panel_.targets)))  # behind the scale, and its pairs
        whole = model.panel_
        self.targets, self.known = whole.places(whole.targets), whole.places(whole.known)

    def go_on(self, learned: Series, before: int) -> None:
        self.count = before + len(learned)
        self.time = None if learned.times is None else int(learned.times[-1])
        if len(learned):
            self._taken(learned.values)

    def state_of(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return {name: getattr(self, name) for name in ARRAYS}, {}

    def restore(self, arrays: dict[str, np.ndarray], words: dict[str, Any]) -> None:
        for name in ARRAYS:
            if arrays[name].shape != getattr(self, name).shape:
                raise ValueError(f"{name} has the shape {arrays[name].shape}")
            setattr(self, name, arrays[name])

    def _longest(self) -> int:
        return self.model.reach + 2 * self.model.season_

    def _block(self) -> int:
        return self.model.season_  # so that phases stay what they are

    def _read(self, rows: np.ndarray, ahead: np.ndarray) -> Behind:
        from wavetrain.estimators._baseline import scale_of

        model, first = self.model, self.model.reach + 1
        self.count += len(rows)
        filled, totals = self._taken(rows)
        filled[:, self.known] = np.nan  # nothing is known ahead of a stream
        blank = model.panel_
        alone = replace(blank, series=(Series(name="", values=filled),))
        value = model.baseline_.rolling(alone, np.zeros(len(rows), int), first + np.arange(len(rows)))
        return Behind(value, scale_of(totals[:, 0], totals[:, 1])[:, None])

    def _taken(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All rows that are held, filled, with the new ones; and the totals behind each new one."""
        season, reach = self.model.season_, self.model.reach
        whole = np.concatenate([self.rows, rows])
        filled = filled_forward(np.concatenate([self.filled, rows]), self.model.apart)
        apart = np.abs(whole[reach:] - whole[reach - season : len(whole) - season])[:, self.targets]
        pairs = np.stack([np.nan_to_num(apart), np.isfinite(apart)], 1)
        totals = np.concatenate([self.totals[None], pairs]).cumsum(0)[1:]
        self.rows, self.filled, self.totals = whole[-reach:], filled[-reach:].copy(), totals[-1]
        return filled, totals
