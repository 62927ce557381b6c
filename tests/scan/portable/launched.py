"""How many operations PyTorch launches, counted on a device without memory, where none of them costs time."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

EMPTY = ("empty", "new_empty", "empty_like", "empty_strided", "_unsafe_view")


class Launched(TorchDispatchMode):
    """Counts operations that compute: no views, and no memory that is only taken."""

    def __init__(self) -> None:
        super().__init__()
        self.many = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.split("::")[-1]
        self.many += not func.is_view and name not in EMPTY
        return func(*args, **(kwargs or {}))


def launched(run: Callable[..., tuple[Tensor, Tensor]], inputs: list[Tensor]) -> tuple[int, int]:
    """The operations of run(*inputs) on a device without kernels, and those of the way back."""
    inputs = [x.detach().to("meta").requires_grad_() for x in inputs]
    with Launched() as forward:
        y, last = run(*inputs)
    towards = [torch.empty_like(y), torch.empty_like(last)]
    with Launched() as back:
        torch.autograd.grad([y, last], inputs, towards)
    return forward.many, back.many
