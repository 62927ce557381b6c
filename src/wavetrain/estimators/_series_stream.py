"""A stream of rows, with a forecast of the next ones behind each, whatever forecasts.

Steps that were left out between two times are rows in which nothing was measured. A gap that is longer than
what is ever read is leapt over.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.estimators._series_model import Behind, SeriesModel
from wavetrain.tables import phases
from wavetrain.tables.clock import Clock
from wavetrain.tables.panel import Series

BESIDE = 0.1  # of a step: how far a time may lie off it and still be meant

M = TypeVar("M", bound=SeriesModel)


class SeriesStream(ABC, Generic[M]):
    """One series as it comes."""

    def __init__(self, model: M):
        self.model = model
        self.count = 0  # rows that have come
        self.time: int | None = None  # of the last one

    def push(self, row: np.ndarray | float, time: int | None = None) -> np.ndarray:
        """A row (columns,) and its time; returns the forecast of the next rows (horizon, targets)."""
        times = None if time is None else np.array([time], np.int64)
        return self.extend(np.atleast_1d(np.asarray(row, np.float64))[None], times)[0]

    def extend(self, rows: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
        """Rows (n, columns) and their times (n,); returns a forecast after each, (n, horizon, targets)."""
        return self.behind(rows, times).value

    @abstractmethod
    def go_on(self, learned: Series, before: int) -> None:
        """Begin behind rows that were learned from; so many came before them and are not kept."""

    @abstractmethod
    def state_of(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What is carried from row to row, as arrays and as words; its number and time are told apart."""

    @abstractmethod
    def restore(self, arrays: dict[str, np.ndarray], words: dict[str, Any]) -> None:
        """Be where `state_of` was; raises ValueError or KeyError for what does not fit."""

    @abstractmethod
    def _read(self, rows: np.ndarray, ahead: np.ndarray) -> Behind:
        """Rows with their phases, (n, columns), and what is known ahead of each."""

    @abstractmethod
    def _longest(self) -> int:
        """Missing rows of which some may be read; what lies before that many is never read again."""

    @abstractmethod
    def _block(self) -> int:
        """Rows of which a whole number is leapt over."""

    def behind(
        self, rows: np.ndarray, times: np.ndarray | None = None, holes: Sequence[int] | None = None
    ) -> Behind:
        """The same, with the scale of each forecast.

        Of rows without times, `holes` tells how many rows are missing before each.
        """
        self._check(rows, times)
        if not len(rows):
            shape = (0, self.model.horizon, len(self.model.panel_.targets))
            return Behind(np.zeros(shape), np.zeros((0, 1, shape[2])))
        left = self._holes(rows, times, holes)
        if not any(left):
            return self._behind(rows, times)
        found, done = [], 0
        for place in [place for place, hole in enumerate(left) if hole > self._longest()] + [len(rows)]:
            part = slice(done, place)
            if place > done:
                found.append(self._spread(rows[part], None if times is None else times[part], left[part]))
            done = place
            if done < len(rows):
                left[done] = self._leapt(left[done])
        return Behind(*(np.concatenate(part) for part in zip(*found, strict=True)))

    def steps(
        self, rows: np.ndarray, times: np.ndarray | None, holes: Sequence[int] | None
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Rows with their phases, and what is known ahead of each; None where any row before is missing."""
        self._check(rows, times)
        return None if any(self._holes(rows, times, holes)) else self._prepared(rows, times)

    def _holes(self, rows: np.ndarray, times: np.ndarray | None, holes: Sequence[int] | None) -> list[int]:
        """How many rows are missing before each, by their times where they have such."""
        clock = self.model.panel_.clock
        if times is None or clock is None:
            return [0] * len(rows) if holes is None else [int(hole) for hole in holes]
        before = times[:1] if self.time is None else np.array([self.time])
        pairs = zip(np.append(before, times[:-1]), times, strict=True)
        return [missing(clock, int(one), int(other)) for one, other in pairs]

    def _leapt(self, hole: int) -> int:
        """Leap over whole blocks of missing rows; returns how many are left, which are read."""
        clock, block = self.model.panel_.clock, self._block()
        over = (hole - self._longest() + block - 1) // block * block
        self.count += over
        if self.time is not None and clock is not None:
            self.time = clock.later(self.time, over)
        return hole - over

    def _spread(self, rows: np.ndarray, times: np.ndarray | None, holes: list[int]) -> Behind:
        """Rows with so many missing ones before each; what is returned is for the rows that came."""
        if not any(holes):
            return self._behind(rows, times)
        kept = np.arange(len(rows)) + np.cumsum(holes)
        whole = np.full((int(kept[-1]) + 1, rows.shape[1]), np.nan)
        whole[kept] = rows
        found = self._behind(whole, None if times is None else self._moments(times, holes))
        return Behind(found.value[kept], found.scale[kept])

    def _moments(self, times: np.ndarray, holes: list[int]) -> np.ndarray:
        """Times with those of the missing rows before each."""
        clock, parts = self.model.panel_.clock, []
        assert clock is not None
        for place, hole in enumerate(holes):
            last = times[place - 1] if place else self.time
            parts += [clock.after(int(last), hole)] if hole and last is not None else []
            parts.append(times[place : place + 1])
        return np.concatenate(parts)

    def _behind(self, rows: np.ndarray, times: np.ndarray | None) -> Behind:
        """Rows that follow each other step by step."""
        return self._read(*self._prepared(rows, times))

    def _prepared(self, rows: np.ndarray, times: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Rows with their phases, and what is known ahead of each."""
        model = self.model
        ahead = np.full((len(rows), model.horizon, len(model.panel_.known)), np.nan)
        if times is not None:
            self.time = int(times[-1])
        if model.cycles_:
            assert times is not None and model.panel_.clock is not None
            after = np.stack([model.panel_.clock.after(int(time), model.horizon) for time in times])
            told = phases.columns(after.ravel(), model.cycles_).reshape(len(rows), model.horizon, -1)
            ahead[..., ahead.shape[-1] - told.shape[-1] :] = told
            rows = np.concatenate([rows, phases.columns(times, model.cycles_)], 1)
        return rows, ahead

    def _check(self, rows: np.ndarray, times: np.ndarray | None) -> None:
        columns = len(self.model.panel_.columns) - 2 * len(self.model.cycles_)
        if rows.ndim != 2 or rows.shape[1] != columns:
            raise BadInput(f"expected rows of {columns} columns, got {rows.shape}")
        infinite = np.flatnonzero(np.isinf(rows).any(1))
        if len(infinite):
            raise BadInput(f"row {self.count + 1 + infinite[0]} is infinite")
        if times is None:
            if self.model.cycles_:
                raise BadInput("expected a time with each row, as in training")
            return
        if times.shape != rows.shape[:1]:
            raise BadInput(f"expected a time for each of {len(rows)} rows, got {times.shape}")
        before = times[:1] - 1 if self.time is None else np.array([self.time])
        if (np.diff(np.concatenate([before, times])) <= 0).any():
            raise BadInput("expected times that rise; one is out of order, or repeated")


def missing(clock: Clock, before: int, time: int) -> int:
    """Steps that were left out between two times; raises BadInput for one that lies beside its step."""
    steps = clock.between(before, time)
    whole = round(steps)
    if abs(steps - whole) > BESIDE or (whole < 1 and time != before):
        told = clock.told(np.array([before, time]))
        raise BadInput(f"expected times every {clock}, got {told[1]} behind {told[0]}")
    return max(whole - 1, 0)
