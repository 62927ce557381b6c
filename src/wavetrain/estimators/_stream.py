"""Forecasts of a stream: a row in, the next rows out, in memory that does not grow.

Equal to `predict` on all rows so far. The state of the layers is carried from row to row inside a block; at
the first row of the next block it is warmed anew on the rows of the context, in the new units. Rows that have
come together are read together, whole blocks side by side, which is faster and gives the same. Steps that
were left out between two times are rows in which nothing was measured.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from wavetrain.core import State, map_state
from wavetrain.errors import BadInput
from wavetrain.estimators._blocks import TOGETHER, Behind, Opened, opened, unmeasured
from wavetrain.estimators._kept import left_out
from wavetrain.tables import phases
from wavetrain.tables.clock import Clock
from wavetrain.tables.panel import Series
from wavetrain.tables.windows import anchors

if TYPE_CHECKING:
    from wavetrain.estimators._fitted import FittedForecaster

BESIDE = 0.1  # of a step: how far a time may lie off it and still be meant


class ForecastStream:
    """One series as it comes.

    >>> from wavetrain.estimators import Forecaster
    >>> wave = torch.sin(torch.arange(100) / 2).numpy()
    >>> stream = Forecaster("gru", horizon=2, width=4, steps=5).fit(wave).stream()
    >>> [stream.push(value).shape for value in (0.0, 0.5)]  # (horizon, targets)
    [(2, 1), (2, 1)]
    """

    def __init__(self, model: "FittedForecaster"):
        self.model = model
        self.count = 0  # rows that have come
        self.time: int | None = None  # of the last one
        self.state: State = None  # of the layers, behind the last row
        size, columns = model.context_ + model.origins_ - 1, len(model.panel_.columns)
        self.held = model.context_  # rows of this block and of the context before it
        self.rows = np.full((size, columns), np.nan)  # in the units of the file
        self.seen = np.zeros((size, columns))  # the same as they are read: filled, in units of the context
        self.level, self.scale = np.zeros(columns), np.ones(columns)

    def push(self, row: np.ndarray | float, time: int | None = None) -> np.ndarray:
        """A row (columns,) and its time; returns the forecast of the next rows (horizon, targets)."""
        times = None if time is None else np.array([time], np.int64)
        return self.extend(np.atleast_1d(np.asarray(row, np.float64))[None], times)[0]

    def extend(self, rows: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
        """Rows (n, columns) and their times (n,); returns a forecast after each, (n, horizon, targets)."""
        return self.behind(rows, times).value

    def go_on(self, learned: Series, before: int) -> None:
        """Begin behind rows that were learned from; so many came before them and are not kept."""
        self.count = before + left_out(len(learned), self.model.context_, self.model.origins_)
        rows = learned.values[self.count - before :]
        self.time = None if learned.times is None else int(learned.times[-1])
        ahead = np.full((len(rows), self.model.horizon, len(self.model.panel_.known)), np.nan)
        with torch.inference_mode():
            self._read(rows, ahead)

    @torch.inference_mode()
    def behind(
        self, rows: np.ndarray, times: np.ndarray | None = None, holes: Sequence[int] | None = None
    ) -> Behind:
        """The same, with the scale of the context that each forecast was made from.

        Of rows without times, `holes` tells how many rows are missing before each.
        """
        self._check(rows, times)
        if not len(rows):
            shape = (0, self.model.horizon, len(self.model.base_.targets))
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

    def _longest(self) -> int:
        """Missing rows of which a window may hold some; what lies before that many is never read again."""
        return self.model.context_ + 2 * self.model.origins_

    def _leapt(self, hole: int) -> int:
        """Leap over whole blocks of missing rows; returns how many are left, which are read."""
        clock, origins = self.model.panel_.clock, self.model.origins_
        over = (hole - self._longest() + origins - 1) // origins * origins
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

    def _read(self, rows: np.ndarray, ahead: np.ndarray) -> Behind:
        """Rows with their phases, (n, columns), and what is known ahead of each."""
        targets, context = list(self.model.base_.targets), self.model.context_
        past = np.concatenate([self.rows[self.held - context + 1 : self.held], rows])[:, targets]
        found = self._made(rows, ahead)
        if np.isnan(past).any():
            found.value[:] = np.where(unmeasured(past, context)[:, None], np.nan, found.value)
        return found

    def _made(self, rows: np.ndarray, ahead: np.ndarray) -> Behind:
        """The same, also where nothing was measured."""
        model, targets = self.model, len(self.model.base_.targets)
        if len(rows) == 1:
            self.count += 1
            begins = int(anchors(np.array(self.count), model.context_, model.origins_)) == self.count
            return self._begun(rows, ahead, 1) if begins else self._gone_on(rows, ahead)
        value = np.empty((len(rows), model.horizon, targets))
        scale = np.empty((len(rows), 1, targets))
        behind = self.count + 1 + np.arange(len(rows))  # the row behind each, which is forecast first
        blocks = anchors(behind, model.context_, model.origins_)
        edges = np.flatnonzero(np.diff(blocks, prepend=-1, append=-1))
        self.count += len(rows)
        place = 0
        while place < len(edges) - 1:
            first, last = edges[place], edges[place + 1]
            if blocks[first] != behind[first]:
                part = slice(first, last)
                value[part], scale[part] = self._gone_on(rows[part], ahead[part])
                place += 1
                continue
            alike = edges[place + 1 : place + 1 + TOGETHER] == last + (last - first) * np.arange(
                len(edges[place + 1 : place + 1 + TOGETHER])
            )
            count = int(alike.argmin()) if not alike.all() else len(alike)
            part = slice(first, edges[place + count])
            value[part], scale[part] = self._begun(rows[part], ahead[part], count)
            place += count
        return Behind(value, scale)

    def _begun(self, rows: np.ndarray, ahead: np.ndarray, count: int) -> Behind:
        """New blocks, `count` of the same size: units, and the states behind their contexts, each anew."""
        context, size = self.model.context_, len(rows) // count
        whole = np.concatenate([self.rows[self.held - context + 1 : self.held], rows])
        starts = size * np.arange(count)
        windows = whole[starts[:, None] + np.arange(context + size - 1)]
        found = opened(self.model, windows, ahead.reshape(count, size, *ahead.shape[1:]))
        self.take(found, count - 1)
        scale = np.repeat(found.scale[:, None, list(self.model.base_.targets)], size, 0)
        return Behind(found.value.reshape(len(rows), *found.value.shape[2:]), scale)

    def take(self, blocks: Opened, place: int) -> None:
        """Be behind the last row of one of several blocks."""
        self.held = blocks.rows.shape[1]
        self.rows[: self.held], self.seen[: self.held] = blocks.rows[place], blocks.seen[place]
        self.level, self.scale = blocks.level[place], blocks.scale[place]
        self.state = map_state(lambda part: part[place : place + 1].clone(), blocks.state)

    def _gone_on(self, rows: np.ndarray, ahead: np.ndarray) -> Behind:
        """Further rows of the block."""
        network, context, count = self.model.network_, self.model.context_, len(rows)
        first, self.held = self.held, self.held + count
        units = (rows - self.level) / self.scale
        self.rows[first : self.held] = rows
        for place, row in enumerate(units, first):
            gap = np.isnan(row)
            self.seen[place] = np.where(gap, self.seen[place - 1], row) if gap.any() else row
        seen = self.seen[first - context + 1 : self.held]
        read = network.read(self.seen[None, first : self.held], np.isnan(rows)[None], self.level, self.scale)
        if count == 1:
            stream, self.state = network.step(read[:, 0], self.state)
            stream = stream[:, None]
        else:
            stream, self.state = network.stack.stream(read, self.state)
        added = network.added(stream, torch.from_numpy(ahead)[None])[0].numpy()
        targets = list(self.model.base_.targets)
        scale = self.scale[targets]
        value = (network.base.read(seen[None])[0] + added) * scale + self.level[targets]
        return Behind(value, np.tile(scale, (count, 1, 1)))


def missing(clock: Clock, before: int, time: int) -> int:
    """Steps that were left out between two times; raises BadInput for one that lies beside its step."""
    steps = clock.between(before, time)
    whole = round(steps)
    if abs(steps - whole) > BESIDE or (whole < 1 and time != before):
        told = clock.told(np.array([before, time]))
        raise BadInput(f"expected times every {clock}, got {told[1]} behind {told[0]}")
    return max(whole - 1, 0)
