"""Windows of a panel, cut when they are asked for: a long series is never copied once for each of them.

A window begins with `context` rows, which set its level and scale and warm the state of a layer, and goes on
for `origins` forecasts: the first is made after the context, each of the others one row later. A forecast is
of the next `horizon` rows.

    rows      1 ... context | context + 1 ... context + origins - 1 | ... + horizon
    seen      the context, and the rows up to each origin             forecast

Level and scale of a column are the mean and the deviation of what was measured in the context, never of what
is forecast; for a flat context the scale is a millionth of the level. So a window of 100 y is 100 times that
of y, and its forecast too. An error in units of a tiny scale is huge and says nothing: `weight` brings it to
units of at least a twentieth of the deviation of the whole series.

What is missing is filled by the last value before it in the window, or by the level. A column of which
nothing was measured in the context has no scale, and no forecast. Rows of two series never meet in one
window: before the first row of a series and after its last one there is nothing.
"""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel

LONGEST = 512  # rows of a context that is chosen
TOGETHER = 256  # windows that are cut at once
FLAT = 1e-6  # of the level: the scale of what does not vary
SMALL = 0.05  # of the deviation of a series: the least scale in which an error is weighed
LEAST = 1e-30  # the scale where the level is zero, too


class Window(NamedTuple):
    """A batch of windows in float64, in units of their own: (value - level) / scale."""

    seen: Float[Tensor, "batch rows columns"]  # context + origins - 1 rows, filled
    missing: Bool[Tensor, "batch rows columns"]  # where nothing was measured
    ahead: Float[Tensor, "batch origins horizon known"]  # columns known ahead, in the units of the file
    wanted: Float[Tensor, "batch origins horizon targets"]  # NaN where nothing was measured
    level: Float[Tensor, "batch columns"]
    scale: Float[Tensor, "batch columns"]
    weight: Float[Tensor, "batch targets"]  # of an error in these units

    def restored(
        self, forecast: Float[Tensor, "batch origins horizon targets"], targets: list[int]
    ) -> Float[Tensor, "batch origins horizon targets"]:
        """A forecast in the units of the panel."""
        return forecast.double() * self.scale[:, None, None, targets] + self.level[:, None, None, targets]


class Place(NamedTuple):
    """Origins of a forecast: the series and the row that is forecast first."""

    series: np.ndarray  # (windows,) places in the panel
    row: np.ndarray  # (windows,) the row behind the context


