"""Derivatives of derivatives: where a gradient must have a graph of its own, it is taken by a plain form.

A fused backward gives numbers and no graph. When one is asked for (`create_graph=True`), grad mode is on
inside `backward`, and the gradient is made again by operations that PyTorch can differentiate.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def again(
    plain: Callable[..., Tensor | tuple[Tensor, ...]],
    inputs: Sequence[Tensor | None],
    grads: Sequence[Tensor | None],
) -> tuple[Tensor | None, ...]:
    """The gradients of plain(*inputs) with their graph, from those of its outputs; None where not wanted."""
    with torch.enable_grad():
        # views, because one input may have been made of another, and each gets the gradient of itself alone
        own = [None if part is None else part.view_as(part) for part in inputs]
        outputs = plain(*own)
    outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
    pairs = [
        (output, grad)
        for output, grad in zip(outputs, grads, strict=True)
        if grad is not None and output.requires_grad
    ]
    wanted = [part for part in own if part is not None and part.requires_grad]
    if not pairs or not wanted:
        return (None,) * len(own)
    found = iter(
        torch.autograd.grad(
            [output for output, _ in pairs],
            wanted,
            [grad for _, grad in pairs],
            create_graph=True,
            allow_unused=True,
        )
    )
    return tuple(next(found) if part is not None and part.requires_grad else None for part in own)
