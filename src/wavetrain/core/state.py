"""A state: a tensor or a nested tuple of tensors, batch first, that is handed from one step to the next."""

from collections.abc import Callable
from typing import Any

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
