"""A simple forecast that is used like a forecaster: with intervals, in a folder, and row by row.

It is fitted twice. Once to the rows before the validation part, which it then forecasts: its errors there
make the intervals. And once to all rows, with which it forecasts from then on.

Errors count in units of the scale of their series, that of MASE: how far rows a season apart differ. So
series of any level tell of each other. Where a series has no scale, errors count as they are.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.estimators import _baseline_kept
from wavetrain.estimators._card import season
from wavetrain.estimators._series_model import Behind, SeriesModel, Widths
from wavetrain.tables import kept
from wavetrain.tables.baselines import Baseline, SeasonalNaive
from wavetrain.tables.metrics import mean_of, seasonal_totals
from wavetrain.tables.panel import Panel
from wavetrain.tables.ridge import Ridge
from wavetrain.tables.trees import Trees

if TYPE_CHECKING:
    from wavetrain.estimators._baseline_stream import BaselineStream


class FittedBaseline(SeriesModel):
    """A baseline, the rows that it learned from, and the errors behind its intervals."""

    baseline: str
    baseline_: Baseline  # fitted to all rows
    errors_: np.ndarray  # (forecasts, horizon, targets) on the validation part, in the units of the file
    scales_: np.ndarray  # (forecasts, 1, targets) of the series of each
    totals_: np.ndarray  # (series, 2, targets) behind the scale: of rows that were left out, and their pairs
    cycles_: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        return self.baseline_.name

    @property
    def reach(self) -> int:
        """Rows before a forecast that are read, once what is missing is filled."""
        lags = self.baseline_.lags + 1 if isinstance(self.baseline_, Ridge | Trees) else 1
        return max(lags, self.season_)

    @property
    def apart(self) -> int:
        """What is missing is filled by the last row that lies a multiple of this before."""
        return self.season_ if isinstance(self.baseline_, SeasonalNaive) else 1

    def widths(self, coverage: float) -> Widths:
        return Widths.of(self.errors_, self.scales_, coverage)

    def stream(self, series: str | None = None) -> "BaselineStream":
        from wavetrain.estimators._baseline_stream import BaselineStream

        self._check_fitted()
        stream = BaselineStream(self)
        if series is not None:
            place = self._place(series)
            stream.totals = self.totals_[place].copy()
            stream.go_on(self.panel_.series[place], self.before_[place])
        return stream

    def save(self, folder: str | Path, *, rows: bool = True) -> None:
        self._check_fitted()
        _baseline_kept.save(self, Path(folder), rows)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """What `save` wrote; nothing is unpickled."""
        return _baseline_kept.load(cls, Path(folder))

    def weights(self) -> dict[str, np.ndarray]:
        return kept.parts(self.baseline_)[1]

    @property
    def _where(self) -> str:
        return "before"

    def described(self) -> dict[str, dict[str, str]]:
        scaled = np.abs(self.errors_ / self.scales_)
        errors = {
            f"MASE of {name}": f"{np.nanmean(scaled[..., place]):.4g}"
            for place, name in enumerate(self.panel_.targets)
            if np.isfinite(scaled[..., place]).any()
        }
        lags = {"lags": str(self.baseline_.lags)} if isinstance(self.baseline_, Ridge | Trees) else {}
        return {
            "Model": {
                "a baseline": self.called,
                **lags,
                "season": season(self.season_),
                "horizon": f"{self.horizon} rows",
            },
            "Validation": {
                "forecasts": f"{len(self.errors_):,}, of the last rows of each series",
                **errors,
                "fitted": "to the rows before them for these errors, and then again to all rows",
            },
        }

    def _check_fitted(self) -> None:
        if not hasattr(self, "baseline_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("BaselineForecaster: expected `fit` first")

    def _behind(self, whole: Panel, series: np.ndarray, rows: np.ndarray, *, learned: bool = False) -> Behind:
        value = self.baseline_.rolling(whole, series, rows)
        scale, targets = np.full((len(rows), value.shape[2]), np.nan), whole.places(whole.targets)
        for place in np.unique(series):
            values, mine = whole.series[place].values[:, targets], series == place
            before = (self.totals_[place, 0], self.totals_[place, 1]) if learned else None
            scale[mine] = scale_of(*seasonal_totals(values, rows[mine], season=self.season_, before=before))
        return Behind(value, scale[:, None])

    def unmeasured(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        found, places = np.zeros((len(rows), len(whole.targets)), bool), whole.places(whole.targets)
        for place in np.unique(series):
            known = np.isfinite(whole.series[place].values[:, places]).cumsum(0)
            found[series == place] = known[rows[series == place] - 1] == 0
        return found

    def _place(self, series: str) -> int:
        names = [one.name for one in self.panel_.series]
        if series not in names:
            raise BadInput(f"expected a series that was learned from, got {series!r}")
        return names.index(series)


def scale_of(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The scale of errors from totals and counts; NaN where a series has none."""
    scale = mean_of(total, count)
    return np.where(scale > 0, scale, np.nan)
