"""The unitary recurrence: complex states that turn by angles of the input."""

import math
from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from wavetrain.core import precision
from wavetrain.errors import BadInput
from wavetrain.scan._twice import again
from wavetrain.scan.cpu import host
from wavetrain.scan.routes import asked_for_plain, fast, took, whole


@whole
@precision.door
def unitary(
    theta: Float[Tensor, "batch time states channels"],
    w: Float[Tensor, "batch time channels"],
    b: Complex[Tensor, "states"],
    c: Complex[Tensor, "states"],
    state: Complex[Tensor, "batch states channels"] | None = None,
) -> tuple[Float[Tensor, "batch time channels"], Complex[Tensor, "batch states channels"]]:
    """The recurrence h_t = exp(i theta_t) h_{t-1} + b w_t of N states in each channel, y_t = Re(c . h_t).

    b and c are shared by the channels. `state` is h_0, zero where left out. Returns y and the last h. Turns
    commute, so that where there is no fused walk the recurrence comes apart into prefix sums.

    >>> from wavetrain.scan import unitary
    >>> quarter = torch.full((1, 5, 1, 1), torch.pi / 2)  # a quarter turn at each step
    >>> one, pulse = torch.ones(1, dtype=torch.complex64), torch.eye(5)[:1, :, None]
    >>> y, h = unitary(quarter, pulse, one, one)
    >>> y.flatten().round().int()  # after four steps the pulse is there again
    tensor([ 1,  0, -1,  0,  1], dtype=torch.int32)
    """
    _check(theta, w, b, c, state)
    if state is None:
        state = b.new_zeros(len(theta), *theta.shape[2:])
    if asked_for_plain():
        took("unitary", "plain")
        return _plain(theta, w, b, c, state)
    if fast(theta, w, b, c, state):
        took("unitary", "numba")
        return _Unitary.apply(theta, w, b, c, state)
    took("unitary", "prefix sums")
    return _separated(theta, w, b, c, state)


def turned(angle: Float[Tensor, "*axes"]) -> Complex[Tensor, "*axes"]:
    """exp(i angle) of angles in radians.

    >>> from wavetrain.scan import turned
    >>> turned(torch.tensor([0.0, torch.pi])).real
    tensor([ 1., -1.])
    """
    return torch.complex(angle.cos(), angle.sin())


