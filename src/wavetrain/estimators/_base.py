"""What a forecast starts from, without a network: the last value, the latest season, or a line.

All are read from a window in its own units. A network adds to one of them, so that levels and trends which
training has never seen cost it nothing. Which one is chosen by its error on the validation part.

    level     the mean of the context
    last      the last value
    season    y[t + h] = y[t + h - m], the latest m that is past
    line      the last value, and a ridge regression of what follows on how the rows before it differ from it
"""

import enum
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.tables.windows import Window

ALPHAS = (1e-10, 1e-6, *(10.0**power for power in range(-4, 5)))  # of the ridge, for a matrix of unit scale


class Kind(enum.Enum):
    LEVEL = "level"
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
    weight: Tensor | None = None  # (targets, lags + 1, horizon) of the line, the constant last

    def read(
        self, seen: Float[Tensor, "batch rows columns"]
    ) -> Float[Tensor, "batch origins horizon targets"]:
        """The forecasts at each origin, from rows that are filled."""
        mine = seen[..., list(self.targets)]
        origins = seen.shape[1] - self.context + 1
        if self.kind is Kind.LEVEL:
            return mine.new_zeros(len(mine), origins, self.horizon, mine.shape[-1])
        if self.kind is Kind.LAST:
            last = mine[:, self.context - 1 :, None]
            return last.expand(-1, -1, self.horizon, -1)
        if self.kind is Kind.SEASON:
            return mine[:, season_rows(self.context, origins, self.horizon, self.season)]
        assert self.weight is not None
        last, lags = _lags(mine, self.weight.shape[1] - 1, origins)
        return last[:, :, None] + torch.einsum("bokl,klh->bohk", lags, self.weight.to(lags))


def season_rows(context: int, origins: int, horizon: int, season: int) -> Tensor:
    """Which row of a window stands for each step ahead, (origins, horizon): the latest of its phase."""
    ahead = torch.arange(horizon) % season - season
    return context + torch.arange(origins)[:, None] + ahead


def _lags(
    values: Float[Tensor, "batch rows targets"], lags: int, origins: int
) -> tuple[Float[Tensor, "batch origins targets"], Float[Tensor, "batch origins targets inputs"]]:
    """The last value at each origin, and the rows before less that value, oldest first, and a one."""
    parts = values.unfold(1, lags + 1, 1)[:, -origins:]  # (batch, origins, targets, lags + 1)
    last = parts[..., -1]
    return last, torch.nn.functional.pad(parts[..., :-1] - last[..., None], (0, 1), value=1.0)


def fitted_line(train: Window, valid: Window, base: Base, lags: int) -> Base:
    """The line with the alpha that errs least on the validation windows."""
    last, x = _lags(train.seen[..., list(base.targets)], lags, train.wanted.shape[1])
    y = train.wanted - last[:, :, None]
    lines = [base._replace(kind=Kind.LINE, weight=_ridge(x, y, train.weight, alpha)) for alpha in ALPHAS]
    return min(lines, key=lambda line: error(line, valid))


def _ridge(x: Tensor, y: Tensor, weight: Tensor, alpha: float) -> Tensor:
    """Weights (targets, inputs, horizon) by least squares over all origins whose answers are all known."""
    weights = []
    for target in range(x.shape[2]):
        weigh = weight[:, target, None, None]
        rows, answers = (x[:, :, target] * weigh).flatten(0, 1), (y[..., target] * weigh).flatten(0, 1)
        whole = ~answers.isnan().any(-1)
        rows, answers = rows[whole], answers[whole]
        price = alpha * len(rows) * torch.eye(rows.shape[1], dtype=rows.dtype)
        price[-1, -1] = 1e-8  # the constant is free
        weights.append(torch.linalg.solve(rows.mT @ rows + price, rows.mT @ answers))
    return torch.stack(weights)


def error(base: Base, window: Window) -> float:
    """The mean absolute error, weighed as the windows say."""
    apart = (base.read(window.seen) - window.wanted) * window.weight[:, None, None]
    return float(apart.abs().nanmean())
