"""Fused walks as operators that PyTorch knows, so that a graph holds them whole.

A walk is a function from tensors to new tensors, and so is the way back for its gradient. Called as usual,
the walk is that function, or with its way back a `torch.autograd.Function`, at some microseconds a call.
While torch.compile or torch.export writes a graph down it is the operator `wavetrain::NAME`, with the
gradient `wavetrain::NAME_backward`: a node of the graph each, of which PyTorch knows by a fake what it gives
without running it.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import forward_ad

from wavetrain.errors import BadInput

Gradients = tuple[Tensor | None, ...]


class Walk(NamedTuple):
    """A function from tensors to new tensors, and its fake, which gives empty ones of the same kind.

    Both take the same arguments, whose kinds PyTorch reads from the annotations of `run`. The results share
    no memory with the arguments or each other, and have the strides of those of the fake, whatever comes.
    """

    run: Callable[..., Any]
    fake: Callable[..., Any]


def operator(name: str, walk: Walk) -> Callable[..., Any]:
    """`walk` as wavetrain::name, which can be called by its name after an import of this package too."""

    @functools.wraps(walk.run)
    def run(*inputs: Any) -> Any:
        parts = [part for part in inputs if isinstance(part, Tensor)]
        if any(forward_ad.unpack_dual(part).tangent is not None for part in parts):
            raise BadInput(
                f"{name}: expected no tangents of forward mode in a graph that was written down without "
                "them; compile inside of the dual level, or not at all"
            )
        return walk.run(*inputs)

    made = torch.library.custom_op(f"wavetrain::{name}", run, mutates_args=())
    made.register_fake(walk.fake)
    called: Callable[..., Any] = getattr(torch.ops.wavetrain, name).default
    return called


def fixed(name: str, walk: Walk) -> Callable[..., Any]:
    """A walk that has no gradient: the operator while a graph is written down, else the function itself."""
    whole = operator(name, walk)

    def call(*inputs: Any) -> Any:
        return whole(*inputs) if torch.compiler.is_compiling() else walk.run(*inputs)

    return call


def learns(*tensors: Tensor | None) -> bool:
    """Whether a walk keeps what its way back needs; of an exported graph that may be asked later."""
    if not torch.is_grad_enabled():
        return False
    if torch.compiler.is_exporting():
        return True
    return any(tensor is not None and tensor.requires_grad for tensor in tensors)


SPARE = 2  # numbers more than marks need


def empty_marks(like: Tensor, *shape: int) -> Tensor:
    """An empty tensor for states that a walk keeps on its way, in one row.

    They are counted in chunks of steps, and PyTorch would ask whether a size is 0 or 1, and write another
    graph down for the lengths where it is; with some to spare it never is.
    """
    return like.new_empty(math.prod(shape) + SPARE)


def marks(row: Tensor, *shape: int) -> Tensor:
    """The states in a row of `empty_marks`, as they are; raises BadInput where they were not kept."""
    if len(row) != math.prod(shape) + SPARE:
        raise BadInput(
            f"expected the states at {shape[1]} marks for a gradient, got none; where this graph was written "
            "down no gradients were asked for"
        )
    return row[:-SPARE].view(shape)


class Kernel:
    """A walk with a gradient; called with what its forward takes, it gives what that gives.

        keep(ctx, inputs, output)      saves what the gradient needs; names outputs that have none themselves
        gradient(ctx, back, *grads)    the gradients of the inputs; `back` is the backward walk

    Where gradients must have a graph of their own, grad mode is on inside `gradient`, as in any backward. The
    last `aside` arguments are for `keep` alone, which goes without them in a graph that is written down:
    functions, for example, are no arguments of an operator.
    """

    def __init__(
        self,
        name: str,
        forward: Walk,
        backward: Walk,
        *,
        keep: Callable[..., None],
        gradient: Callable[..., Gradients],
        aside: int = 0,
    ):
        back = operator(f"{name}_backward", backward)
        self.operator = operator(name, forward)
        torch.library.register_autograd(
            f"wavetrain::{name}",
            lambda ctx, *grads: gradient(ctx, back, *grads),
            setup_context=keep,
        )
        self.function = _function(name, forward, backward, keep, gradient, aside)
        self.run, self.aside = forward.run, aside

    def __call__(self, *inputs: Any) -> Any:
        if torch.compiler.is_compiling():
            return self.operator(*inputs[: len(inputs) - self.aside])
        if torch.is_grad_enabled() and any(isinstance(x, Tensor) and x.requires_grad for x in inputs):
            return self.function.apply(*inputs)
        return self.run(*inputs[: len(inputs) - self.aside])


def _function(
    name: str,
    forward: Walk,
    backward: Walk,
    keep: Callable[..., None],
    gradient: Callable[..., Gradients],
    aside: int,
) -> Any:
    """The walk outside of graphs. In this older form PyTorch calls it at half the cost of the newer one."""

    def run(ctx: Any, *inputs: Any) -> Any:
        output = forward.run(*inputs[: len(inputs) - aside])
        keep(ctx, inputs, output)
        return output

    def back(ctx: Any, *grads: Tensor | None) -> Gradients:
        return gradient(ctx, backward.run, *grads)

    return type(
        name, (torch.autograd.Function,), {"forward": staticmethod(run), "backward": staticmethod(back)}
    )
