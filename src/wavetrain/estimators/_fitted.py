"""What a forecaster can do once it is fitted. It needs no scikit-learn, so a kept model starts quickly."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from torch import Tensor, from_numpy, nan

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.estimators import _kept
from wavetrain.estimators._base import Base
from wavetrain.estimators._forecast import Forecast, Made, made
from wavetrain.tables import phases
from wavetrain.tables.ahead import Ahead, later, parted
from wavetrain.tables.clock import Clock
from wavetrain.tables.conformal import half_width
from wavetrain.tables.panel import Panel, Series, panel
from wavetrain.tables.windows import Place, Windows, unmeasured

if TYPE_CHECKING:
    from wavetrain.estimators._stream import ForecastStream

Given = Panel | np.ndarray | Sequence[Any]


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
    said: tuple[str, ...] = ()  # what was taken for granted, in words


class FittedForecaster:
    """A network that forecasts, the rows that it learned from, and the errors behind its intervals."""

    layer: str | type[Layer]
    horizon: int
    width: int
    depth: int
    panel_: Panel  # what was learned from, with the phases of its times
    ahead_: Ahead  # what is known ahead of it
    before_: list[int]  # rows of each series that were left out before those of the panel
    cycles_: tuple[str, ...]
    season_: int
    context_: int
    origins_: int
    base_: Base
    network_: Forecast
    errors_: np.ndarray  # (forecasts, horizon, targets) on the validation part, in scales of their contexts
    history_: list[tuple[int, float]]
    ends_: list[int]
    digest_: str  # of the rows that were learned from
    versions_: dict[str, str]  # of what it was made with

    def predict(
        self, y: Given | None = None, *, ahead: Ahead | Panel | None = None, coverage: float = 0.9
    ) -> Forecasts:
        """The rows that follow each series: of those that were learned from, or of others.

        What is known ahead of the horizon is given by `ahead`: a panel of later rows, or arrays (horizon,
        columns known ahead), one for each series. Where columns are known ahead, rows at the end of `y` in
        which nothing to forecast was measured count so, too. What is not given counts as its mean in
        training, and `Forecasts.said` tells that it did.
        """
        self._check_fitted()
        whole, told = (self.panel_, self.ahead_) if y is None else self._split(y)
        if ahead is not None:
            told = later(self.plain(whole), ahead, self.horizon)
        rows = np.array([len(one) for one in whole.series])
        if not rows.all():
            raise BadInput("expected at least one row of each series; were they left out of the folder?")
        here = made(self.network_, self._windows(self._longer(whole, told)), np.arange(len(rows)), rows)
        width = half_width(self.errors_, coverage) * here.scale.numpy()
        value = here.value.numpy()
        nothing = self.unmeasured(whole, np.arange(len(rows)), rows)
        value = np.where(nothing[:, None], np.nan, value)
        before = self.before_ if y is None else [0] * len(rows)
        return Forecasts(
            tuple(one.name for one in whole.series),
            whole.targets,
            value,
            value - width,
            value + width,
            tuple(self._told(whole, one, count) for one, count in zip(whole.series, before, strict=True)),
            (*self._said(whole, told), *self._hollow(whole, nothing)),
        )

    def rolling(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Forecasts made one after another: of `series` (N,), whose first rows are `rows` (N,).

        Returns (N, horizon, targets). Each reads the rows before its own, and of later ones what is known
        ahead.
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

    def unmeasured(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Which of these forecasts of targets there are not, (N, targets): nothing was measured lately."""
        return unmeasured(whole, series, rows, context=self.context_, origins=self.origins_)

    def inputs(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> Tensor:
        """What the stack reads, (N, rows, inputs), in windows whose first forecasts begin at `rows` (N,)."""
        self._check_fitted()
        return self.network_.inputs(self._windows(self._same(whole)).at(Place(series, rows)))

    def stream(self, series: str | None = None) -> "ForecastStream":
        """Row by row, in constant memory: equal to `predict` on all rows so far.

        It goes on behind the rows of `series` that were learned from; without a name, it is a new series.
        """
        from wavetrain.estimators._stream import ForecastStream

        self._check_fitted()
        stream = ForecastStream(self)
        if series is not None:
            names = [one.name for one in self.panel_.series]
            if series not in names:
                raise BadInput(f"expected a series that was learned from, got {series!r}")
            place = names.index(series)
            stream.go_on(self.panel_.series[place], self.before_[place])
        return stream

    def save(self, folder: str | Path, *, rows: bool = True) -> None:
        """Write all that is needed to go on; without `rows`, no row that was learned from is in it."""
        self._check_fitted()
        _kept.save(self, Path(folder), rows)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """What `save` wrote; nothing is unpickled."""
        return _kept.load(cls, Path(folder))

    def plain(self, whole: Panel) -> Panel:
        """A panel without the phases that were added to it."""
        return phases.without(whole, self.cycles_)

    def _check_fitted(self) -> None:
        if not hasattr(self, "network_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("Forecaster: expected `fit` first")

    def _rolled(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> Made:
        here = made(self.network_, self._windows(self._longer(self._same(whole), None)), series, rows)
        nothing = from_numpy(self.unmeasured(whole, series, rows))[:, None]
        return here._replace(value=here.value.masked_fill(nothing, nan))

    def _split(self, y: Given) -> tuple[Panel, Ahead]:
        """New series, and what is known ahead of them."""
        whole, ahead = parted(y if isinstance(y, Panel) else panel(y))
        return self._same(whole), ahead

    def _same(self, y: Given) -> Panel:
        """New series, with the columns of those that were learned from."""
        whole = y if isinstance(y, Panel) else panel(y)
        if self.cycles_ and any(one.times is None for one in whole.series):
            raise BadInput("expected series with times, as in training; got rows without")
        whole = phases.added(whole, self.cycles_)
        if whole.columns != self.panel_.columns:
            mine, others = self.plain(self.panel_).columns, self.plain(whole).columns
            raise BadInput(f"expected the columns {', '.join(mine)}; got {', '.join(others)}")
        return whole

    def _windows(self, whole: Panel, origins: int | None = None) -> Windows:
        return Windows(
            whole,
            context=self.context_,
            origins=origins or self.origins_,
            horizon=self.horizon,
            until=self.ends_ if whole is self.panel_ else None,
        )

    def _longer(self, whole: Panel, ahead: Ahead | None) -> Panel:
        """With the rows to forecast, of which what is known ahead is told."""
        series = []
        known = self.plain(whole).known
        for place, one in enumerate(whole.series):
            values = np.full((self.horizon, len(whole.columns)), np.nan)
            if ahead is not None and known:
                given = ahead[place][: self.horizon]
                values[: len(given), whole.places(known)] = given
            times = None
            if one.times is not None:
                after = _clock(whole, self.panel_).after(int(one.times[-1]), self.horizon)
                times = np.concatenate([one.times, after])
                count = 2 * len(self.cycles_)
                values[:, values.shape[1] - count :] = phases.columns(after, self.cycles_)
            series.append(Series(name=one.name, values=np.concatenate([one.values, values]), times=times))
        return replace(whole, series=tuple(series))

    def _told(self, whole: Panel, one: Series, before: int) -> tuple[str, ...]:
        if one.times is None:
            return tuple(str(before + len(one) + step) for step in range(self.horizon))
        clock = _clock(whole, self.panel_)
        return tuple(clock.told(clock.after(int(one.times[-1]), self.horizon)))

    def _hollow(self, whole: Panel, nothing: np.ndarray) -> tuple[str, ...]:
        """Series that have no forecast."""
        return tuple(
            f"{f'series {one.name!r}: ' if one.name else ''}nothing of {name} was measured in the last "
            f"{self.context_} rows, so it has no forecast"
            for one, empty in zip(whole.series, nothing, strict=True)
            for name, there in zip(whole.targets, empty, strict=True)
            if there
        )

    def _said(self, whole: Panel, ahead: Ahead) -> tuple[str, ...]:
        """What is known ahead and was not given."""
        known = self.plain(whole).known
        there = np.zeros(len(known), bool)
        for given in ahead:
            full = np.full((self.horizon, len(known)), np.nan)
            full[: len(given)] = given[: self.horizon]
            there |= np.isnan(full).any(0)
        names = [name for name, missing in zip(known, there, strict=True) if missing]
        return (not_given(names),) if names else ()


def not_given(names: Sequence[str]) -> str:
    """What is said of columns known ahead whose later values are not known."""
    one = len(names) == 1
    return (
        f"{', '.join(names)} {'is' if one else 'are'} known ahead, but not given for all rows to come: "
        f"{'its mean' if one else 'their means'} in training count{'s' * one} there"
    )


def _clock(whole: Panel, learned: Panel) -> Clock:
    """The clock of a panel; a panel of a single row has that of the rows that were learned from."""
    clock = whole.clock or learned.clock
    if clock is None:
        raise BadInput("expected the clock of a panel with times")
    return clock
