"""A state: a tensor or a nested tuple of tensors, batch first, that is handed from one step to the next."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Inexact
from torch import Tensor

from wavetrain.core.across import in_one_piece

State = Any  # a tensor or a (nested) tuple of tensors, batch first


def map_state(function: Callable[..., Any], state: State, *others: State) -> State:
    """Apply a function to each tensor of a nested state, or to the matching tensors of several.

    >>> from wavetrain.core import map_state
    >>> state = (torch.zeros(2, 3), torch.ones(2))
    >>> map_state(lambda part: tuple(part[:1].shape), state)  # the first sequence of a batch
    ((1, 3), (1,))
    >>> map_state(torch.equal, state, state)
    (True, True)
    """
    if isinstance(state, tuple):
        return tuple(map_state(function, *parts) for parts in zip(state, *others, strict=True))
    return function(state, *others)


def leaves(state: State) -> list[Tensor]:
    """The tensors of a nested state, in order.

    >>> from wavetrain.core import leaves
    >>> state = (torch.zeros(2, 3), (torch.zeros(2), torch.zeros(2, 5)))
    >>> [tuple(part.shape) for part in leaves(state)]
    [(2, 3), (2,), (2, 5)]
    """
    if isinstance(state, tuple):
        return [leaf for part in state for leaf in leaves(part)]
    return [state]


def detached(state: State) -> State:
    """The same state, through which no gradient goes back: what is handed on where training is cut in time.

    >>> from wavetrain.core import detached
    >>> state = (torch.zeros(2, 3, requires_grad=True) + 1, torch.ones(2))
    >>> [part.requires_grad for part in detached(state)]
    [False, False]
    """
    return map_state(Tensor.detach, state)


def unroll(
    step: Callable[[Tensor, State], tuple[Tensor, State]],
    x: Inexact[Tensor, "batch time *inputs"],
    state: State,
) -> tuple[Inexact[Tensor, "batch time *outputs"], State]:
    """Walk a step over time: x and a first state give y and the last state.

    >>> from wavetrain.core import unroll
    >>> step = lambda x, h: (h + x, h + x)
    >>> y, last = unroll(step, torch.tensor([[1.0, 2.0, 3.0]]), torch.zeros(1))
    >>> y, last
    (tensor([[1., 3., 6.]]), tensor([6.]))
    """
    in_one_piece("unroll")
    outputs = []
    for now in x.unbind(1):
        y, state = step(now, state)
        outputs.append(y)
    return torch.stack(outputs, 1), state
