"""One row of each of several streams, read side by side: a call costs more than what it computes."""

from collections.abc import Sequence

import numpy as np
import torch

from wavetrain.core import leaves, map_state
from wavetrain.estimators._blocks import TOGETHER, opened
from wavetrain.estimators._series_model import Behind
from wavetrain.estimators._stream import ForecastStream
from wavetrain.tables.windows import anchors


@torch.inference_mode()
def pushed(streams: Sequence[ForecastStream], rows: np.ndarray, ahead: np.ndarray) -> Behind:
    """What each stream says behind its row: rows (streams, columns) with phases, ahead (streams, ...)."""
    model, targets = streams[0].model, list(streams[0].model.base_.targets)
    value = np.empty((len(streams), model.horizon, len(targets)))
    scale = np.empty((len(streams), 1, len(targets)))
    for stream in streams:
        stream.count += 1
    counts = np.array([stream.count for stream in streams])
    begins = anchors(counts, model.context_, model.origins_) == counts
    groups = [np.flatnonzero(begins), *_alike(streams, np.flatnonzero(~begins))]
    for group in groups:
        for first in range(0, len(group), TOGETHER):
            part = group[first : first + TOGETHER]
            read = _begun if begins[part[0]] else _gone_on
            value[part], scale[part] = read([streams[place] for place in part], rows[part], ahead[part])
    for place, stream in enumerate(streams):
        if np.isnan(rows[place, targets]).any():
            past = stream.rows[stream.held - model.context_ : stream.held, targets]
            value[place][:, np.isnan(past).all(0)] = np.nan
    return Behind(value, scale)


def _alike(streams: Sequence[ForecastStream], places: np.ndarray) -> list[np.ndarray]:
    """Places of streams whose states have the same shapes: that of attention grows with what was read."""
    found: dict[tuple[torch.Size, ...], list[int]] = {}
    for place in places.tolist():
        shapes = tuple(part.shape for part in leaves(streams[place].state))
        found.setdefault(shapes, []).append(place)
    return [np.array(group) for group in found.values()]


def _begun(streams: list[ForecastStream], rows: np.ndarray, ahead: np.ndarray) -> Behind:
    """New blocks."""
    model = streams[0].model
    past = [stream.rows[stream.held - model.context_ + 1 : stream.held] for stream in streams]
    windows = np.concatenate([np.stack(past), rows[:, None]], 1)
    found = opened(model, windows, ahead[:, None])
    for place, stream in enumerate(streams):
        stream.take(found, place)
    return Behind(found.value[:, 0], found.scale[:, None, list(model.base_.targets)])


def _gone_on(streams: list[ForecastStream], rows: np.ndarray, ahead: np.ndarray) -> Behind:
    """A further row of each block."""
    model, network = streams[0].model, streams[0].model.network_
    level, scale = (np.stack([getattr(stream, name) for stream in streams]) for name in ("level", "scale"))
    units = (rows - level) / scale
    before = np.stack([stream.seen[stream.held - 1] for stream in streams])
    seen = np.where(np.isnan(units), before, units)
    for stream, row, units_of_row in zip(streams, rows, seen, strict=True):
        stream.rows[stream.held], stream.seen[stream.held] = row, units_of_row
        stream.held += 1
    state = map_state(lambda *parts: torch.cat(parts), *(stream.state for stream in streams))
    read = network.read(seen[:, None], np.isnan(rows)[:, None], level[:, None], scale[:, None])
    told, state = network.step(read[:, 0], state)
    for place, stream in enumerate(streams):
        stream.state = map_state(lambda part, place=place: part[place : place + 1], state)
    windows = np.stack([stream.seen[stream.held - model.context_ : stream.held] for stream in streams])
    added = network.added(told[:, None], torch.from_numpy(ahead)[:, None]).numpy()
    targets = list(model.base_.targets)
    mine = scale[:, None, targets]
    value = (network.base.read(windows) + added)[:, 0] * mine + level[:, None, targets]
    return Behind(value, mine)
