"""Ridge regression on lags: each step ahead is linear in the rows before, with weights of its own.

It forecasts how far a value will lie from the last one, in units of the window (`lags.py`), so a trend goes
on and a new level is nothing new. All series share the weights. How many lags are read and how much large
weights cost is chosen by the last rows of the panel, which come after all that is fitted to; then it is
fitted again to all rows.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.baselines import Baseline, check
from wavetrain.tables.lags import Lagged, lagged
from wavetrain.tables.least_squares import ridge
from wavetrain.tables.panel import Panel

ALPHAS = (1e-10, *(10.0**power for power in range(-6, 3)))  # per row, for columns of unit scale
FITTED = 20_000  # rows that are fitted to at most, evenly spread
VALUES = 2**25  # that are read at once: fewer rows of wide tables
SHARE = 0.2  # of the rows of each series, to choose by
LONGEST = 512  # lags, as many as a forecaster reads by itself
TOGETHER = 4096  # windows that are forecast at once


class Origins(NamedTuple):
    """First rows of forecasts: before and in the part to choose by."""

    train: tuple[np.ndarray, np.ndarray]  # series and rows
    valid: tuple[np.ndarray, np.ndarray]
    whole: tuple[np.ndarray, np.ndarray]  # both, and the windows that lie across


def together(panel: Panel, *, horizon: int, lags: int, most: int) -> int:
    """How many windows of a panel may be read at once."""
    return max(1, min(most, VALUES // (len(panel.targets) * (lags + 1 + horizon))))


def origins(panel: Panel, *, horizon: int, lags: int, most: int = FITTED) -> Origins:
    """Windows in time: no value that is forecast in `valid` is read in `train`."""
    most = together(panel, horizon=horizon, lags=lags, most=most)
    parts: list[list[np.ndarray]] = [[], [], []]
    for one in panel.series:
        length = len(one)
        end = length - max(horizon, round(SHARE * length))
        first = min(lags + 1, max(1, (end - horizon) // 2))
        parts[0].append(np.arange(first, end - horizon + 1))
        parts[1].append(np.arange(max(end, first), length - horizon + 1))
        parts[2].append(np.arange(first, length - horizon + 1))
    return Origins(*(_spread(part, most) for part in parts))


def _spread(rows: list[np.ndarray], most: int) -> tuple[np.ndarray, np.ndarray]:
    series = np.concatenate([np.full(len(one), place) for place, one in enumerate(rows)])
    some = np.linspace(0, len(series) - 1, min(most, len(series))).round().astype(int)
    return series[some], np.concatenate(rows)[some]


@dataclass(frozen=True, eq=False, kw_only=True)
class Ridge(Baseline):
    """The fitted regression.

    >>> from wavetrain.tables.panel import panel
    >>> from wavetrain.tables.ridge import Ridge
    >>> line = panel(np.arange(40.0))
    >>> Ridge.fit(line, horizon=3).forecast(line).ravel().round(6).tolist()
    [40.0, 41.0, 42.0]
    """

    lags: int  # behind the last value
    alpha: float
    weights: np.ndarray  # (horizon, lags + known + 1), the constant last
    centre: np.ndarray  # (known,) means of the columns known ahead
    spread: np.ndarray  # (known,) their deviations

    name = "ridge on lags"

    @classmethod
    def fit(
        cls,
        panel: Panel,
        *,
        horizon: int,
        season: int = 1,
        lags: tuple[int, ...] = (),
        alphas: tuple[float, ...] = ALPHAS,
    ) -> Self:
        """Learn from all rows of a panel, and choose among `lags` and `alphas` by the last of them."""
        check(panel, horizon=horizon, season=season)
        rows = np.concatenate([one.values[:, panel.places(panel.known)] for one in panel.series])
        centre, spread = _measures(rows)
        choices = lags or usual(panel, horizon=horizon, season=season)
        plain = cls(
            horizon=horizon,
            season=season,
            lags=choices[-1],
            alpha=alphas[0],
            weights=np.zeros((horizon, 0)),
            centre=centre,
            spread=spread,
        )
        found = []
        for count in choices if len(choices) * len(alphas) > 1 else ():
            each = origins(panel, horizon=horizon, lags=count)
            if not len(each.train[0]) or not len(each.valid[0]):
                continue
            train, valid = (plain._read(panel, *part, count) for part in each[:2])
            for alpha, weights in zip(alphas, plain._solved(train, alphas), strict=True):
                found.append((plain._error(valid, weights), count, alpha))
        _, count, alpha = min(found) if found else (0.0, choices[0], alphas[0])
        whole = plain._read(panel, *origins(panel, horizon=horizon, lags=count).whole, count)
        (weights,) = plain._solved(whole, (alpha,))
        return cls(
            horizon=horizon,
            season=season,
            lags=count,
            alpha=alpha,
            weights=weights,
            centre=centre,
            spread=spread,
        )

    def to(self, horizon: int) -> Self:
        if horizon > self.horizon:
            raise BadInput(f"{self.name}: expected a horizon of at most {self.horizon}, got {horizon}")
        return type(self)(
            horizon=horizon,
            season=self.season,
            lags=self.lags,
            alpha=self.alpha,
            weights=self.weights[:horizon],
            centre=self.centre,
            spread=self.spread,
        )

    def rolling(self, panel: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        found = np.empty((len(rows), self.horizon, len(panel.targets)))
        most = together(panel, horizon=self.horizon, lags=self.lags, most=TOGETHER)
        for first in range(0, len(rows), most):
            part = slice(first, first + most)
            read = self._read(panel, series[part], rows[part], self.lags)
            found[part] = read.restored(self._made(read, self.weights))
        return found

    def _read(self, panel: Panel, series: np.ndarray, rows: np.ndarray, lags: int) -> Lagged:
        return lagged(panel, series, rows, count=lags, horizon=self.horizon, season=self.season)

    def _inputs(self, read: Lagged, step: int) -> np.ndarray:
        """What is read for a step, (windows, targets, lags + known + 1)."""
        known = np.nan_to_num((read.ahead[:, step] - self.centre) / self.spread)
        known = np.broadcast_to(known[:, None], (*read.last.shape, known.shape[1]))
        whole = np.concatenate([read.lags, known, np.ones((*read.last.shape, 1))], -1)
        whole[np.isnan(whole)] = 0.0
        return whole

    def _made(self, read: Lagged, weights: np.ndarray) -> np.ndarray:
        """Forecasts (windows, targets, horizon) in units of the windows."""
        return np.stack([self._inputs(read, step) @ one for step, one in enumerate(weights)], -1)

    def _solved(self, read: Lagged, alphas: tuple[float, ...]) -> list[np.ndarray]:
        """Weights (horizon, inputs) for each alpha, by least squares over what was measured."""
        same = not len(self.centre) and np.isfinite(read.wanted).all()  # what all steps read
        if same and read.wanted.size:
            weigh = read.weight.reshape(-1, 1)
            x = self._inputs(read, 0).reshape(len(weigh), -1)
            x *= weigh
            whole = ridge(x, read.wanted.reshape(len(weigh), -1) * weigh, alphas)
            return [np.ascontiguousarray(one.T) for one in whole]  # as they are kept in files
        found = np.empty((len(alphas), self.horizon, read.lags.shape[-1] + len(self.centre) + 1))
        for step in range(self.horizon):
            there = np.isfinite(read.wanted[..., step])
            if not there.any():
                raise BadInput(
                    f"ridge on lags: expected rows of {self.horizon} steps to learn from, got none"
                )
            weigh = read.weight[there][:, None]
            x, y = self._inputs(read, step)[there] * weigh, read.wanted[..., step][there][:, None] * weigh
            found[:, step] = ridge(x, y, alphas)[..., 0]
        return list(found)

    def _error(self, read: Lagged, weights: np.ndarray) -> float:
        apart = np.abs(self._made(read, weights) - read.wanted) * read.weight[..., None]
        return float(np.nanmean(apart)) if np.isfinite(apart).any() else np.inf


def usual(panel: Panel, *, horizon: int, season: int) -> tuple[int, ...]:
    """How many lags there may be: a few, one season and two, as far as the rows go."""
    longest = max(len(one) for one in panel.series)
    most = max(1, min(LONGEST, (longest - horizon) // 3))
    wanted = (2, 8, season, 2 * season, 32 if season < 16 else 3 * season)
    return tuple(sorted({min(count, most) for count in wanted}))


def _measures(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of columns (T, columns); 0 and 1 where they tell nothing."""
    there = np.isfinite(rows)
    count = np.maximum(there.sum(0), 1)
    mean = np.where(there, rows, 0.0).sum(0) / count
    deviation = np.sqrt((np.where(there, rows - mean, 0.0) ** 2).sum(0) / count)
    return mean, np.where(deviation > 0, deviation, 1.0)
