"""Forecasts of one's own series by any layer, in the units of the file.

A window of each series is brought to its own level and scale, so that levels and trends which training has
never seen are nothing new. A stack of layers reads it and adds to a simple forecast (`_base.py`): the last
value, the last season or a ridge regression, whichever errs least on the validation part. The last rows of
each series are that part: training stops where the error on it is least, before the first step if need be, so
that layers which have nothing to add add nothing. Intervals come from the errors there
(`tables/conformal.py`).

The rows of a series are read in blocks. Level and scale are those of the `context` rows before a block, and
are the same for all forecasts in it; so forecasts that are made one row after another, from a state that is
carried on, are those that are made at once.
"""
# Above 300 lines: one file, since an estimator is one object.

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.estimators import _kept
from wavetrain.estimators._base import Base, Kind, error, fitted_line
from wavetrain.estimators._forecast import Columns, Forecast, Made, made, network
from wavetrain.estimators._kept import layer_of
from wavetrain.estimators._learning import Course, Held, Speed, learn, speed
from wavetrain.estimators._stream import ForecastStream
from wavetrain.tables import phases
from wavetrain.tables.clock import Clock
from wavetrain.tables.conformal import half_width
from wavetrain.tables.panel import Panel, Series, panel
from wavetrain.tables.seasons import season_of
from wavetrain.tables.windows import Place, Window, Windows, anchors
from wavetrain.train.generators import Shared, seed_of

LONGEST = 512  # rows of a context that is chosen
FITTED = 2000  # windows that a line is fitted to


@dataclass(frozen=True, eq=False)
class Forecasts:
    """The next rows of each series.

    All arrays are (series, horizon, targets), in the units of the panel.
    """

    series: tuple[str, ...]
    targets: tuple[str, ...]
    value: np.ndarray
    low: np.ndarray  # of the interval
    high: np.ndarray
    times: tuple[
        tuple[str, ...], ...
    ]  # of each series, as its file writes them; row numbers where it has none


