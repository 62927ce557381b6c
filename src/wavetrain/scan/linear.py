"""The linear recurrence of channels that do not see each other, real or complex."""

from typing import Any

import torch
from jaxtyping import Bool, Inexact
from torch import Tensor

from wavetrain.core import precision
from wavetrain.errors import BadInput
from wavetrain.scan.cpu import host
from wavetrain.scan.routes import fast, took, whole


@whole
@precision.door
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
    dtype = torch.result_type(a, b)
    if state is None:
        state = b.new_zeros(b.shape[0], b.shape[2], dtype=dtype)
    dtype = torch.promote_types(dtype, state.dtype)
    a, b, state = a.to(dtype), b.to(dtype), state.to(dtype)
    if fast(a, b, state):
        took("linear", "numba")
        return _Linear.apply(a, b, state, reset)
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


class _Linear(torch.autograd.Function):
    """The numba route of `scan.linear`; takes and gives what `linear` does, in one dtype."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, state: Tensor, reset: Tensor | None) -> tuple[Tensor, Tensor]:
        from wavetrain.scan.cpu.linear import TILE, forward

        batch, time, width = b.shape
        h = host.fresh(b.shape, b.dtype)
        reset = torch.zeros(batch, time, dtype=torch.bool) if reset is None else reset
        decay = a if a.ndim == 3 else a[None, None]  # (B, T, D) or (1, 1, D)
        arrays = [host.array(decay), host.array(b), host.array(state), host.array(reset), h.numpy()]
        pieces = host.tiles(batch, width, TILE // b.element_size())
        host.spread(lambda piece: forward(*arrays, *piece), pieces, b.numel())
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(a, state, h, reset)
        return h, h[:, -1].clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_last: Tensor | None) -> tuple[Tensor | None, ...]:
        from wavetrain.scan.cpu.linear import TILE, backward

        a, state, h, reset = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *_again(a, state, h, reset, grad, grad_last), None
        batch, _, width = h.shape
        decay = a if a.ndim == 3 else a[None, None]
        da = host.fresh(h.shape if a.ndim == 3 else (batch, 1, width), h.dtype)
        db, dstate = host.fresh(h.shape, h.dtype), host.fresh(state.shape, h.dtype)
        grad = h.new_zeros(batch, 0, width) if grad is None else grad
        grad_last = torch.zeros_like(state) if grad_last is None else grad_last
        inputs = [
            host.array(decay),
            host.array(h),
            host.array(state),
            host.array(reset),
            host.array(grad),
            host.array(grad_last),
        ]
        arrays = [*inputs, da.numpy(), db.numpy(), dstate.numpy()]
        pieces = host.tiles(batch, width, TILE // h.element_size())
        host.spread(lambda piece: backward(*arrays, *piece), pieces, h.numel())
        return da if a.ndim == 3 else da.sum((0, 1)), db, dstate, None


def _again(
    a: Tensor, state: Tensor, h: Tensor, reset: Tensor, grad: Tensor | None, grad_last: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients with a graph of their own: what comes back is the same recurrence, from the end."""
    dropped = reset.unsqueeze(-1)
    back = a.conj().expand_as(h).masked_fill(dropped, 0)  # from each step to the one before
    grad = torch.zeros_like(h) if grad is None else grad
    if grad_last is not None:
        grad = torch.cat([grad[:, :-1], grad[:, -1:] + grad_last.unsqueeze(1)], 1)
    none = torch.zeros_like(back[:, :1])
    later = torch.cat([back[:, 1:], none], 1).flip(1)
    db = _Linear.apply(later, grad.flip(1), none[:, 0], None)[0].flip(1)
    da = db * torch.cat([state.unsqueeze(1), h[:, :-1]], 1).masked_fill(dropped, 0).conj()
    return da if a.ndim == 3 else da.sum((0, 1)), db, back[:, 0] * db[:, 0]
