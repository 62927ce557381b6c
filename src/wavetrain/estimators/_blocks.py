"""Blocks of a stream: from a context on, some rows in its units, each with the forecast behind it."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from wavetrain.core import State
from wavetrain.tables.windows import Window, filled, measures

if TYPE_CHECKING:
    from wavetrain.estimators._fitted import FittedForecaster

TOGETHER = 128  # blocks that are read side by side


class Opened(NamedTuple):
    """Blocks from their contexts on."""

    value: np.ndarray  # (blocks, rows, horizon, targets) in the units of the file
    rows: np.ndarray  # (blocks, context and rows, columns)
    seen: np.ndarray  # the same, filled, in units of the context
    level: np.ndarray  # (blocks, columns)
    scale: np.ndarray
    state: State


def opened(model: "FittedForecaster", windows: np.ndarray, ahead: np.ndarray) -> Opened:
    """Blocks from windows (blocks, context and rows, columns), with what is known ahead of each row."""
    rows = torch.from_numpy(windows)
    level, scale = measures(rows[:, : model.context_])
    units, gaps = (rows - level[:, None]) / scale[:, None], rows.isnan()
    none = rows.new_zeros(0)
    window = Window(filled(units, gaps), gaps, torch.from_numpy(ahead), none, level, scale, none)
    forecast, state = model.network_.told(window)
    value = window.restored(forecast, list(model.base_.targets)).numpy()
    return Opened(value, windows, window.seen.numpy(), level.numpy(), scale.numpy(), state)


def unmeasured(rows: np.ndarray, context: int) -> np.ndarray:
    """Whether nothing was measured in the rows of a context, (windows, columns), of rows (time, columns).

    >>> from wavetrain.estimators._blocks import unmeasured
    >>> unmeasured(np.array([[1.0], [np.nan], [np.nan], [2.0]]), 2).ravel().tolist()
    [False, True, False]
    """
    known = np.cumsum(~np.isnan(rows), 0)
    before = np.concatenate([np.zeros((1, rows.shape[1]), int), known[:-context]])
    return known[context - 1 :] == before
