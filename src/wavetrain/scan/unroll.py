"""A step walked over time: the definition of every recurrence."""

from collections.abc import Callable

import torch
from torch import Tensor

from wavetrain.core import State


def unroll(
    step: Callable[[Tensor, State], tuple[Tensor, State]], x: Tensor, state: State
) -> tuple[Tensor, State]:
    """Walk a step over time: x (B, T, ...) and a first state give y (B, T, ...) and the last state."""
    outputs = []
    for now in x.unbind(1):
        y, state = step(now, state)
        outputs.append(y)
    return torch.stack(outputs, 1), state
