"""What foresees the next row of a stream: a forecaster over any layer, or a plain rule.

Each gives a course for a new stream. A course takes rows and says what it had expected of each before it
came: nothing, NaN, in the warm-up.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, NamedTuple, Self

import numpy as np

from wavetrain import find
from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.estimators._base import Kind
from wavetrain.estimators._kept import name_of
from wavetrain.estimators.forecaster import Forecaster
from wavetrain.memories.temporal_memory import TemporalMemory
from wavetrain.tables.baselines import Baseline, LastValue, SeasonalNaive
from wavetrain.tables.lags import filled_forward
from wavetrain.tables.panel import Panel
from wavetrain.tables.ridge import Ridge

PLAIN: dict[str, type[Baseline]] = {
    "last_value": LastValue,
    "seasonal_naive": SeasonalNaive,
    "ridge": Ridge,
}


class Foreseen(NamedTuple):
    """What was expected of n rows."""

    expected: np.ndarray  # (n, targets)
    surprise: np.ndarray | None = None  # (n,) where it is measured otherwise than by the error


class Course(ABC):
    """One stream, row after row."""

    @abstractmethod
    def extend(self, rows: np.ndarray, times: np.ndarray | None) -> Foreseen:
        """Take in rows (n, columns) and their times (n,)."""


class Foresight(ABC):
    """What courses are begun from."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called in a table."""

    @abstractmethod
    def learn(self, panel: Panel) -> Self:
        """Learn from all rows of a panel."""

    @abstractmethod
    def begin(self) -> Course:
        """A course for a new stream."""

    def over(self, whole: Panel, place: int) -> Foreseen:
        """What is expected of all rows of a series: what a course says of them, made at once."""
        one = whole.series[place]
        return self.begin().extend(one.values, one.times)

    def study(self, whole: Panel, place: int) -> Foreseen:
        """The same, of a series that is learned from."""
        return self.over(whole, place)


class Forecasts(Foresight):
    """One step ahead by a forecaster, from its first whole context on."""

    def __init__(self, model: Forecaster, name: str):
        self.model, self._name = model, name

    @property
    def name(self) -> str:
        """Of the layer; of the start of the forecast alone, where the layer is not trained."""
        if self.model.steps:
            return self._name
        starts = {
            Kind.LEVEL: f"mean of {self.model.context_} rows",
            Kind.SMOOTHED: "exponential smoothing",
            Kind.LAST: "last value",
            Kind.SEASON: f"seasonal naive ({self.model.season_})",
            Kind.LINE: f"ridge on {self.model.context_} rows",
        }
        return starts[self.model.base_.kind]

    def learn(self, panel: Panel) -> Self:
        self.model.fit(panel)
        return self

    def begin(self) -> Course:
        return ForecastCourse(self.model)

    def over(self, whole: Panel, place: int) -> Foreseen:
        one = whole.series[place]
        expected = np.full((len(one), len(whole.targets)), np.nan)
        rows = np.arange(self.model.context_, len(one))
        if len(rows):
            alone = replace(whole, series=(one,))
            expected[rows] = self.model.rolling(alone, np.zeros_like(rows), rows)[:, 0]
        return Foreseen(expected)


class ForecastCourse(Course):
    def __init__(self, model: Forecaster):
        self.stream, self.warm = model.stream(), model.context_
        self.count = 0  # rows that have come
        self.next: np.ndarray | None = None  # (targets,) what is expected of the next row

    def extend(self, rows: np.ndarray, times: np.ndarray | None) -> Foreseen:
        told = self.stream.extend(rows, times)[:, 0]
        expected = np.full_like(told, np.nan)
        expected[1:] = told[:-1]
        if self.next is not None and len(rows):
            expected[0] = self.next
        expected[: max(0, self.warm - self.count)] = np.nan
        self.next, self.count = (told[-1] if len(rows) else self.next), self.count + len(rows)
        return Foreseen(expected)


class Plain(Foresight):
    """The value a season ago; with a season of 1 the last value. Without one, the latest of its phase."""

    def __init__(self, targets: list[int], season: int):
        self.targets, self.season = targets, season

    @property
    def name(self) -> str:
        return "last value" if self.season == 1 else f"seasonal naive ({self.season})"

    def learn(self, panel: Panel) -> Self:
        return self

    def begin(self) -> Course:
        return PlainCourse(self)


class PlainCourse(Course):
    def __init__(self, rule: Plain):
        self.rule = rule
        self.last = np.full((rule.season, len(rule.targets)), np.nan)  # the rows of a season, filled

    def extend(self, rows: np.ndarray, times: np.ndarray | None) -> Foreseen:
        season = self.rule.season
        whole = filled_forward(np.concatenate([self.last, rows[:, self.rule.targets]]), season)
        self.last = whole[len(whole) - season :]
        return Foreseen(whole[: len(rows)])


class Lags(Foresight):
    """A ridge regression on the rows before, from the first on that has all of them."""

    name = "ridge on lags"

    def __init__(self, season: int, model: Ridge | None = None, blank: Panel | None = None):
        self.season, self._model, self._blank = season, model, blank

    def learn(self, panel: Panel) -> Self:
        self._model = Ridge.fit(panel, horizon=1, season=self.season)
        self._blank = panel.cut(0, 0)
        return self

    @property
    def model(self) -> Ridge:
        assert self._model is not None
        return self._model

    def begin(self) -> Course:
        assert self._blank is not None
        return LagCourse(self.model, self._blank)


class LagCourse(Course):
    def __init__(self, model: Ridge, blank: Panel):
        self.model, self.blank = model, blank
        self.last = np.zeros((0, len(blank.columns)))  # the rows that are read, filled

    def extend(self, rows: np.ndarray, times: np.ndarray | None) -> Foreseen:
        reach = self.model.lags + 1
        whole = np.concatenate([self.last, rows])
        expected = np.full((len(rows), len(self.blank.targets)), np.nan)
        asked = np.arange(max(reach, len(self.last)), len(whole))
        if len(asked):
            one = replace(self.blank.series[0], values=whole, times=None)
            alone = replace(self.blank, series=(one,))
            told = self.model.rolling(alone, np.zeros_like(asked), asked)[:, 0]
            expected[asked - len(self.last)] = told
        self.last = filled_forward(whole)[-reach:]
        return Foreseen(expected)


def member(layer: Any) -> Any:
    """The class that foresees, or a memory of its own size.

    Raises BadInput where there is none of that name, or where it cannot foresee.
    """
    found = layer
    if isinstance(layer, str):
        found = PLAIN[layer] if layer in PLAIN else find.named(layer, ("layers", "memories")).load()
    kinds: tuple[type, ...] = (Layer, TemporalMemory, *PLAIN.values())
    if isinstance(found, TemporalMemory) or (isinstance(found, type) and issubclass(found, kinds)):
        return found
    raise BadInput(f"expected a layer, temporal_memory, {', '.join(PLAIN)}; got {layer}")


def called(layer: Any) -> str:
    """The name by which it is found again."""
    plain = {kind: name for name, kind in PLAIN.items()}
    if layer in plain:
        return plain[layer]
    if layer is TemporalMemory or isinstance(layer, TemporalMemory):
        return "temporal_memory"
    return name_of(layer)
