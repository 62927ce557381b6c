"""Answers at some of the steps alone.

ASKED   class 0 says that nothing is asked at a step, which is then neither learned nor scored
SIGNS   answers of +1 and -1, 0 where nothing is asked; `bound` makes sequences from their own past
"""

import torch
from torch import Tensor

from wavetrain.core import CLASSES, VALUES, Batch, Objective


def _asked(output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The steps with an answer, and the classes above 0: (N, outputs - 1) and (N,)."""
    asked = y > 0
    return output[asked][:, 1:], y[asked] - 1


def _loss(output: Tensor, y: Tensor) -> Tensor:
    return CLASSES.loss(*_asked(output, y))


def _score(output: Tensor, y: Tensor) -> Tensor:
    return CLASSES.score(*_asked(output, y))


def _count(y: Tensor) -> Tensor:
    return (y > 0).sum()


ASKED = Objective("accuracy", True, _loss, _score, _count)


def _signs_loss(output: Tensor, y: Tensor) -> Tensor:
    return VALUES.loss(output[y != 0], y[y != 0])


def _signs_score(output: Tensor, y: Tensor) -> Tensor:
    return ((output > 0) == (y > 0))[y != 0].double().mean()


def _signs_count(y: Tensor) -> Tensor:
    return (y != 0).sum()


SIGNS = Objective("signs", True, _signs_loss, _signs_score, _signs_count)


def bound(boundary: Tensor, batch: int, horizon: int, generator: torch.Generator) -> Batch:
    """Binding variables: s random vectors of +1 and -1 are given, and each later one is made of the last s.

    The boundary F (s d, d) gives u_t = [u_{t-s}, ..., u_{t-1}] F. x (B, s + horizon, d) is u for s steps and
    then 0; y alike is u where x is 0, and 0 before, where nothing is asked.
    """
    size, width = boundary.shape
    history = size // width
    rows = 2.0 * torch.randint(2, (batch, history, width), generator=generator) - 1
    u = list(rows.unbind(1))
    for _ in range(horizon):
        u.append(torch.cat(u[-history:], 1) @ boundary)
    x = torch.cat([rows, rows.new_zeros(batch, horizon, width)], 1)
    return Batch(x, torch.cat([torch.zeros_like(rows), *(one.unsqueeze(1) for one in u[history:])], 1))
