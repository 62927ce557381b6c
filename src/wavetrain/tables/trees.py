"""Boosted trees on lags: scikit-learn's gradient boosting on the same rows as ridge.

One model answers for all steps: which step it is, is one of its inputs, and the latest value of the step's
phase another. It forecasts how far a value will lie from the last one, in units of the window (`lags.py`),
because trees cannot go beyond what they have seen. How many trees there are is chosen by the last rows of the
panel, which come after all that is fitted to; then it is fitted again to all rows. scikit-learn's own early
stopping would draw its rows at random, so that windows on both sides overlap; it is off, whatever the size.

scikit-learn has no form for its trees in files but pickle; they are kept as arrays (`forest.py`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.baselines import Baseline, check
from wavetrain.tables.forest import Forest
from wavetrain.tables.lags import Lagged, lagged
from wavetrain.tables.panel import Panel
from wavetrain.tables.ridge import origins, together, usual

if TYPE_CHECKING:  # a kept model starts without scikit-learn
    from sklearn.ensemble import HistGradientBoostingRegressor

FITTED = 15_000  # values that are fitted to at most, of windows evenly spread
MOST = 100  # trees
RATE = 0.1
LEAVES = 15
BINS = 64  # of each input; their edges are most of the time of a fit with weights
TOGETHER = 1024  # windows that are forecast at once
SEEN = 1e-6  # the weight of a window whose values vary at all beside those of its series


@dataclass(frozen=True, eq=False, kw_only=True)
class Trees(Baseline):
    """The fitted trees.

    >>> from wavetrain.tables.panel import panel
    >>> from wavetrain.tables.trees import Trees
    >>> wave = panel(np.tile([0.0, 1.0, 5.0], 40))
    >>> Trees.fit(wave, horizon=3, season=3).forecast(wave).ravel().round(2).tolist()
    [0.0, 1.0, 5.0]
    """

    lags: int  # behind the last value
    model: "HistGradientBoostingRegressor | Forest"  # the second where it comes from a file

    name = "boosted trees on lags"

    @classmethod
    def fit(cls, panel: Panel, *, horizon: int, season: int = 1) -> Self:
        check(panel, horizon=horizon, season=season)
        lags = max(count for count in usual(panel, horizon=horizon, season=season) if count <= 64)
        plain = cls(horizon=horizon, season=season, lags=lags, model=_trees(MOST))
        most = max(1, FITTED // (horizon * len(panel.targets)))
        each = origins(panel, horizon=horizon, lags=lags, most=most)
        read = {
            name: plain._read(panel, *getattr(each, name))
            for name in each._fields
            if len(getattr(each, name)[0])
        }
        if "whole" not in read or not np.isfinite(read["whole"].wanted).any():
            raise BadInput(f"{cls.name}: expected rows of {horizon} steps to learn from, got none")
        if not _vary(read["whole"]):
            raise BadInput(
                f"{cls.name}: expected values that vary before the {horizon} to forecast, got none"
            )
        count = MOST // 2
        if "train" in read and "valid" in read and _vary(read["train"]):
            x, y, weigh = plain._rows(read["valid"])
            path = plain._learned(read["train"], MOST).staged_predict(x)
            count = 1 + int(np.argmin([np.mean(np.abs(one - y) * weigh) for one in path]))
        return cls(horizon=horizon, season=season, lags=lags, model=plain._learned(read["whole"], count))

    def to(self, horizon: int) -> Self:
        if horizon > self.horizon:
            raise BadInput(f"{self.name}: expected a horizon of at most {self.horizon}, got {horizon}")
        return type(self)(horizon=horizon, season=self.season, lags=self.lags, model=self.model)

    def rolling(self, panel: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        found = np.empty((len(rows), self.horizon, len(panel.targets)))
        most = together(panel, horizon=self.horizon, lags=self.lags * self.horizon, most=TOGETHER)
        for first in range(0, len(rows), most):
            part = slice(first, first + most)
            read = self._read(panel, series[part], rows[part])
            made = self.model.predict(self._inputs(read).reshape(-1, self._width(read)))
            found[part] = read.restored(made.reshape(read.wanted.shape))
        return found

    def _read(self, panel: Panel, series: np.ndarray, rows: np.ndarray) -> Lagged:
        return lagged(panel, series, rows, count=self.lags, horizon=self.horizon, season=self.season)

    def _width(self, read: Lagged) -> int:
        return self.lags + 3 + read.ahead.shape[-1]

    def _inputs(self, read: Lagged) -> np.ndarray:
        """Lags, step, target, phase and what is known: (windows, targets, horizon, lags + 3 + known)."""
        shape = read.wanted.shape
        lags = np.broadcast_to(read.lags[:, :, None], (*shape, self.lags))
        step = np.broadcast_to(np.arange(shape[2], dtype=float), shape)
        target = np.broadcast_to(np.arange(shape[1], dtype=float)[:, None], shape)
        known = np.broadcast_to(read.ahead[:, None], (*shape, read.ahead.shape[-1]))
        return np.concatenate([lags, np.stack([step, target, read.season], -1), known], -1)

    def _rows(self, read: Lagged) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inputs, answers and weights of all values that were measured."""
        there = np.isfinite(read.wanted)
        weigh = np.broadcast_to(read.weight[..., None], read.wanted.shape)
        return self._inputs(read)[there], read.wanted[there], weigh[there]

    def _learned(self, read: Lagged, count: int) -> "HistGradientBoostingRegressor":
        x, y, weigh = self._rows(read)
        x[:, np.isnan(x).all(0)] = 0.0  # scikit-learn wants a value in each; such a column tells nothing
        return _trees(count).fit(x, y, sample_weight=weigh**2)


def _vary(read: Lagged) -> bool:
    """Whether a window has a unit: in that of values all alike, any change is without bounds."""
    there = np.isfinite(read.wanted).any(-1)
    return bool((read.weight[there] > SEEN).any() or not np.nan_to_num(read.wanted).any())


def _trees(count: int) -> "HistGradientBoostingRegressor":
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=count,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        max_bins=BINS,
        early_stopping=False,
        random_state=0,
    )
