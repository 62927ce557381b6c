"""Forecasts of a stream: a row in, the next rows out, in memory that does not grow.

Equal to `predict` on all rows so far. The state of the layers is carried from row to row inside a block; at
the first row of the next block it is warmed anew on the rows of the context, in the new units.
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
        self.rows: deque[np.ndarray] = deque(maxlen=model.context_ + model.origins_)
        self.time: int | None = None
        self.state: State = None
        self.level = self.scale = torch.zeros(0)
        self.seen: list[Tensor] = []  # the rows of the window, in its units, filled

    @torch.no_grad()
    def push(self, row: np.ndarray | float, time: int | None = None) -> np.ndarray:
        """A row (columns,) and its time; returns the forecast of the next rows (horizon, targets)."""
        self.rows.append(self._whole(row, time))
        self.count += 1
        anchor = int(self.model._anchor(self.count))
        stream = self._begun() if anchor == self.count else self._gone_on()
        return self._told(stream)

    def _whole(self, row: np.ndarray | float, time: int | None) -> np.ndarray:
        """The row with its phases."""
        model = self.model
        given = np.atleast_1d(np.asarray(row, np.float64))
        cycles = 2 * len(model.cycles_)
        if given.shape != (len(model.panel_.columns) - cycles,):
            raise BadInput(
                f"expected a row of {len(model.panel_.columns) - cycles} columns, got {given.shape}"
            )
        if np.isinf(given).any():
            raise BadInput(f"row {self.count + 1} is infinite")
        if cycles and time is None:
            raise BadInput("expected a time with each row, as in training")
        if time is not None and self.time is not None and time <= self.time:
            raise BadInput(
                "expected a time after that of the row before; this one is out of order, or repeated"
            )
        self.time = time
        told = phases.columns(np.array([time or 0]), model.cycles_)[0]
        return np.concatenate([given, told])

    def _begun(self) -> Tensor:
        """A new block: units, and the state behind the context."""
        model = self.model
        rows = torch.full((1, model.context_, len(model.panel_.columns)), torch.nan, dtype=torch.float64)
        known = torch.from_numpy(np.stack(list(self.rows)[-model.context_ :]))
        rows[0, -len(known) :] = known
        self.level, self.scale = measures(rows)
        units = (rows - self.level[:, None]) / self.scale[:, None]
        missing = rows.isnan()
        seen = filled(units, missing)
        stream, self.state = model.network_.stack.stream(model.network_.inputs(self._window(seen, missing)))
        self.seen = list(seen[0])
        return stream[:, -1:]

    def _gone_on(self) -> Tensor:
        """One step further in the block."""
        network = self.model.network_
        units = (torch.from_numpy(self.rows[-1]) - self.level[0]) / self.scale[0]
        missing = units.isnan()
        row = torch.where(missing, self.seen[-1], units)
        self.seen = [*self.seen[1:], row]
        read = network.inputs(self._window(row[None, None], missing[None, None]))[:, 0]
        stream, self.state = network.step(read, self.state)
        return stream[:, None]

    def _told(self, stream: Tensor) -> np.ndarray:
        """The forecast in the units of the file."""
        model = self.model
        whole = torch.stack(self.seen)[None]
        later = np.zeros((model.horizon, 0))
        if model.cycles_:
            assert self.time is not None and model.panel_.clock is not None
            later = phases.columns(model.panel_.clock.after(self.time, model.horizon), model.cycles_)
        ahead = torch.full((1, 1, model.horizon, len(model.panel_.known)), torch.nan, dtype=torch.float64)
        if later.shape[1]:
            ahead[..., -later.shape[1] :] = torch.from_numpy(later)
        forecast = model.base_.read(whole) + model.network_.added(stream, ahead)
        return self._window(whole, whole.isnan()).restored(forecast, list(model.base_.targets))[0, 0].numpy()

    def _window(self, seen: Tensor, missing: Tensor) -> Window:
        none = seen.new_zeros(0)
        return Window(seen, missing, none, none, self.level, self.scale, none)
