"""What a forecast starts from, without a network: a mean, the last value, the latest season, or a line.

All are read from a window in its own units. A network adds to one of them, so that levels and trends which
training has never seen cost it nothing. Which one is chosen by their errors (`Forecaster._chosen`).

    level     the mean of the context
    smoothed  its exponentially weighted mean: a row counts 1 - rate times as much as the row after it
    last      the last value
    season    y[t + h] = y[t + h - m], the latest m that is past
    line      the last value, and a ridge regression of what follows on how the rows before it differ from it
"""

import enum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view

from wavetrain.tables.lags import latest_of_phase
from wavetrain.tables.least_squares import ridge
from wavetrain.tables.windows import Window

RATES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)  # of smoothing; 0 is the mean of the context, and 1 the last value
ALPHAS = (1e-10, 1e-6, *(10.0**power for power in range(-4, 5)))  # of the ridge, for a matrix of unit scale


class Kind(enum.Enum):
    LEVEL = "level"
    SMOOTHED = "smoothed"
    LAST = "last"
    SEASON = "season"
    LINE = "line"


class Base(NamedTuple):
    """A start, with what it knows."""

    kind: Kind
    context: int
    horizon: int
    targets: tuple[int, ...]  # columns
    season: int = 1  # rows
    # (targets, lags + 1, horizon) of the line, the constant last; (context,) of smoothing, the oldest first
    weight: np.ndarray | None = None

    def read(
        self, seen: Float[np.ndarray, "batch rows columns"]
    ) -> Float[np.ndarray, "batch origins horizon targets"]:
        """The forecasts at each origin, from rows that are filled."""
        mine = seen[..., self.targets]
        origins = seen.shape[1] - self.context + 1
        shape = (len(mine), origins, self.horizon, len(self.targets))
        if self.kind is Kind.LEVEL:
            return np.zeros(shape)
        if self.kind is Kind.LAST:
            return np.repeat(mine[:, self.context - 1 :, None], self.horizon, 2)
        if self.kind is Kind.SEASON:
            ends = self.context + np.arange(origins)
            return mine[:, ends[:, None] + latest_of_phase(self.horizon, self.season)]
        assert self.weight is not None
        if self.kind is Kind.SMOOTHED:
            mean = sliding_window_view(mine, self.context, 1) @ self.weight  # (batch, origins, targets)
            return np.repeat(mean[:, :, None], self.horizon, 2)
        last, lags = _lags(mine, self.weight.shape[1] - 1, origins)
        found = lags.swapaxes(1, 2) @ self.weight  # (batch, targets, origins, horizon)
        return last[:, :, None] + found.transpose(0, 2, 3, 1)


def _lags(
    values: Float[np.ndarray, "batch rows targets"], lags: int, origins: int
) -> tuple[
    Float[np.ndarray, "batch origins targets"],
    Float[np.ndarray, "batch origins targets inputs"],
]:
    """The last value at each origin, and the rows before less that value, oldest first, and a one."""
    if origins == 1:  # of a stream, row by row: a view by hand is quicker
        parts = values[:, None, -lags - 1 :].swapaxes(2, 3)
    else:
        parts = sliding_window_view(values, lags + 1, 1)[:, -origins:]  # (batch, origins, targets, lags + 1)
    read = parts - parts[..., -1:]
    read[..., -1] = 1.0
    return parts[..., -1], read


def fitted_smoothing(train: Window, base: Base) -> Base:
    """The exponentially weighted mean with the rate that errs least on the windows to learn from."""
    ages = np.arange(base.context)[::-1]
    found = []
    for rate in RATES:
        weight = (1 - rate) ** ages
        found.append(base._replace(kind=Kind.SMOOTHED, weight=weight / weight.sum()))
    return min(found, key=lambda one: error(one, train))


def fitted_line(train: Window, valid: Window, base: Base, lags: int) -> Base:
    """The line with the alpha that errs least on the validation windows."""
    wanted, weigh = train.wanted.numpy(), train.weight.numpy()
    last, x = _lags(train.seen.numpy()[..., base.targets], lags, wanted.shape[1])
    y = wanted - last[:, :, None]
    found = []
    for target in range(len(base.targets)):
        mine = weigh[:, None, target, None]
        each = x[:, :, target]
        each *= mine  # in place: there are many
        rows = each.reshape(-1, lags + 1)
        answers = (y[..., target] * mine).reshape(-1, base.horizon)
        whole = ~np.isnan(answers).any(-1)
        if not whole.all():
            rows, answers = rows[whole], answers[whole]
        found.append(ridge(rows, answers, ALPHAS))
    lines = [base._replace(kind=Kind.LINE, weight=weight) for weight in np.stack(found, 1)]
    return min(lines, key=lambda line: error(line, valid))


def error(base: Base, *windows: Window) -> float:
    """The mean absolute error over all forecasts, weighed as the windows say."""
    return float(np.nanmean(np.concatenate([_errors(base, one).reshape(-1) for one in windows])))


def better(base: Base, other: Base, window: Window) -> bool:
    """Whether a base errs less than another by more than a standard error of the difference.

    Forecasts of `horizon` rows that begin one row after another overlap, so as many count as one.
    """
    gains = _errors(other, window) - _errors(base, window)
    told = np.isfinite(gains).any((1, 2, 3))
    apart = np.nanmean(gains[told], axis=(1, 2, 3))
    alone = max(1.0, len(apart) / base.horizon)
    return bool(len(apart) and apart.mean() > apart.std() / np.sqrt(alone))


def _errors(base: Base, window: Window) -> Float[np.ndarray, "batch origins horizon targets"]:
    apart = base.read(window.seen.numpy()) - window.wanted.numpy()
    return np.abs(apart) * window.weight.numpy()[:, None, None]
