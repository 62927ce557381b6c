"""Whether a transform of torch.func is at work on tensors."""

import torch
from torch import Tensor


def at_work(*tensors: Tensor) -> bool:
    """Whether any of them is inside `vmap`, `grad`, `jvp` or another transform of torch.func.

    Those are wrapped, and have no numbers that could be looked at.
    """
    return any(torch.func.debug_unwrap(tensor, recurse=False) is not tensor for tensor in tensors)
