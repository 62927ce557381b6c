"""Forecasts made one after another over the last rows of a panel, the same windows for everyone.

    rows     ... first row | row after row, each the first of a forecast | the last whole forecast
    history  all rows before a forecast

Whatever forecasts is a function of the panel, the series (N,) and the first rows (N,), and gives
(N, horizon, targets): the method `rolling` of a baseline, or anything of the same form. It is fitted before,
to rows before the first one. What it may read of later rows are the columns known ahead alone.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables import metrics
from wavetrain.tables.panel import Panel
from wavetrain.tables.score import Score

MOST = 20_000  # windows that are scored, evenly spread
TOGETHER = 4096  # windows that are forecast at once

ENOUGH = 5000  # windows of each part that a comparison scores at most
VALUES = 2_000_000  # that it scores at most

Rolls = Callable[[Panel, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False, kw_only=True)
class Rolled:
    """Forecasts beside the truth, in the units of the panel."""

    names: tuple[str, ...]  # of the series
    targets: tuple[str, ...]
    season: int
    series: np.ndarray  # (N,) places in the panel
    rows: np.ndarray  # (N,) the first row of each forecast
    truth: np.ndarray  # (N, horizon, targets), NaN where nothing was measured
    forecast: np.ndarray  # (N, horizon, targets), NaN where there is none
    scale: np.ndarray  # (N, targets) the denominators of MASE, from the rows before each forecast

    @property
    def horizon(self) -> int:
        """Steps of a forecast."""
        return self.truth.shape[1]

    def mae(self) -> Score:
        """The mean absolute error."""
        return metrics.mae(truth=self.truth, forecast=self.forecast, series=self.series)

    def rmse(self) -> Score:
        """The root of the mean squared error."""
        return metrics.rmse(truth=self.truth, forecast=self.forecast, series=self.series)

    def mase(self) -> Score:
        """The mean absolute scaled error."""
        return metrics.mase(
            truth=self.truth,
            forecast=self.forecast,
            scale=self.scale,
            season=self.season,
            series=self.series,
        )

    def smape(self) -> Score:
        """The symmetric mean absolute percentage error."""
        return metrics.smape(truth=self.truth, forecast=self.forecast, series=self.series)

    def scores(self) -> tuple[Score, ...]:
        """All of these."""
        return self.mae(), self.rmse(), self.mase(), self.smape()


class Metric(enum.Enum):
    """What forecasts are ranked by; less is better."""

    MASE = "mase"
    MAE = "mae"
    RMSE = "rmse"
    SMAPE = "smape"

    def of(self, rolled: Rolled) -> Score:
        """The score of forecasts.

        >>> from wavetrain.tables.rolling import Metric
        >>> Metric("mae")
        <Metric.MAE: 'mae'>
        """
        scores = {
            Metric.MASE: rolled.mase,
            Metric.MAE: rolled.mae,
            Metric.RMSE: rolled.rmse,
            Metric.SMAPE: rolled.smape,
        }
        return scores[self]()


def origins(
    panel: Panel, first_rows: int | Sequence[int], horizon: int, *, apart: int = 1, most: int = MOST
) -> tuple[np.ndarray, np.ndarray]:
    """Series and first rows of all forecasts that lie inside, from `first_rows` on.

    One number stands for all series; one below 0 counts from the end of each.

    >>> from wavetrain.tables.panel import panel
    >>> from wavetrain.tables.rolling import origins
    >>> series, rows = origins(panel([np.zeros(6), np.zeros(9)]), -3, 2)
    >>> series.tolist(), rows.tolist()
    ([0, 0, 1, 1], [3, 4, 6, 7])
    """
    if horizon < 1 or apart < 1:
        raise BadInput(f"expected a horizon and rows apart of at least 1, got {horizon} and {apart}")
    firsts = [first_rows] * len(panel.series) if isinstance(first_rows, int) else list(first_rows)
    if len(firsts) != len(panel.series):
        raise BadInput(f"expected a first row for each of {len(panel.series)} series, got {len(firsts)}")
    series, rows = [], []
    for place, (one, first) in enumerate(zip(panel.series, firsts, strict=True)):
        here = first if first >= 0 else max(len(one) + first, 0)
        if here < 1:
            raise BadInput(f"series {one.name!r}: expected a row before the first forecast, got none")
        rows.append(np.arange(here, len(one) - horizon + 1, apart))
        series.append(np.full(len(rows[-1]), place))
    count = sum(map(len, rows))
    if not count:
        longest = max(len(one) - first for one, first in zip(panel.series, firsts, strict=True))
        raise BadInput(f"expected {horizon} rows to forecast behind a first row, got {longest} at most")
    some = np.linspace(0, count - 1, min(most, count)).round().astype(int)
    return np.concatenate(series)[some], np.concatenate(rows)[some]


def enough(*, horizon: int, targets: int) -> int:
    """How many windows of a part a comparison scores at most.

    >>> from wavetrain.tables.rolling import enough
    >>> enough(horizon=24, targets=1), enough(horizon=100, targets=100)
    (5000, 200)
    """
    return max(1, min(ENOUGH, VALUES // (horizon * targets)))


def evaluate(
    rolls: Rolls,
    panel: Panel,
    first_rows: int | Sequence[int],
    horizon: int,
    *,
    season: int = 1,
    apart: int = 1,
    most: int = MOST,
    together: int = TOGETHER,
) -> Rolled:
    """Forecast the rows from `first_rows` on. How many are made `together` changes no score.

    >>> from wavetrain.tables.baselines import LastValue
    >>> from wavetrain.tables.panel import panel
    >>> from wavetrain.tables.rolling import evaluate
    >>> print(evaluate(LastValue(horizon=2).rolling, panel(np.arange(9.0)), -4, 2).mase())
    MASE (season 1) 1.5 (3 windows of 1 series, 6 values)
    """
    series, rows = origins(panel, first_rows, horizon, apart=apart, most=most)
    targets = panel.places(panel.targets)
    wanted = (len(rows), horizon, len(targets))
    forecast = np.empty(wanted)
    for first in range(0, len(rows), together):
        part = slice(first, first + together)
        made = np.asarray(rolls(panel, series[part], rows[part]))
        if made.shape != forecast[part].shape:
            raise BadInput(f"expected forecasts {forecast[part].shape}, got {made.shape}")
        forecast[part] = made
    truth, scale = np.empty(wanted), np.empty((len(rows), len(targets)))
    for place, one in enumerate(panel.series):
        mine, values = series == place, one.values[:, targets]
        truth[mine] = values[rows[mine][:, None] + np.arange(horizon)]
        scale[mine] = metrics.seasonal_scales(values, rows[mine], season=season)
    return Rolled(
        names=tuple(one.name for one in panel.series),
        targets=panel.targets,
        season=season,
        series=series,
        rows=rows,
        truth=truth,
        forecast=forecast,
        scale=scale,
    )
