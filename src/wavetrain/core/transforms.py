"""Whether a transform of torch.func is at work, here or in a graph that is written down."""

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd import forward_ad


def at_work() -> bool:
    """Whether we are inside `vmap`, `grad`, `jvp` or another transform, whatever tensors are at hand.

    PyTorch has no public question for it, but refuses there a function whose gradient is in the older form.
    """
    try:
        _Older.apply()
    except RuntimeError:
        return True
    return False


def at_writing(function: Callable[[], bool]) -> Callable[[], bool]:
    """A function that torch.compile calls while it writes a graph down, in place of looking into it."""
    marked: Callable[[], bool] = torch.compiler.assume_constant_result(function)
    return marked


@at_writing
def derived_in_graph() -> bool:
    """Whether the graph that is written down now has derivatives inside, by torch.func or forward mode."""
    if at_work():
        return True
    try:
        forward_ad.make_dual(torch.zeros(()), torch.zeros(()))
    except RuntimeError:  # there is no level
        return False
    return True


class _Older(torch.autograd.Function):
    """Of nothing."""

    @staticmethod
    def forward(ctx: Any) -> None:
        return None

    @staticmethod
    def backward(ctx: Any) -> None:
        return None
