"""A state: a tensor or a nested tuple of tensors, batch first, that is handed from one step to the next."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

State = Any  # a tensor or a (nested) tuple of tensors, batch first


def map_state(function: Callable[..., Any], state: State, *others: State) -> State:
    """Apply a function to each tensor of a nested state, or to the matching tensors of several."""
    if isinstance(state, tuple):
        return tuple(map_state(function, *parts) for parts in zip(state, *others, strict=True))
    return function(state, *others)


def leaves(state: State) -> list[Tensor]:
    """The tensors of a nested state, in order."""
    if isinstance(state, tuple):
        return [leaf for part in state for leaf in leaves(part)]
    return [state]


def unroll(
    step: Callable[[Tensor, State], tuple[Tensor, State]], x: Tensor, state: State
) -> tuple[Tensor, State]:
    """Walk a step over time: x (B, T, ...) and a first state give y (B, T, ...) and the last state."""
    outputs = []
    for now in x.unbind(1):
        y, state = step(now, state)
        outputs.append(y)
    return torch.stack(outputs, 1), state
