"""The unitary recurrence: complex states that turn by angles of the input."""

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from wavetrain.core import precision
from wavetrain.errors import BadInput
from wavetrain.scan._twice import again
from wavetrain.scan.cpu import host
from wavetrain.scan.operators import Kernel, Walk, empty_marks, learns, marks
from wavetrain.scan.over_slices import Passing, handed_on
from wavetrain.scan.routes import Fast, asked_for_plain, chosen, kernels, recorded_as, running, took

HAS: tuple[Fast, ...] = ("numba", "triton", "parallel")

_WHOLE = {torch.float32: torch.complex64, torch.float64: torch.complex128}  # numbers of the same precision


def _passing(theta: Tensor, w: Tensor, b: Tensor, c: Tensor, state: Tensor | None) -> Passing:
    """How the state before theta stands in that after it."""
    total = theta.sum(1, dtype=torch.float64) % (2 * math.pi)
    return Passing(turned(total.to(theta.dtype)))


@precision.door
@handed_on("unitary", _passing)
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
    if chosen(theta, w, b, c, state, time=theta.shape[1], has=HAS):
        y, last, _ = _walk(theta, w, b, c, state, learns(theta, w, b, c, state))
        return y, last
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
    exact = theta.dtype if theta.device.type == "mps" else torch.float64  # of which MPS has none
    total = theta.cumsum(1, dtype=exact) % (2 * math.pi)  # float32 loses its place in a long sum
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
    if len(real) > 1 or theta.is_complex() or whole != {_WHOLE.get(theta.dtype)}:
        raise BadInput(
            "unitary: expected theta and w real, b, c and state complex of the same precision, "
            f"got {sorted(map(str, real | whole))}"
        )


def _forward(
    theta: Tensor, w: Tensor, b: Tensor, c: Tensor, state: Tensor, marked: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """What `unitary` gives, and the states at marks, by the kernel of the device."""
    took("unitary", recorded_as(theta))
    batch, time, size, width = theta.shape
    if running(theta) != "numba":
        room = batch, _chunks(time) if marked else 0, 2, size, width
        kept = empty_marks(w, *room)
        y, ends = kernels("unitary", w).forward(theta, w, *_pairs(b, c), _apart(state), marks(kept, *room))
        return y, torch.complex(*ends.unbind(1)), kept
    from wavetrain.scan.cpu.unitary import forward

    y, last = host.fresh(w.shape, w.dtype), host.fresh((batch, 2, size, width), w.dtype)
    shape = batch, _chunks(time) if marked else 0, 2, size, width
    row = host.marks(shape, w.dtype)
    inputs = [host.array(part) for part in (theta, w, *_pairs(b, c), _apart(state))]
    arrays = [*inputs, y.numpy(), last.numpy(), marks(row, *shape).numpy()]
    host.spread(lambda piece: forward(*arrays, *piece), _tiles(w), 4 * theta.numel())
    return y, torch.complex(*last.unbind(1)), row


def _like_forward(
    theta: Tensor, w: Tensor, b: Tensor, c: Tensor, state: Tensor, marked: bool
) -> tuple[Tensor, Tensor, Tensor]:
    batch, time, size, width = theta.shape
    row = empty_marks(w, batch, _chunks(time) if marked else 0, 2, size, width)
    return w.new_empty(w.shape), state.new_empty(state.shape), row


def _backward(
    theta: Tensor,
    w: Tensor,
    b: Tensor,
    c: Tensor,
    last: Tensor,
    row: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of theta, w, b, c and state."""
    batch, time, size, width = theta.shape
    if running(theta) != "numba":
        room = batch, _chunks(time), 2, size, width
        come = torch.zeros_like(last) if grad_last is None else grad_last
        ends = _apart(last), marks(row, *room), grad, _apart(come)
        dtheta, dw, *sums, dstate = kernels("unitary", w).backward(theta, w, *_pairs(b, c), *ends)
        of_b, of_c = (torch.view_as_complex(part) for part in sums)
        return dtheta, dw, of_b, of_c, torch.complex(*dstate.unbind(1))
    from wavetrain.scan.cpu.unitary import TILE, backward

    dtheta, dw = host.fresh(theta.shape, w.dtype), host.fresh(w.shape, w.dtype)
    dstate = host.fresh((batch, 2, size, width), w.dtype)
    tile = TILE // w.element_size()
    # summed tile by tile and then in order, so that the threads do not change the sum
    sums = torch.zeros(2, -(-width // tile), batch, size, 2, dtype=torch.float64)
    grad = w.new_zeros(batch, 0, width) if grad is None else grad
    grad_last = torch.zeros_like(last) if grad_last is None else grad_last
    kept = marks(row, batch, _chunks(time), 2, size, width)
    ends = _apart(last), kept, grad, _apart(grad_last)
    given = [host.array(part) for part in (theta, w, *_pairs(b, c), *ends)]
    arrays = [*given, dtheta.numpy(), dw.numpy(), dstate.numpy()]
    db, dc = sums.numpy()

    def work(piece: tuple[int, int, int, int]) -> None:
        backward(*arrays, db[piece[2] // tile], dc[piece[2] // tile], *piece)

    host.spread(work, _tiles(w), 8 * theta.numel())
    of_b, of_c = (torch.view_as_complex(part).to(b.dtype, copy=True) for part in sums.sum((1, 2)))
    return dtheta, dw, of_b, of_c, torch.complex(*dstate.unbind(1))


def _like_backward(
    theta: Tensor,
    w: Tensor,
    b: Tensor,
    c: Tensor,
    last: Tensor,
    row: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    dtheta, dw, db, dc, dstate = (part.new_empty(part.shape) for part in (theta, w, b, c, last))
    return dtheta, dw, db, dc, dstate


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(output[2])
    ctx.save_for_backward(*inputs[:-1], *output[1:])


def _gradient(
    ctx: Any, back: Callable[..., Any], grad: Tensor | None, grad_last: Tensor | None, _: None
) -> tuple[Tensor | None, ...]:
    *inputs, last, row = ctx.saved_tensors
    if torch.is_grad_enabled():
        return *again(_separated, inputs, (grad, grad_last)), None
    dtheta, dw, db, dc, dstate = back(*inputs[:-1], last, row, grad, grad_last)
    return dtheta, dw, db, None if grad is None else dc, dstate, None


def _chunks(time: int) -> int:
    """The number of marks in so many steps."""
    from wavetrain.scan.cpu.unitary import CHUNK

    return time // CHUNK


def _tiles(w: Tensor) -> list[tuple[int, int, int, int]]:
    """The pieces of a walk over w (B, T, E): (first, end) sequence and (left, right) channel."""
    from wavetrain.scan.cpu.unitary import TILE

    return host.tiles(len(w), w.shape[2], TILE // w.element_size())


def _pairs(*values: Tensor) -> list[Tensor]:
    return [torch.view_as_real(value.detach().resolve_conj()) for value in values]


def _apart(state: Tensor) -> Tensor:
    """Complex (B, S, E) as real and imaginary parts, (B, 2, S, E)."""
    return torch.stack([state.detach().real, state.detach().imag], 1)


_walk = Kernel(
    "unitary", Walk(_forward, _like_forward), Walk(_backward, _like_backward), keep=_keep, gradient=_gradient
)
