"""Forecasts of a stream by a network: a row in, the next rows out, in memory that does not grow.

Equal to `predict` on all rows so far. The state of the layers is carried from row to row inside a block; at
the first row of the next block it is warmed anew on the rows of the context, in the new units. Rows that have
come together are read together, whole blocks side by side, which is faster and gives the same.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import State, leaves, map_state
from wavetrain.estimators._blocks import TOGETHER, Opened, opened, unmeasured
from wavetrain.estimators._kept import left_out
from wavetrain.estimators._series_model import Behind
from wavetrain.estimators._series_stream import SeriesStream
from wavetrain.estimators._single import Single
from wavetrain.tables.panel import Series
from wavetrain.tables.windows import anchors

if TYPE_CHECKING:
    from wavetrain.estimators._fitted import FittedForecaster

ARRAYS = ("rows", "seen", "level", "scale")


class ForecastStream(SeriesStream["FittedForecaster"]):
    """One series as it comes.

    >>> from wavetrain.estimators import Forecaster
    >>> wave = torch.sin(torch.arange(100) / 2).numpy()
    >>> stream = Forecaster("gru", horizon=2, width=4, steps=5).fit(wave).stream()
    >>> [stream.push(value).shape for value in (0.0, 0.5)]  # (horizon, targets)
    [(2, 1), (2, 1)]
    """

    def __init__(self, model: "FittedForecaster"):
        super().__init__(model)
        self.state: State = None  # of the layers, behind the last row
        size, columns = model.context_ + model.origins_ - 1, len(model.panel_.columns)
        self.held = model.context_  # rows of this block and of the context before it
        self.rows = np.full((size, columns), np.nan)  # in the units of the file
        self.seen = np.zeros((size, columns))  # the same as they are read: filled, in units of the context
        self.level, self.scale = np.zeros(columns), np.ones(columns)
        self.targets = list(model.base_.targets)
        self.single = Single(model.network_) if Single.fits(model.network_) else None

    def go_on(self, learned: Series, before: int) -> None:
        self.count = before + left_out(len(learned), self.model.context_, self.model.origins_)
        rows = learned.values[self.count - before :]
        self.time = None if learned.times is None else int(learned.times[-1])
        ahead = np.full((len(rows), self.model.horizon, len(self.model.panel_.known)), np.nan)
        self.state = self.model.network_.stack.begin(1)  # of a block whose first rows are left out
        self._read(rows, ahead)

    def state_of(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        parts = leaves(self.state) if self.state is not None else []
        arrays = {name: getattr(self, name) for name in ARRAYS}
        arrays |= {f"state {number}": part.numpy() for number, part in enumerate(parts)}
        return arrays, {"held": self.held, "state": len(parts) if self.state is not None else None}

    def restore(self, arrays: dict[str, np.ndarray], words: dict[str, Any]) -> None:
        self.held = words["held"]
        for name in ARRAYS:
            if arrays[name].shape != getattr(self, name).shape:
                raise ValueError(f"{name} has the shape {arrays[name].shape}")
            setattr(self, name, arrays[name])
        if words["state"] is not None:
            parts = [torch.from_numpy(arrays[f"state {number}"]) for number in range(words["state"])]
            self.state = _nested(self.model.network_.stack.begin(1), parts)
            if parts:
                raise ValueError("a state has more parts than the model")

    def _longest(self) -> int:
        return self.model.context_ + 2 * self.model.origins_

    def _block(self) -> int:
        return self.model.origins_

    @torch.inference_mode()
    def _read(self, rows: np.ndarray, ahead: np.ndarray) -> Behind:
        context = self.model.context_
        whole = np.concatenate([self.rows[self.held - context + 1 : self.held], rows])
        past, found = whole[:, self.targets], self._made(rows, ahead)
        if np.isnan(past).any():
            found.value[:] = np.where(unmeasured(past, context)[:, None], np.nan, found.value)
        return found

    def _made(self, rows: np.ndarray, ahead: np.ndarray) -> Behind:
        """The same, also where nothing was measured."""
        model, targets = self.model, len(self.model.base_.targets)
        if len(rows) == 1:
            self.count += 1
            over = self.count - model.context_  # see `anchors`
            begins = over < 0 or not over % model.origins_
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
        if count == 1 and self.single is not None:
            return self._one(self.single, rows[0], ahead[0])
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

    def _one(self, single: Single, row: np.ndarray, ahead: np.ndarray) -> Behind:
        """One further row of the block."""
        at, base = self.held, self.model.base_
        self.held += 1
        units = (row - self.level) / self.scale
        self.rows[at] = row
        self.seen[at] = np.where(np.isnan(units), self.seen[at - 1], units)
        read = single.inputs(self.seen[at], np.isnan(row), self.level, self.scale)
        stream, self.state = single.step(read, self.state)
        start = base.read(self.seen[None, at - self.model.context_ + 1 : at + 1])[0, 0]
        scale, level = self.scale[self.targets], self.level[self.targets]
        value = (start + single.added(stream, ahead)) * scale + level
        return Behind(value[None], scale[None, None])


def _nested(like: State, parts: list[Tensor]) -> State:
    """Tensors in the nested form of a state; they are taken from the list in their order."""
    if isinstance(like, tuple):
        return tuple(_nested(one, parts) for one in like)
    return parts.pop(0)
