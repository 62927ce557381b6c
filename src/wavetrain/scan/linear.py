"""The linear recurrence of channels that do not see each other, real or complex."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Inexact
from torch import Tensor

from wavetrain.core import precision
from wavetrain.errors import BadInput
from wavetrain.scan.operators import Kernel, Walk
from wavetrain.scan.over_slices import Passing, handed_on
from wavetrain.scan.routes import HALF, Fast, chosen, kernels, recorded_as, took

HAS: tuple[Fast, ...] = ("numba", "triton", "parallel")


def _passing(a: Tensor, b: Tensor, state: Tensor | None, reset: Tensor | None) -> Passing:
    """How the state before b stands in that after it."""
    a = precision.wide(a)
    kept = a.prod(1) if a.ndim == 3 else a.expand(b.shape[1], -1).prod(0)
    return Passing(kept, None if reset is None else reset.any(1))


@handed_on("linear", _passing)
def linear(
    a: Inexact[Tensor, "batch time channels"] | Inexact[Tensor, "channels"],
    b: Inexact[Tensor, "batch time channels"],
    state: Inexact[Tensor, "batch channels"] | None = None,
    reset: Bool[Tensor, "batch time"] | None = None,
) -> tuple[Inexact[Tensor, "batch time channels"], Inexact[Tensor, "batch channels"]]:
    """The recurrence h_t = a_t h_{t-1} + b_t for each channel by itself, real or complex.

    a may be the same at all steps. `state` is h_0, zero where left out. Where `reset` is true, the state
    before that step is dropped. Returns h and its last step.

    >>> from wavetrain.scan import linear
    >>> h, last = linear(torch.tensor([0.5]), torch.ones(1, 4, 1))
    >>> h.flatten(), last  # h = h / 2 + 1
    (tensor([1.0000, 1.5000, 1.7500, 1.8750]), tensor([[1.8750]]))
    """
    _check(a, b, state, reset)
    if a.dtype == b.dtype and b.dtype in HALF and chosen(a, b, time=b.shape[1], has=HAS):
        state = b.new_zeros(b.shape[0], b.shape[2]) if state is None else state
        return _walk(a, b, state.to(precision.carried(b.dtype)), reset)  # halves as they come
    return _wide(a, b, state, reset)


@precision.door
def _wide(a: Tensor, b: Tensor, state: Tensor | None, reset: Tensor | None) -> tuple[Tensor, Tensor]:
    """In the type in which a state is carried."""
    dtypes = {part.dtype for part in (a, b, state) if part is not None}
    if len(dtypes) > 1:
        dtype = functools.reduce(torch.promote_types, dtypes)
        a, b, state = a.to(dtype), b.to(dtype), None if state is None else state.to(dtype)
    if state is None:
        state = b.new_zeros(b.shape[0], b.shape[2])
    if chosen(a, b, state, time=b.shape[1], has=HAS):
        return _walk(a, b, state, reset)
    took("linear", "plain")
    return _plain(a, b, state, reset)


def _plain(a: Tensor, b: Tensor, state: Tensor, reset: Tensor | None) -> tuple[Tensor, Tensor]:
    """Step by step: the definition."""
    steps = []
    decays = [a] * b.shape[1] if a.ndim == 1 else a.unbind(1)
    for t, (decay, now) in enumerate(zip(decays, b.unbind(1), strict=True)):
        if reset is not None:
            state = torch.where(reset[:, t, None], torch.zeros_like(state), state)
        state = decay * state + now
        steps.append(state)
    return torch.stack(steps, 1), state


def _check(a: Tensor, b: Tensor, state: Tensor | None, reset: Tensor | None) -> None:
    """Raise for what `scan.linear` cannot take."""
    if b.ndim != 3 or b.shape[1] == 0:
        raise BadInput(
            f"linear: expected b (batch, time, channels) with at least one step, got {tuple(b.shape)}"
        )
    batch, time, width = b.shape
    if a.shape not in ((width,), b.shape):
        raise BadInput(
            f"linear: expected a {tuple(b.shape)} or ({width},) to go with b, got {tuple(a.shape)}"
        )
    if state is not None and state.shape != (batch, width):
        raise BadInput(f"linear: expected state {(batch, width)}, got {tuple(state.shape)}")
    if reset is not None and (reset.shape != (batch, time) or reset.dtype != torch.bool):
        raise BadInput(
            f"linear: expected reset {(batch, time)} of bool, got {tuple(reset.shape)} of {reset.dtype}"
        )


def _forward(a: Tensor, b: Tensor, state: Tensor, reset: Tensor | None) -> tuple[Tensor, Tensor]:
    """What `linear` gives, by the kernel of the device; all in one dtype, but a wide state for halves."""
    took("linear", recorded_as(b))
    h, last = kernels("linear", b).forward(a, b, state, reset)
    return h, last


def _like_forward(a: Tensor, b: Tensor, state: Tensor, reset: Tensor | None) -> tuple[Tensor, Tensor]:
    return b.new_empty(b.shape), state.new_empty(state.shape)


def _backward(
    a: Tensor,
    state: Tensor,
    h: Tensor,
    reset: Tensor | None,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a, b and state, from those of h and its last step."""
    da, db, dstate = kernels("linear", h).backward(a, state, h, reset, grad, grad_last)
    return da, db, dstate


def _like_backward(
    a: Tensor,
    state: Tensor,
    h: Tensor,
    reset: Tensor | None,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    return h.new_empty(a.shape), h.new_empty(h.shape), state.new_empty(state.shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    a, _, state, reset = inputs
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(a, state, output[0], reset)


def _gradient(
    ctx: Any, back: Callable[..., Any], grad: Tensor | None, grad_last: Tensor | None
) -> tuple[Tensor | None, ...]:
    of: Callable[..., Any] = _again if torch.is_grad_enabled() else back
    return *of(*ctx.saved_tensors, grad, grad_last), None


def _again(
    a: Tensor,
    state: Tensor,
    h: Tensor,
    reset: Tensor | None,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients with a graph of their own: what comes back is the same recurrence, from the end."""
    dropped = h.new_zeros(h.shape[:2], dtype=torch.bool) if reset is None else reset
    dropped = dropped.unsqueeze(-1)
    back = a.conj().expand_as(h).masked_fill(dropped, 0)  # from each step to the one before
    grad = torch.zeros_like(h) if grad is None else grad
    if grad_last is not None:
        grad = torch.cat([grad[:, :-1], grad[:, -1:] + grad_last.unsqueeze(1)], 1)
    none = torch.zeros_like(back[:, :1])
    later = torch.cat([back[:, 1:], none], 1).flip(1)
    db = _walk(later, grad.flip(1), none[:, 0], None)[0].flip(1)
    da = db * torch.cat([state.unsqueeze(1), h[:, :-1]], 1).masked_fill(dropped, 0).conj()
    return da if a.ndim == 3 else da.sum((0, 1)), db, back[:, 0] * db[:, 0]


_walk = Kernel(
    "linear", Walk(_forward, _like_forward), Walk(_backward, _like_backward), keep=_keep, gradient=_gradient
)
