"""Forecasts of one's own series by any layer, in the units of the file.

A window of each series is brought to its own level and scale, so that levels and trends which training has
never seen are nothing new. A stack of layers reads it and adds to a simple forecast (`_base.py`): a mean, the
last value, the last season or a ridge regression. The last rows of each series are kept to choose by: which
simple forecast, and the step at which training stops. That is before the first step where layers have nothing
to add. Intervals come from the errors on those rows (`tables/conformal.py`).

The rows of a series are read in blocks. Level and scale are those of the `context` rows before a block, and
are the same for all forecasts in it; so forecasts that are made one row after another, from a state that is
carried on, are those that are made at once.
"""

import warnings
from collections.abc import Callable
from typing import Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.estimators._base import Base, Kind, better, error, fitted_line, fitted_smoothing
from wavetrain.estimators._fitted import FittedForecaster
from wavetrain.estimators._forecast import Columns, Forecast, made, network
from wavetrain.estimators._kept import layer_of
from wavetrain.estimators._learning import Course, Held, Look, Speed, learn, speed
from wavetrain.estimators._series_kept import digest_of, versions
from wavetrain.estimators._series_model import Given, check_rows
from wavetrain.tables import phases
from wavetrain.tables.ahead import doubtful, parted
from wavetrain.tables.panel import Panel, panel
from wavetrain.tables.seasons import season_before
from wavetrain.tables.split import held
from wavetrain.tables.windows import Place, Window, Windows, fitting_context
from wavetrain.train.generators import Shared, seed_of
from wavetrain.train.ranks import here

FITTED = 2000  # windows that a line is fitted to, and that are chosen by
LEAST = 64  # windows, however wide a table is
VALUES = 2**24  # that are read for it at once: fewer windows of wide tables


class Forecaster(FittedForecaster, BaseEstimator):
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

    def fit(self, y: Given, X: None = None) -> Self:
        """Learn from a panel, from (T,) or (T, C) numbers, or from a list of such arrays.

        Where columns are known ahead, rows at the end in which nothing to forecast was measured tell what is
        known of the rows to come.
        """
        return self.fit_told(y, lambda look: None)

    def fit_told(self, y: Given, tell: Callable[[Look], None]) -> Self:
        """`fit` that tells how the training stands at each look at the part to choose by."""
        self._begin(y)
        for doubt in doubtful(self.plain(self.panel_)):
            warnings.warn(doubt, stacklevel=3)
        with Shared(seed_of(self.random_state, "forecaster")).drawn():
            self._learn(self._windows(self.panel_), tell)
        return self

    def sizes(self, y: Given) -> Callable[[int], int]:
        """A function of the width: how many parameters `fit` would train for these series.

        >>> from wavetrain.estimators import Forecaster
        >>> size = Forecaster("elman", depth=1).sizes(np.arange(40.0))
        >>> size(4), size(8)
        (141, 473)
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
        train, valid = windows.places(last=self.ends_), self._valid(windows)
        return speed(self.network_, windows, train, valid, self.batch, here())

    def _begin(self, y: Given) -> None:
        """Check the series, and find what does not depend on the layer."""
        self.check()
        whole, ahead = parted(y if isinstance(y, Panel) else panel(y))
        check_rows(whole, self.horizon)
        first = whole.series[0].times
        self.digest_, self.versions_ = digest_of(whole), versions()
        self.cycles_ = phases.cycles(first) if self.phases and first is not None else ()
        whole = phases.added(whole, self.cycles_)
        ends, horizon = held(whole, self.horizon, self.valid), self.horizon
        self.season_ = self.season or season_before(whole, ends)
        shortest = min(ends)
        self.context_ = self.context or fitting_context(self.season_, horizon=horizon, shortest=shortest)
        origins = max(1, min(self.origins, shortest - horizon - self.context_))
        self.panel_, self.ends_, self.origins_ = whole, ends, origins
        self.ahead_, self.before_ = ahead, [0] * len(ends)

    def check(self) -> None:
        """Raise BadInput for settings that make no sense, before any row is read."""
        for name in ("horizon", "width", "depth", "batch", "origins", "context", "season"):
            got = getattr(self, name)
            if got is not None and got < 1:
                raise BadInput(f"Forecaster: expected {name} of at least 1, got {got}")
        if self.steps < 0:
            raise BadInput(f"Forecaster: expected steps of at least 0, got {self.steps}")
        if not 0 < self.rate <= 1:
            raise BadInput(f"Forecaster: expected a learning rate above 0, at most 1, got {self.rate}")
        if not 0 < self.valid < 1:
            raise BadInput(f"Forecaster: expected a share of rows to choose by, 0 to 1, got {self.valid}")
        layer_of(self.layer)

    def _learn(self, windows: Windows, tell: Callable[[Look], None]) -> None:
        generator = np.random.default_rng(seed_of(self.random_state, "windows"))
        train, valid = windows.places(last=self.ends_), self._valid(windows)
        if not len(train.row):
            raise BadInput(
                f"Forecaster: expected rows for a context of {self.context_} and a horizon of {self.horizon} "
                f"before the part to choose by, got {max(self.ends_)} rows"
            )
        each = self.origins_ * self.context_ * len(windows.targets)  # values that a line reads of a window
        some = generator.permutation(len(train.row))[: max(LEAST, min(FITTED, VALUES // each))]
        drawn = windows.at(Place(train.series[some], train.row[some]))
        self.base_ = self._chosen(drawn, windows.by(1), valid)
        self.network_ = self._network()
        course = Course(self.steps, self.batch, self.rate)
        together = here()
        with together.noise():
            self.history_ = learn(self.network_, windows, train, valid, course, generator, tell, together)
        ends = made(self.network_, windows, *valid)
        self.errors_ = ((ends.value - ends.wanted).abs() / ends.scale).numpy()

    def _valid(self, windows: Windows) -> Held:
        """The series and the first rows of the forecasts to choose by: all of them, or evenly many."""
        lasts = windows.lengths - self.horizon + 1
        rows = [np.arange(end, last) for end, last in zip(self.ends_, lasts, strict=True)]
        series = np.concatenate([np.full(len(one), place) for place, one in enumerate(rows)])
        most = max(LEAST, min(FITTED, VALUES // (self.context_ * len(windows.targets))))
        some = np.linspace(0, len(series) - 1, min(most, len(series))).round().astype(int)
        return Held(series[some], np.concatenate(rows)[some])

    def _chosen(self, train: Window, each: Windows, valid: Held) -> Base:
        """The base to start from; of the part to choose by each window makes one forecast.

        What learns nothing, or one number, is judged on all windows. A line learns from those of training,
        so it is judged on the others alone, and is taken if it errs less there by more than chance.
        """
        held = each.at(Place(*valid))
        plain = Base(Kind.LEVEL, self.context_, self.horizon, tuple(each.targets), self.season_)
        found = [plain, plain._replace(kind=Kind.LAST)]
        if 1 < self.season_ <= self.context_:
            found.append(plain._replace(kind=Kind.SEASON))
        if self.context_ == 1:
            return min(found, key=lambda base: error(base, train, held))
        found.append(fitted_smoothing(train, plain))
        simple = min(found, key=lambda base: error(base, train, held))
        line = fitted_line(train, held, plain, self.context_ - 1)
        return line if better(line, simple, held) else simple

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
