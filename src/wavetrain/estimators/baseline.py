"""A simple forecast of one's own series, with intervals, kept and used like that of a network."""

import warnings
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator

from wavetrain.errors import BadInput, unknown
from wavetrain.estimators._baseline import FittedBaseline
from wavetrain.estimators._series_kept import digest_of, versions
from wavetrain.estimators._series_model import Given, check_rows
from wavetrain.tables import rolling
from wavetrain.tables.ahead import doubtful, parted
from wavetrain.tables.kept import NAMES
from wavetrain.tables.panel import Panel, panel
from wavetrain.tables.rolling import Rolled, enough
from wavetrain.tables.seasons import season_before
from wavetrain.tables.split import held, until
from wavetrain.tables.windows import fitting_context


class BaselineForecaster(FittedBaseline, BaseEstimator):
    """The last value, the last season, a ridge regression on lags, or boosted trees on lags.

    `baseline` is last_value, seasonal_naive, ridge or boosted_trees. `season` is found in the training part
    where it is not given. `valid` is the share of rows, the last ones of each series, whose errors make the
    intervals. `context` rows come before the first forecast that is scored. Trailing underscores mark what
    `fit` finds.

    >>> from wavetrain.estimators import BaselineForecaster
    >>> model = BaselineForecaster("ridge", horizon=3).fit(np.arange(80.0))
    >>> model.predict().value.ravel().round(3).tolist(), model.season_
    ([80.0, 81.0, 82.0], 1)
    """

    def __init__(
        self,
        baseline: str = "ridge",
        *,
        horizon: int = 1,
        context: int | None = None,
        season: int | None = None,
        valid: float = 0.15,
    ):
        self.baseline, self.horizon, self.context = baseline, horizon, context
        self.season, self.valid = season, valid

    def fit(self, y: Given, X: None = None) -> Self:
        """Learn from a panel, from (T,) or (T, C) numbers, or from a list of such arrays."""
        self.check()
        whole, ahead = parted(y if isinstance(y, Panel) else panel(y))
        check_rows(whole, self.horizon)
        for doubt in doubtful(whole):
            warnings.warn(doubt, stacklevel=2)
        kind, ends = NAMES[self.baseline], held(whole, self.horizon, self.valid)
        self.season_ = self.season or season_before(whole, ends)
        context = fitting_context(self.season_, horizon=self.horizon, shortest=min(ends))
        self.context_ = self.context or context
        asked = {"horizon": self.horizon, "season": self.season_}
        early = kind.fit(until(whole, ends), **asked)
        most = enough(horizon=self.horizon, targets=len(whole.targets))
        self.valid_: Rolled = rolling.evaluate(
            early.rolling, whole, ends, self.horizon, season=self.season_, most=most
        )
        self.baseline_ = kind.fit(whole, **asked)
        scale = self.valid_.scale[:, None]
        self.errors_ = np.abs(self.valid_.truth - self.valid_.forecast)
        self.scales_ = np.where(scale > 0, scale, np.nan)
        self.totals_ = np.zeros((len(whole.series), 2, len(whole.targets)))
        self.panel_, self.ahead_, self.before_ = whole, ahead, [0] * len(ends)
        self.digest_, self.versions_ = digest_of(whole), versions()
        return self

    def check(self) -> None:
        """Raise BadInput for settings that make no sense, before any row is read."""
        if self.baseline not in NAMES:
            raise unknown("baseline", self.baseline, NAMES)
        for name in ("horizon", "context", "season"):
            got = getattr(self, name)
            if got is not None and got < 1:
                raise BadInput(f"BaselineForecaster: expected {name} of at least 1, got {got}")
        if not 0 < self.valid < 1:
            raise BadInput(
                f"BaselineForecaster: expected a share of rows to choose by, 0 to 1, got {self.valid}"
            )
