"""Forecasts of a stream: a row in, the next rows out, in memory that does not grow.

Equal to `predict` on all rows so far. The state of the layers is carried from row to row inside a block; at
the first row of the next block it is warmed anew on the rows of the context, in the new units. Rows that have
come together are read together, which is faster and gives the same.
"""

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import State
from wavetrain.errors import BadInput
from wavetrain.tables import phases
from wavetrain.tables.windows import Window, filled, measures

if TYPE_CHECKING:
    from wavetrain.estimators.forecaster import Forecaster


class ForecastStream:
    """One series as it comes.

    >>> from wavetrain.estimators import Forecaster
    >>> wave = torch.sin(torch.arange(100) / 2).numpy()
    >>> stream = Forecaster("gru", horizon=2, width=4, steps=5).fit(wave).stream()
    >>> [stream.push(value).shape for value in (0.0, 0.5)]  # (horizon, targets)
    [(2, 1), (2, 1)]
    """

    def __init__(self, model: "Forecaster"):
        self.model = model
        self.count = 0  # rows that have come
        self.rows: deque[Tensor] = deque(maxlen=model.context_)
        self.time: int | None = None
        self.state: State = None
        self.level = self.scale = torch.zeros(0)
        self.seen = torch.zeros(0)  # (rows, columns) of the window that forecasts read, in its units, filled

    def push(self, row: np.ndarray | float, time: int | None = None) -> np.ndarray:
        """A row (columns,) and its time; returns the forecast of the next rows (horizon, targets)."""
        times = None if time is None else np.array([time], np.int64)
        return self.extend(np.atleast_1d(np.asarray(row, np.float64))[None], times)[0]

    @torch.no_grad()
    def extend(self, rows: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
        """Rows (n, columns) and their times (n,); returns a forecast after each, (n, horizon, targets)."""
        whole = torch.from_numpy(self._whole(rows, times))
        told, done = [np.zeros((0, self.model.horizon, len(self.model.base_.targets)))], 0
        while done < len(whole):
            anchor, new = int(self.model._anchor(self.count + 1)), self.count + 1
            end = max(anchor + self.model.origins_, new + 1) if new >= self.model.context_ else new + 1
            part = slice(done, min(len(whole), done + (1 if anchor == new else end - new)))
            self.rows.extend(whole[part])
            self.count += part.stop - part.start
            stream = self._begun() if anchor == new else self._gone_on(whole[part])
            told.append(self._told(stream, None if times is None else times[part]))
            done = part.stop
        return np.concatenate(told)

    def _whole(self, rows: np.ndarray, times: np.ndarray | None) -> np.ndarray:
        """The rows with their phases."""
        model, cycles = self.model, self.model.cycles_
        columns = len(model.panel_.columns) - 2 * len(cycles)
        if rows.ndim != 2 or rows.shape[1] != columns:
            raise BadInput(f"expected rows of {columns} columns, got {rows.shape}")
        infinite = np.flatnonzero(np.isinf(rows).any(1))
        if len(infinite):
            raise BadInput(f"row {self.count + 1 + infinite[0]} is infinite")
        if times is None:
            if cycles:
                raise BadInput("expected a time with each row, as in training")
            return rows
        before = times[:1] - 1 if self.time is None else np.array([self.time])
        if (np.diff(np.concatenate([before, times])) <= 0).any():
            raise BadInput("expected times that rise; one is out of order, or repeated")
        self.time = int(times[-1])
        return np.concatenate([rows, phases.columns(times, cycles)], 1)

    def _begun(self) -> Tensor:
        """A new block: units, and the state behind the context."""
        model = self.model
        rows = torch.full((1, model.context_, len(model.panel_.columns)), torch.nan, dtype=torch.float64)
        known = torch.stack(list(self.rows)[-model.context_ :])
        rows[0, -len(known) :] = known
        self.level, self.scale = measures(rows)
        units = (rows - self.level[:, None]) / self.scale[:, None]
        missing = rows.isnan()
        seen = filled(units, missing)
        stream, self.state = model.network_.stack.stream(model.network_.inputs(self._window(seen, missing)))
        self.seen = seen[0]
        return stream[:, -1:]

    def _gone_on(self, rows: Tensor) -> Tensor:
        """Further rows of the block."""
        network, context = self.model.network_, self.model.context_
        units = (rows - self.level[0]) / self.scale[0]
        missing = units.isnan()
        kept = self.seen[1 - context :] if context > 1 else self.seen[:0]
        last = torch.cat([self.seen[-1:], units])
        full = filled(last[None], last.isnan()[None])[0, 1:]
        self.seen = torch.cat([kept, full])
        read = network.inputs(self._window(full[None], missing[None]))
        if len(rows) == 1:
            stream, self.state = network.step(read[:, 0], self.state)
            return stream[:, None]
        stream, self.state = network.stack.stream(read, self.state)
        return stream

    def _told(self, stream: Tensor, times: np.ndarray | None) -> np.ndarray:
        """The forecasts in the units of the file, (n, horizon, targets)."""
        model, count = self.model, stream.shape[1]
        ahead = torch.full((1, count, model.horizon, len(model.panel_.known)), torch.nan, dtype=torch.float64)
        if model.cycles_:
            assert times is not None and model.panel_.clock is not None
            later = np.stack([model.panel_.clock.after(int(time), model.horizon) for time in times])
            told = phases.columns(later.ravel(), model.cycles_)
            ahead[..., -told.shape[1] :] = torch.from_numpy(told).view(1, count, model.horizon, -1)
        whole = self.seen[None]
        forecast = model.base_.read(whole) + model.network_.added(stream, ahead)
        return self._window(whole, whole.isnan()).restored(forecast, list(model.base_.targets))[0].numpy()

    def _window(self, seen: Tensor, missing: Tensor) -> Window:
        none = seen.new_zeros(0)
        return Window(seen, missing, none, none, self.level, self.scale, none)
