"""What can be done with anything that has learned to forecast series: a network, or a baseline.

It needs no scikit-learn, so a kept model starts quickly.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables import phases
from wavetrain.tables.ahead import Ahead, later, parted
from wavetrain.tables.clock import Clock
from wavetrain.tables.conformal import half_width
from wavetrain.tables.panel import Panel, Series, panel

if TYPE_CHECKING:
    from wavetrain.estimators._series_stream import SeriesStream

Given = Panel | np.ndarray | Sequence[Any]


class Behind(NamedTuple):
    """Forecasts, each behind some row, in the units of the file."""

    value: np.ndarray  # (rows, horizon, targets)
    scale: np.ndarray  # (rows, 1, targets) of errors, by what was known then; NaN where there is none


class Widths(NamedTuple):
    """Half-widths of intervals, (horizon, targets)."""

    scaled: np.ndarray  # in scales
    plain: np.ndarray  # in the units of the file, for what has no scale

    @classmethod
    def of(cls, errors: np.ndarray, scale: np.ndarray, coverage: float) -> Self:
        """From absolute errors (n, horizon, targets), and the scale (n, 1, targets) of each."""
        return cls(half_width(errors / scale, coverage), half_width(errors, coverage))

    def at(self, scale: np.ndarray) -> np.ndarray:
        """Of forecasts with a scale (rows, 1, targets)."""
        return np.where(np.isnan(scale), self.plain, self.scaled * scale)


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


class SeriesModel(ABC):
    """What forecasts series, with the rows that it learned from."""

    horizon: int
    panel_: Panel  # what was learned from, with the phases of its times
    ahead_: Ahead  # what is known ahead of it
    before_: list[int]  # rows of each series that were left out before those of the panel
    cycles_: tuple[str, ...]
    season_: int
    context_: int  # rows before the first forecast of a series that is scored
    digest_: str  # of the rows that were learned from
    versions_: dict[str, str]  # of what it was made with

    @property
    @abstractmethod
    def called(self) -> str:
        """What it is, in a word or two."""

    @abstractmethod
    def widths(self, coverage: float) -> Widths:
        """The intervals, by the errors on the validation part."""

    @abstractmethod
    def save(self, folder: str | Path, *, rows: bool = True) -> None:
        """Write all that is needed to go on; without `rows`, no row that was learned from is in it."""

    @abstractmethod
    def stream(self, series: str | None = None) -> "SeriesStream":
        """Row by row, in constant memory: equal to `predict` on all rows so far.

        It goes on behind the rows of `series` that were learned from; without a name, it is a new series.
        """

    @abstractmethod
    def weights(self) -> dict[str, np.ndarray]:
        """All numbers that were learned, by name."""

    @property
    @abstractmethod
    def _where(self) -> str:
        """Which rows a forecast is made from, in words."""

    @abstractmethod
    def described(self) -> dict[str, dict[str, str]]:
        """What it is and how well it does, by headings of its card."""

    @abstractmethod
    def _check_fitted(self) -> None:
        """Raise where there was no `fit`."""

    @abstractmethod
    def _behind(self, whole: Panel, series: np.ndarray, rows: np.ndarray, *, learned: bool = False) -> Behind:
        """Forecasts of which `rows` (N,) of `series` (N,) come first, in a panel that holds them all.

        The panel may be the one that was `learned` from, whose first rows were left out.
        """

    @abstractmethod
    def unmeasured(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Which of these forecasts of targets there are not, (N, targets): nothing was measured lately."""

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
        widths = self.widths(coverage)
        longer = self._longer(whole, told)
        here = self._behind(longer, np.arange(len(rows)), rows, learned=y is None)
        width = widths.at(here.scale)
        nothing = self.unmeasured(whole, np.arange(len(rows)), rows)
        value = np.where(nothing[:, None], np.nan, here.value)
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
        return self._rolled(whole, series, rows).value

    def intervals(
        self, whole: Panel, series: np.ndarray, rows: np.ndarray, *, coverage: float = 0.9
    ) -> tuple[np.ndarray, np.ndarray]:
        """The lower and upper ends of the intervals around `rolling`."""
        here = self._rolled(whole, series, rows)
        width = self.widths(coverage).at(here.scale)
        return here.value - width, here.value + width

    def plain(self, whole: Panel) -> Panel:
        """A panel without the phases that were added to it."""
        return phases.without(whole, self.cycles_)

    def _rolled(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> Behind:
        self._check_fitted()
        whole, rows = self._near(whole, series, rows)
        here = self._behind(self._longer(self._same(whole), None), series, rows)
        nothing = self.unmeasured(whole, series, rows)[:, None]
        return here._replace(value=np.where(nothing, np.nan, here.value))

    def _near(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> tuple[Panel, np.ndarray]:
        """What these forecasts read, and where they lie in it; all of it where nothing can be left out."""
        return whole, rows

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
            f"{f'series {one.name!r}: ' if one.name else ''}nothing of {name} was measured {self._where}, so "
            "it has no forecast"
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


def check_rows(whole: Panel, horizon: int) -> None:
    """Raise for series from which nothing can be learned."""
    least, places = 2 * horizon + 2, whole.places(whole.targets)
    for one in whole.series:
        if len(one) < least:
            raise BadInput(
                f"series {one.name!r}: expected at least {least} rows for a horizon of {horizon}, "
                f"got {len(one)}"
            )
        if np.isnan(one.values[:, places]).all(0).any():
            raise BadInput(f"series {one.name!r}: a column to forecast holds no number")