def _plain(theta: Tensor, w: Tensor, b: Tensor, c: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Step by step: the definition."""
    steps = []
    for angle, now in zip(theta.unbind(1), w.unbind(1), strict=True):
        state = turned(angle) * state + b[:, None] * now[:, None]
        steps.append((c[:, None] * state).sum(1).real)
    return torch.stack(steps, 1), state


def _separated(theta: Tensor, w: Tensor, b: Tensor, c: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """All steps at once. Turns commute: with G_t the sum of the angles to t,

    h_t = exp(i G_t) (h_0 + b sum_{s <= t} exp(-i G_s) w_s).
    """
    total = theta.cumsum(1, dtype=torch.float64) % (2 * math.pi)  # float32 would lose its place
    whole = turned(total.to(theta.dtype))  # (B, T, S, E)
    written = (whole.conj() * w.unsqueeze(2)).cumsum(1)
    h = whole * (state.unsqueeze(1) + b[:, None] * written)
    return (c[:, None] * h).sum(2).real, h[:, -1].clone()


def _check(theta: Tensor, w: Tensor, b: Tensor, c: Tensor, state: Tensor | None) -> None:
    """Raise for what `scan.unitary` cannot take."""
    if theta.ndim != 4 or theta.shape[1] == 0:
        raise BadInput(
            "unitary: expected theta (batch, time, states, channels) with at least one step, "
            f"got {tuple(theta.shape)}"
        )
    batch, time, size, width = theta.shape
    wanted = {"w": (w, (batch, time, width)), "b": (b, (size,)), "c": (c, (size,))}
    if state is not None:
        wanted["state"] = (state, (batch, size, width))
    for name, (given, shape) in wanted.items():
        if given.shape != shape:
            raise BadInput(f"unitary: expected {name} {shape}, got {tuple(given.shape)}")
    real, whole = {theta.dtype, w.dtype}, {given.dtype for name, (given, _) in wanted.items() if name != "w"}
    if len(real) > 1 or theta.is_complex() or whole != {theta.dtype.to_complex()}:
        raise BadInput(
            "unitary: expected theta and w real, b, c and state complex of the same precision, "
            f"got {sorted(map(str, real | whole))}"
        )


class _Unitary(torch.autograd.Function):
    """The numba route of `scan.unitary`; takes and gives what `unitary` does."""

    @staticmethod
    def forward(
        ctx: Any, theta: Tensor, w: Tensor, b: Tensor, c: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        from wavetrain.scan.cpu.unitary import CHUNK, forward

        batch, time, size, width = theta.shape
        y, last = host.fresh(w.shape, w.dtype), host.fresh((batch, 2, size, width), w.dtype)
        chunks = time // CHUNK if any(ctx.needs_input_grad) else 0
        marks = host.fresh((batch, chunks, 2, size, width), w.dtype)
        inputs = [host.array(part) for part in (theta, w, *_pairs(b, c), _apart(state))]
        arrays = [*inputs, y.numpy(), last.numpy(), marks.numpy()]
        host.spread(lambda piece: forward(*arrays, *piece), _tiles(w), 4 * theta.numel())
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(theta, w, b, c, state, last, marks)
        return y, torch.complex(*last.unbind(1))

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_last: Tensor | None) -> tuple[Tensor | None, ...]:
        from wavetrain.scan.cpu.unitary import TILE, backward

        *inputs, last, marks = ctx.saved_tensors
        if torch.is_grad_enabled():
            return again(_separated, inputs, (grad, grad_last))
        theta, w, b, c, _ = inputs
        batch, _, size, width = theta.shape
        dtheta, dw = host.fresh(theta.shape, w.dtype), host.fresh(w.shape, w.dtype)
        dstate = host.fresh(last.shape, w.dtype)
        tile = TILE // w.element_size()
        # summed tile by tile and then in order, so that the threads do not change the sum
        sums = torch.zeros(2, -(-width // tile), batch, size, 2, dtype=torch.float64)
        unread = grad is None  # nothing comes back to c
        grad = w.new_zeros(batch, 0, width) if grad is None else grad
        back = torch.zeros_like(last) if grad_last is None else _apart(grad_last)
        given = [host.array(part) for part in (theta, w, *_pairs(b, c), last, marks, grad, back)]
        arrays = [*given, dtheta.numpy(), dw.numpy(), dstate.numpy()]
        db, dc = sums.numpy()

        def work(piece: tuple[int, int, int, int]) -> None:
            backward(*arrays, db[piece[2] // tile], dc[piece[2] // tile], *piece)

        host.spread(work, _tiles(w), 8 * theta.numel())
        of_b, of_c = torch.view_as_complex(sums.sum((1, 2)))
        return (
            dtheta,
            dw,
            of_b.to(b.dtype),
            None if unread else of_c.to(c.dtype),
            torch.complex(*dstate.unbind(1)),
        )


def _tiles(w: Tensor) -> list[tuple[int, int, int, int]]:
    """The pieces of a walk over w (B, T, E): (first, end) sequence and (left, right) channel."""
    from wavetrain.scan.cpu.unitary import TILE

    return host.tiles(len(w), w.shape[2], TILE // w.element_size())


def _pairs(*values: Tensor) -> list[Tensor]:
    return [torch.view_as_real(value.detach().resolve_conj()) for value in values]


def _apart(state: Tensor) -> Tensor:
    """Complex (B, S, E) as real and imaginary parts, (B, 2, S, E)."""
    return torch.stack([state.detach().real, state.detach().imag], 1)
