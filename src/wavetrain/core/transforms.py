"""Whether a transform of torch.func is at work."""

import torch


def at_work() -> bool:
    """Whether we are inside `vmap`, `grad`, `jvp` or another transform, whatever tensors are at hand.

    PyTorch has no public way to ask: this is the one place of ours that asks its private one.
    """
    return torch._C._functorch.peek_interpreter_stack() is not None
