"""A network that forecasts from windows: a base, and what a stack of layers adds to it.

A layer reads the rows of a window one after another, so at each origin its state has seen the context and all
rows since. What it adds is zero before training. Columns known ahead reach a forecast through a small map of
the state and of their values at the step that is forecast.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wavetrain.core import Layer, State
from wavetrain.estimators._base import Base
from wavetrain.parts.stack import MLP, Stack
from wavetrain.tables.windows import Place, Window, Windows

FAR = (
    10.0  # scales from the level, beyond which a value is not told from another: a jump after a flat context
)
TOGETHER = 256  # windows that are read at once
MIXED = 16  # units in which the state and what is known ahead meet


class Columns(NamedTuple):
    """What a network reads."""

    columns: int
    known: tuple[int, ...]  # places of those known ahead
    centre: Float[Tensor, "known"]  # their means in training
    spread: Float[Tensor, "known"]  # their deviations in training
    holes: bool  # whether values may be missing

    @property
    def inputs(self) -> int:
        """Channels of a stack that reads them."""
        measured = self.columns - len(self.known)
        return measured * (1 + self.holes) + len(self.known)


class Forecast(nn.Module):
    """A window to forecasts (batch, origins, horizon, targets), in the window's own units."""

    def __init__(
        self,
        stack: Stack,
        base: Base,
        columns: Columns,
    ):
        super().__init__()
        self.stack, self.base, self.holes = stack, base, columns.holes
        self.known = list(columns.known)
        self.measured = [place for place in range(columns.columns) if place not in columns.known]
        self.targets = len(base.targets)
        final = stack.decode[-1]
        assert isinstance(final, nn.Linear)
        nn.init.zeros_(final.weight)
        nn.init.zeros_(final.bias)
        width = stack.encode.out_features
        self.ahead = Ahead(width, columns.centre, columns.spread, self.targets) if self.known else None

    def forward(self, window: Window) -> Float[Tensor, "batch origins horizon targets"]:
        return self.told(window)[0]

    def told(self, window: Window) -> tuple[Float[Tensor, "batch origins horizon targets"], State]:
        """The forecasts of windows, and the states of the stack behind their last rows."""
        stream, state = self.stack.stream(self.inputs(window))
        added = self.added(stream[:, self.base.context - 1 :], window.ahead)
        return torch.from_numpy(self.base.read(window.seen.numpy())) + added, state

    def inputs(self, window: Window) -> Float[Tensor, "batch rows inputs"]:
        """What the stack reads of windows."""
        level, scale = window.level[:, None], window.scale[:, None]
        return self.read(window.seen.numpy(), window.missing.numpy(), level.numpy(), scale.numpy())

    def read(
        self,
        seen: Float[np.ndarray, "batch rows columns"],
        missing: Bool[np.ndarray, "batch rows columns"],
        level: Float[np.ndarray, "*axes columns"],
        scale: Float[np.ndarray, "*axes columns"],
    ) -> Float[Tensor, "batch rows inputs"]:
        """What the stack reads of rows: values, whether they are missing, and what is known ahead."""
        parts = [np.clip(seen[..., self.measured], -FAR, FAR)]
        if self.holes:
            parts.append(missing[..., self.measured])
        if self.ahead is not None:
            known = seen[..., self.known] * scale[..., self.known] + level[..., self.known]
            parts.append(self.ahead.units(torch.from_numpy(known)).numpy())
        return torch.from_numpy(np.concatenate(parts, -1, dtype=np.float32))

    def added(
        self,
        stream: Float[Tensor, "batch origins width"],
        ahead: Float[Tensor, "batch origins horizon known"],
    ) -> Float[Tensor, "batch origins horizon targets"]:
        """What the network adds to the base."""
        added = self.stack.decode(stream).unflatten(-1, (self.base.horizon, self.targets))
        return added if self.ahead is None else added + self.ahead(stream, ahead)

    def step(
        self, row: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch width"], State]:
        """One row further: the stream that `added` reads, and the new state of the stack."""
        return self.stack.through(self.stack.encode(row), state)


class Ahead(nn.Module):
    """The state at an origin and what is known of a later step, to what is added at that step."""

    centre: Tensor
    spread: Tensor

    def __init__(
        self, width: int, centre: Float[Tensor, "known"], spread: Float[Tensor, "known"], targets: int
    ):
        super().__init__()
        self.register_buffer("centre", centre)
        self.register_buffer("spread", spread)
        self.state = nn.Linear(width, MIXED)
        self.known = nn.Linear(len(centre), MIXED, bias=False)
        self.out = nn.Linear(MIXED, targets, bias=False)
        nn.init.zeros_(self.out.weight)

    def units(self, values: Float[Tensor, "*axes known"]) -> Float[Tensor, "*axes known"]:
        """In deviations from the mean of training; 0 where nothing is known."""
        return ((values - self.centre) / self.spread).nan_to_num(0.0)

    def forward(
        self,
        stream: Float[Tensor, "batch origins width"],
        ahead: Float[Tensor, "batch origins horizon known"],
    ) -> Float[Tensor, "batch origins horizon targets"]:
        mixed = self.state(stream)[:, :, None] + self.known(self.units(ahead).to(stream.dtype))
        return self.out(nn.functional.gelu(mixed))


def network(layer: type[Layer], width: int, depth: int, base: Base, columns: Columns) -> Forecast:
    """A network with a stack of one kind of layer."""
    outputs = base.horizon * len(base.targets)
    stack = Stack([layer(width) for _ in range(depth)], columns.inputs, outputs, MLP.PLAIN)
    return Forecast(stack, base, columns)


class Made(NamedTuple):
    """Forecasts, in the units of the panel."""

    value: Float[Tensor, "rows horizon targets"]
    wanted: Float[Tensor, "rows horizon targets"]  # NaN where nothing was measured
    scale: Float[Tensor, "rows 1 targets"]  # of each one's context
    weight: Float[Tensor, "rows 1 targets"]  # of an error over that scale


@torch.no_grad()
def made(model: Forecast, windows: Windows, series: np.ndarray, rows: np.ndarray) -> Made:
    """The forecasts whose first row is `rows` (N,) of `series` (N,)."""
    anchors = windows.anchors(rows)
    pairs, which = np.unique(np.stack([series, anchors], 1), axis=0, return_inverse=True)
    parts = []
    for first in range(0, len(pairs), TOGETHER):
        pair = pairs[first : first + TOGETHER]
        window = windows.at(Place(pair[:, 0], pair[:, 1]))
        mine = (window.scale[:, windows.targets], window.weight)
        wanted = window.restored(window.wanted, windows.targets)
        parts.append((window.restored(model(window), windows.targets), wanted, *mine))
    value, wanted, scale, weight = (torch.cat(part) for part in zip(*parts, strict=True))
    place = torch.as_tensor(which.reshape(-1)), torch.as_tensor(rows - anchors)
    return Made(value[place], wanted[place], scale[place[0], None], weight[place[0], None])