class Windows:
    """All windows of a panel.

    >>> from wavetrain.tables.panel import panel
    >>> from wavetrain.tables.windows import Windows
    >>> windows = Windows(panel(np.arange(20.0)), context=5, origins=2, horizon=3)
    >>> window = windows.at(windows.places())
    >>> len(windows.places().row), window.seen.shape, window.wanted.shape
    (12, torch.Size([12, 6, 1]), torch.Size([12, 2, 3, 1]))
    >>> window.restored(window.wanted, windows.targets)[0].flatten().round(decimals=9).tolist()
    [5.0, 6.0, 7.0, 6.0, 7.0, 8.0]
    """

    def __init__(
        self, panel: Panel, *, context: int, origins: int, horizon: int, until: Sequence[int] | None = None
    ):
        """Deviations of series are measured on the rows before `until`, one for each, or on all."""
        for name, size in (("context", context), ("origins", origins), ("horizon", horizon)):
            if size < 1:
                raise BadInput(f"windows: expected {name} of at least 1, got {size}")
        self.context, self.origins, self.horizon = context, origins, horizon
        self.targets, self.known = panel.places(panel.targets), panel.places(panel.known)
        self.lengths = np.array([len(one) for one in panel.series])
        between = np.full((context + origins + horizon, len(panel.columns)), np.nan)
        parts, self.first, row = [between], [], len(between)
        for one in panel.series:
            parts += [one.values, between]
            self.first.append(row)
            row += len(one) + len(between)
        self.rows = torch.from_numpy(np.concatenate(parts))
        ends = self.lengths if until is None else until
        self.least = torch.stack(
            [
                SMALL * measures(torch.from_numpy(one.values[None, :end, self.targets]))[1][0].nan_to_num(0.0)
                for one, end in zip(panel.series, ends, strict=True)
            ]
        )

    def by(self, origins: int) -> "Windows":
        """Windows of the same rows, which are not copied, with as many origins or fewer."""
        if not 1 <= origins <= self.origins:
            raise BadInput(f"windows: expected origins of 1 to {self.origins}, got {origins}")
        found = copy.copy(self)
        found.origins = origins
        return found

    def places(self, first: int | Sequence[int] = 0, last: int | Sequence[int] | None = None) -> Place:
        """Windows whose rows all lie inside their series: first origins from row `first` to before `last`.

        Both may be given for each series. A context begins before the series where that is shorter.
        """
        series, rows = [], []
        ends = self.lengths if last is None else np.minimum(self.lengths, last)
        begins = np.broadcast_to(first, self.lengths.shape)
        for place, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            here = np.arange(
                max(int(begin), min(self.context, int(end) // 2), 1), end - self.origins - self.horizon + 2
            )
            series.append(np.full(len(here), place))
            rows.append(here)
        return Place(np.concatenate(series), np.concatenate(rows))

    def anchors(self, rows: np.ndarray) -> np.ndarray:
        """See the function `anchors`."""
        return anchors(rows, self.context, self.origins)

    def at(self, place: Place) -> Window:
        """The windows there; what lies outside a series is missing."""
        if len(place.row) <= TOGETHER:
            return self._at(place)
        cuts = range(0, len(place.row), TOGETHER)  # a part at a time: most memory is of what lies between
        parts = [
            self._at(Place(place.series[cut : cut + TOGETHER], place.row[cut : cut + TOGETHER]))
            for cut in cuts
        ]
        return Window(*(torch.cat(side) for side in zip(*parts, strict=True)))

    def _at(self, place: Place) -> Window:
        start = torch.as_tensor(np.asarray(self.first)[place.series] + place.row)
        seen = self.rows[start[:, None] + torch.arange(-self.context, self.origins - 1)]
        missing = seen.isnan()
        level, scale = measures(seen[:, : self.context])
        units = (seen - level[:, None]) / scale[:, None]
        steps = torch.arange(self.origins)[:, None] + torch.arange(self.horizon)
        future = self.rows[start[:, None, None] + steps]
        wanted = future[..., self.targets]
        mine = scale[:, self.targets]
        wanted = (wanted - level[:, None, None, self.targets]) / mine[:, None, None]
        weight = mine / mine.maximum(self.least[torch.as_tensor(place.series)])
        return Window(filled(units, missing), missing, future[..., self.known], wanted, level, scale, weight)


def usual_context(season: int) -> int:
    """Rows that a window begins with where they are not given: two seasons, at least 32, at most 512.

    >>> from wavetrain.tables.windows import usual_context
    >>> usual_context(1), usual_context(24), usual_context(336)
    (32, 48, 512)
    """
    return min(max(2 * season, 32), LONGEST)


def fitting_context(season: int, *, horizon: int, shortest: int) -> int:
    """The same where the shortest series has so many rows to learn from: one forecast must lie behind it.

    >>> from wavetrain.tables.windows import fitting_context
    >>> fitting_context(24, horizon=3, shortest=200), fitting_context(24, horizon=3, shortest=20)
    (48, 16)
    """
    return max(1, min(usual_context(season), shortest - horizon - 1))


def anchors(rows: np.ndarray, context: int, origins: int) -> np.ndarray:
    """The row behind the context of the window in which each row is forecast first.

    Windows follow each other without a gap, so that one after another they are a stream. Rows in the first
    context have a window each.
    """
    return np.where(rows < context, rows, context + (rows - context) // origins * origins)


def unmeasured(
    panel: Panel, series: np.ndarray, rows: np.ndarray, *, context: int, origins: int
) -> np.ndarray:
    """Of which of its targets a forecast knows nothing, (N, targets).

    That is so where nothing was measured in the rows just before it, or in those that the units of its window
    come from.

    >>> from wavetrain.tables.panel import panel
    >>> from wavetrain.tables.windows import unmeasured
    >>> holes = panel([1.0, np.nan, np.nan, np.nan, 5.0, 6.0])
    >>> unmeasured(holes, np.zeros(3, int), np.array([2, 3, 6]), context=2, origins=1).ravel().tolist()
    [False, True, False]
    """
    found = np.zeros((len(rows), len(panel.targets)), bool)
    starts = anchors(rows, context, origins)
    for place, one in enumerate(panel.series):
        mine = series == place
        known = np.isfinite(one.values[:, panel.places(panel.targets)])
        count = np.concatenate([np.zeros((1, known.shape[1]), int), known.cumsum(0)])
        for ends in (rows[mine], starts[mine]):
            found[mine] |= count[ends] == count[np.maximum(ends - context, 0)]
    return found


def measures(
    context: Float[Tensor, "batch context columns"],
) -> tuple[Float[Tensor, "batch columns"], Float[Tensor, "batch columns"]]:
    """Level and scale of a context: mean and deviation of what was measured in it, 0 and NaN of nothing.

    So a forecast without a context is NaN, and no number out of nothing.

    >>> from wavetrain.tables.windows import measures
    >>> level, scale = measures(torch.tensor([[[1.0], [torch.nan], [3.0]]]))
    >>> level.item(), scale.item()
    (2.0, 1.0)
    """
    level = context.nanmean(1).nan_to_num(0.0)
    deviation = ((context - level[:, None]) ** 2).nanmean(1).sqrt()
    return level, deviation.clamp(min=LEAST).maximum(FLAT * level.abs())


def filled(
    values: Float[Tensor, "batch rows columns"], missing: Bool[Tensor, "batch rows columns"]
) -> Float[Tensor, "batch rows columns"]:
    """The last number before each that is missing, 0 where there is none: never one that comes later.

    >>> from wavetrain.tables.windows import filled
    >>> row = torch.tensor([[torch.nan, 1.0, torch.nan, torch.nan, 100.0]])[..., None]
    >>> filled(row, row.isnan()).flatten().tolist()
    [0.0, 1.0, 1.0, 1.0, 100.0]
    """
    steps = torch.arange(values.shape[1], device=values.device)[:, None]
    last = torch.where(missing, -1, steps).cummax(1).values
    return values.nan_to_num(0.0).gather(1, last.clamp(min=0)) * (last >= 0)