class Forecaster(BaseEstimator):
    """A stack of layers that forecasts the next `horizon` rows.

    `layer` is a name from `wavetrain list layers` or a class. `context` is the number of rows that a window
    begins with, by default two seasons and at least 32; `season` is found in the training part. `valid` is
    the share of rows that are kept to choose by. Trailing underscores mark what `fit` finds.

    >>> from wavetrain.estimators import Forecaster
    >>> wave = torch.sin(torch.arange(200) * 2 * torch.pi / 12).numpy()
    >>> model = Forecaster("gru", horizon=3, width=8, steps=20).fit(wave)
    >>> model.predict().value.shape, model.season_
    ((1, 3, 1), 12)
    """

    def __init__(
        self,
        layer: str | type[Layer] = "gru",
        *,
        horizon: int = 1,
        context: int | None = None,
        season: int | None = None,
        width: int = 32,
        depth: int = 2,
        steps: int = 300,
        batch: int = 32,
        rate: float = 3e-3,
        origins: int = 16,
        valid: float = 0.15,
        phases: bool = True,
        random_state: int = 0,
    ):
        self.layer, self.horizon, self.context, self.season = layer, horizon, context, season
        self.width, self.depth, self.steps, self.batch, self.rate = width, depth, steps, batch, rate
        self.origins, self.valid, self.phases, self.random_state = origins, valid, phases, random_state

    def fit(self, y: Panel | np.ndarray | Sequence[Any], X: None = None) -> Self:
        """Learn from a panel, from (T,) or (T, C) numbers, or from a list of such arrays."""
        self._begin(y)
        with Shared(seed_of(self.random_state, "forecaster")).drawn():
            self._learn(self._windows(self.panel_))
        return self

    def sizes(self, y: Panel | np.ndarray | Sequence[Any]) -> Callable[[int], int]:
        """A function of the width: how many parameters `fit` would train for these series.

        >>> from wavetrain.estimators import Forecaster
        >>> size = Forecaster("elman", depth=1).sizes(np.arange(40.0))
        >>> size(4), size(8)
        (105, 321)
        """
        plain = clone(self)
        plain._begin(y)
        places = tuple(plain.panel_.places(plain.panel_.targets))
        base, columns = Base(Kind.LEVEL, plain.context_, self.horizon, places), plain._columns()

        def size(width: int) -> int:
            with Shared(0).drawn():
                made = network(layer_of(self.layer), width, self.depth, base, columns)
            trained = (part for part in made.parameters() if part.requires_grad)
            return sum(part.numel() * (1 + part.is_complex()) for part in trained)

        return size

    def speed(self) -> Speed:
        """How long training takes on this machine, measured on what was learned from."""
        self._check_fitted()
        windows = self._windows(self.panel_)
        return speed(
            self.network_, windows, windows.places(last=self.ends_), self._valid(windows), self.batch
        )

    def _begin(self, y: Panel | np.ndarray | Sequence[Any]) -> None:
        """Check the series, and find what does not depend on the layer."""
        whole = y if isinstance(y, Panel) else panel(y)
        self._check(whole)
        self.asked_: dict[str, list[str]] = {}  # how a file was read, told by whoever read it
        first = whole.series[0].times
        self.cycles_ = phases.cycles(first) if self.phases and first is not None else ()
        whole = phases.added(whole, self.cycles_)
        ends = [len(one) - max(self.horizon, round(self.valid * len(one))) for one in whole.series]
        longest = int(np.argmax(ends))
        train = whole.series[longest].values[: ends[longest], whole.places(whole.targets)]
        self.season_ = self.season or season_of(train, whole.clock)
        shortest = min(ends)
        usual = min(max(2 * self.season_, 32), LONGEST)
        self.context_ = self.context or max(1, min(usual, shortest - self.horizon - 1))
        origins = max(1, min(self.origins, shortest - self.horizon - self.context_))
        self.panel_, self.ends_, self.origins_ = whole, ends, origins

    def predict(
        self, y: Panel | np.ndarray | Sequence[Any] | None = None, *, coverage: float = 0.9
    ) -> Forecasts:
        """The rows that follow each series: of those that were learned from, or of others."""
        self._check_fitted()
        whole = self.panel_ if y is None else self._same(y)
        rows = np.array([len(one) for one in whole.series])
        if not rows.all():
            raise BadInput("expected at least one row of each series; were they left out of the folder?")
        here = made(self.network_, self._windows(self._longer(whole)), np.arange(len(rows)), rows)
        width = half_width(self.errors_, coverage) * here.scale.numpy()
        value = here.value.numpy()
        return Forecasts(
            tuple(one.name for one in whole.series),
            whole.targets,
            value,
            value - width,
            value + width,
            tuple(self._told(whole, one) for one in whole.series),
        )

    def rolling(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Forecasts made one after another: of `series` (N,), whose first rows are `rows` (N,).

        Returns (N, horizon, targets). Each reads the rows before its own alone.
        """
        self._check_fitted()
        return self._rolled(whole, series, rows).value.numpy()

    def intervals(
        self, whole: Panel, series: np.ndarray, rows: np.ndarray, *, coverage: float = 0.9
    ) -> tuple[np.ndarray, np.ndarray]:
        """The lower and upper ends of the intervals around `rolling`."""
        self._check_fitted()
        here = self._rolled(whole, series, rows)
        width = half_width(self.errors_, coverage) * here.scale.numpy()
        return here.value.numpy() - width, here.value.numpy() + width

    def _rolled(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> Made:
        return made(self.network_, self._windows(self._longer(self._same(whole))), series, rows)

    def _same(self, y: Panel | np.ndarray | Sequence[Any]) -> Panel:
        """New series, with the columns of those that were learned from."""
        whole = phases.added(y if isinstance(y, Panel) else panel(y), self.cycles_)
        if whole.columns != self.panel_.columns:
            raise BadInput(
                f"expected the columns {', '.join(self.panel_.columns)}; got {', '.join(whole.columns)}"
            )
        return whole

    def stream(self) -> ForecastStream:
        """A new series, row by row: equal to `predict` on all rows so far, in constant memory."""
        self._check_fitted()
        return ForecastStream(self)

    def save(self, folder: str | Path, *, rows: bool = True) -> None:
        """Write all that is needed to go on; without `rows`, no row that was learned from is in it."""
        self._check_fitted()
        _kept.save(self, Path(folder), rows)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """What `save` wrote; nothing is unpickled."""
        return _kept.load(cls, Path(folder))

    def _check_fitted(self) -> None:
        if not hasattr(self, "network_"):
            raise NotFittedError("Forecaster: expected `fit` first")

    def _anchor(self, row: int) -> int:
        return int(anchors(np.array(row), self.context_, self.origins_))

    def _longer(self, whole: Panel) -> Panel:
        """With the rows to forecast, of which the phases are known."""
        series = []
        for one in whole.series:
            values = np.full((self.horizon, len(whole.columns)), np.nan)
            times = None
            if one.times is not None:
                later = _clock(whole).after(int(one.times[-1]), self.horizon)
                times = np.concatenate([one.times, later])
                count = 2 * len(self.cycles_)
                values[:, values.shape[1] - count :] = phases.columns(later, self.cycles_)
            series.append(Series(name=one.name, values=np.concatenate([one.values, values]), times=times))
        return replace(whole, series=tuple(series))

    def _told(self, whole: Panel, one: Series) -> tuple[str, ...]:
        if one.times is None:
            return tuple(str(len(one) + step) for step in range(self.horizon))
        return tuple(_clock(whole).told(_clock(whole).after(int(one.times[-1]), self.horizon)))

    def _check(self, whole: Panel) -> None:
        for name in ("horizon", "width", "depth", "batch", "origins"):
            if (got := getattr(self, name)) < 1:
                raise BadInput(f"Forecaster: expected {name} of at least 1, got {got}")
        if not 0 < self.valid < 1:
            raise BadInput(f"Forecaster: expected a share of rows to choose by, 0 to 1, got {self.valid}")
        for one in whole.series:
            least = 2 * self.horizon + 2
            if len(one) < least:
                raise BadInput(
                    f"series {one.name!r}: expected at least {least} rows for a horizon of {self.horizon}, "
                    f"got {len(one)}"
                )
            places = whole.places(whole.targets)
            if np.isnan(one.values[:, places]).all(0).any():
                raise BadInput(f"series {one.name!r}: a column to forecast holds no number")

    def _windows(self, whole: Panel, origins: int | None = None) -> Windows:
        return Windows(
            whole,
            context=self.context_,
            origins=origins or self.origins_,
            horizon=self.horizon,
            until=self.ends_ if whole is self.panel_ else None,
        )

    def _learn(self, windows: Windows) -> None:
        generator = np.random.default_rng(seed_of(self.random_state, "windows"))
        train, valid = windows.places(last=self.ends_), self._valid(windows)
        if not len(train.row):
            raise BadInput(
                f"Forecaster: expected rows for a context of {self.context_} and a horizon of {self.horizon} "
                f"before the part to choose by, got {max(self.ends_)} rows"
            )
        some = generator.permutation(len(train.row))[:FITTED]
        self.base_ = self._chosen(windows.at(Place(train.series[some], train.row[some])), valid)
        self.network_ = self._network()
        course = Course(self.steps, self.batch, self.rate)
        self.history_ = learn(self.network_, windows, train, valid, course, generator)
        here = made(self.network_, windows, *valid)
        self.errors_ = ((here.value - here.wanted).abs() / here.scale).numpy()

    def _valid(self, windows: Windows) -> Held:
        """The series and the first rows of the forecasts to choose by: all of them, or evenly many."""
        lasts = windows.lengths - self.horizon + 1
        rows = [np.arange(end, last) for end, last in zip(self.ends_, lasts, strict=True)]
        series = np.concatenate([np.full(len(one), place) for place, one in enumerate(rows)])
        some = np.linspace(0, len(series) - 1, min(FITTED, len(series))).round().astype(int)
        return Held(series[some], np.concatenate(rows)[some])

    def _chosen(self, train: Window, valid: Held) -> Base:
        """The base that errs least on the validation part."""
        each = self._windows(self.panel_, origins=1)
        held = each.at(Place(*valid))
        plain = Base(Kind.LEVEL, self.context_, self.horizon, tuple(each.targets), self.season_)
        found = [plain, plain._replace(kind=Kind.LAST)]
        if 1 < self.season_ <= self.context_:
            found.append(plain._replace(kind=Kind.SEASON))
        if self.context_ > 1:
            found.append(fitted_line(train, held, plain, self.context_ - 1))
        return min(found, key=lambda base: error(base, held))

    def _network(self) -> Forecast:
        return network(layer_of(self.layer), self.width, self.depth, self.base_, self._columns())

    def _columns(self) -> Columns:
        """What a network reads."""
        whole = self.panel_
        known = tuple(whole.places(whole.known))
        rows = np.concatenate([one.values[:end] for one, end in zip(whole.series, self.ends_, strict=True)])
        told = torch.from_numpy(rows[:, known])
        spread = ((told - told.nanmean(0)) ** 2).nanmean(0).sqrt()
        return Columns(
            len(whole.columns),
            known,
            told.nanmean(0),
            torch.where(spread > 0, spread, 1.0),
            bool(np.isnan(np.delete(rows, known, 1)).any()),
        )


def _clock(whole: Panel) -> Clock:
    if whole.clock is None:
        raise BadInput("expected the clock of a panel with times")
    return whole.clock
