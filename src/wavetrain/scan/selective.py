"""The selective recurrence: states in each channel whose rates and writing the input chooses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import precision
from wavetrain.errors import BadInput
from wavetrain.scan._twice import again
from wavetrain.scan.cpu import host
from wavetrain.scan.operators import Kernel, Walk, empty_marks, learns, marks
from wavetrain.scan.over_slices import Passing, handed_on
from wavetrain.scan.routes import Fast, chosen, kernels, recorded_as, running, took

HAS: tuple[Fast, ...] = ("numba", "triton", "parallel")


def _passing(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    state: Tensor | None,
    skip: Tensor | None,
    gate: Tensor | None,
) -> Passing:
    """How the state before x stands in that after it."""
    return Passing(torch.exp(precision.wide(dt).sum(1)[..., None] * precision.wide(a)))


@precision.door
@handed_on("selective", _passing)
def selective(
    x: Float[Tensor, "batch time channels"],
    dt: Float[Tensor, "batch time channels"],
    a: Float[Tensor, "channels states"],
    b: Float[Tensor, "batch time states"],
    c: Float[Tensor, "batch time states"],
    state: Float[Tensor, "batch channels states"] | None = None,
    skip: Float[Tensor, "channels"] | None = None,
    gate: Float[Tensor, "batch time channels"] | None = None,
) -> tuple[Float[Tensor, "batch time channels"], Float[Tensor, "batch channels states"]]:
    """The recurrence h_t = exp(dt_t a) h_{t-1} + dt_t b_t x_t of N states in each channel, y_t = c_t . h_t.

    b and c are shared by the channels. `state` is h_0, zero where left out. With `skip` y_t has skip x_t
    added, with `gate` it is then taken SiLU(gate_t) times. All of one dtype. Returns y and the last h; the
    fast route never writes out the states of all steps.

    >>> from wavetrain.scan import selective
    >>> x, dt = torch.ones(1, 4, 1), torch.full((1, 4, 1), 1.0)
    >>> b = c = torch.ones(1, 4, 1)
    >>> y, h = selective(x, dt, torch.tensor([[-0.6931]]), b, c)  # exp(-0.6931) is a half
    >>> y.flatten(), h.shape
    (tensor([1.0000, 1.5000, 1.7500, 1.8751]), torch.Size([1, 1, 1]))
    """
    _check(x, dt, a, b, c, state, skip, gate)
    if state is None:
        state = x.new_zeros(len(x), *a.shape)
    given = [x, dt, a, b, c, state, *(part for part in (skip, gate) if part is not None)]
    if chosen(*given, time=x.shape[1], has=HAS):
        y, last, _ = _walk(x, dt, a, b, c, state, skip, gate, learns(*given))
        return y, last
    took("selective", "plain")
    return _plain(x, dt, a, b, c, state, skip, gate)


@precision.door
def selective_step(
    x: Float[Tensor, "batch channels"],
    dt: Float[Tensor, "batch channels"],
    a: Float[Tensor, "channels states"],
    b: Float[Tensor, "batch states"],
    c: Float[Tensor, "batch states"],
    state: Float[Tensor, "batch channels states"],
) -> tuple[Float[Tensor, "batch channels"], Float[Tensor, "batch channels states"]]:
    """One step of `selective`: all without time; gives y and the next state.

    >>> from wavetrain.scan import selective_step
    >>> one = torch.ones(1, 1)
    >>> y, h = selective_step(one, one, torch.tensor([[-0.6931]]), one, one, torch.ones(1, 1, 1))
    >>> y, h.shape
    (tensor([[1.5000]]), torch.Size([1, 1, 1]))
    """
    state = torch.exp(dt[..., None] * a) * state + (dt * x)[..., None] * b[:, None]
    return (state @ c[..., None]).squeeze(-1), state


def _plain(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    state: Tensor,
    skip: Tensor | None,
    gate: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Step by step: the definition."""
    steps = []
    for now in zip(*(part.unbind(1) for part in (x, dt, b, c)), strict=True):
        y, state = selective_step(now[0], now[1], a, now[2], now[3], state)
        steps.append(y)
    y = torch.stack(steps, 1)
    y = y if skip is None else y + skip * x
    return y if gate is None else y * F.silu(gate), state


def _check(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    state: Tensor | None,
    skip: Tensor | None,
    gate: Tensor | None,
) -> None:
    """Raise for what `scan.selective` cannot take."""
    if x.ndim != 3 or x.shape[1] == 0:
        raise BadInput(
            f"selective: expected x (batch, time, channels) with at least one step, got {tuple(x.shape)}"
        )
    batch, time, width = x.shape
    if a.ndim != 2 or len(a) != width:
        raise BadInput(f"selective: expected a ({width}, states), got {tuple(a.shape)}")
    shared = batch, time, a.shape[1]
    wanted = {"dt": (dt, tuple(x.shape)), "b": (b, shared), "c": (c, shared)}
    if state is not None:
        wanted["state"] = (state, (batch, *a.shape))
    if skip is not None:
        wanted["skip"] = (skip, (width,))
    if gate is not None:
        wanted["gate"] = (gate, (batch, time, width))
    for name, (given, shape) in wanted.items():
        if given.shape != shape:
            raise BadInput(f"selective: expected {name} {shape}, got {tuple(given.shape)}")
    kinds = {given.dtype for given in (x, a, *(given for given, _ in wanted.values()))}
    if len(kinds) > 1 or x.is_complex():
        raise BadInput(f"selective: expected real tensors of one dtype, got {sorted(map(str, kinds))}")


def _forward(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    state: Tensor,
    skip: Tensor | None,
    gate: Tensor | None,
    marked: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """What `selective` gives, and the states at marks, by the kernel of the device; all in one dtype."""
    took("selective", recorded_as(x))
    (batch, time, width), size = x.shape, a.shape[1]
    if running(x) != "numba":
        room = batch, _chunks(time) if marked else 0, size, width
        kept = empty_marks(x, *room)
        y, last = kernels("selective", x).forward(x, dt, a, b, c, state, skip, gate, marks(kept, *room))
        return y, last, kept
    from wavetrain.scan.cpu.selective import TILE, forward

    y, last = host.fresh(x.shape, x.dtype), host.fresh((batch, size, width), x.dtype)
    shape = batch, _chunks(time) if marked else 0, size, width
    row = host.marks(shape, x.dtype)
    inputs = [host.array(part) for part in (x, dt, a.t(), b, c, state.transpose(1, 2))]
    arrays = [*inputs, *_ends(x, skip, gate), y.numpy(), last.numpy(), marks(row, *shape).numpy()]
    pieces = host.tiles(batch, width, TILE // x.element_size())
    host.spread(lambda piece: forward(*arrays, *piece), pieces, x.numel() * size)
    return y, last.transpose(1, 2).contiguous(), row


def _like_forward(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    state: Tensor,
    skip: Tensor | None,
    gate: Tensor | None,
    marked: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    (batch, time, width), size = x.shape, a.shape[1]
    row = empty_marks(x, batch, _chunks(time) if marked else 0, size, width)
    return x.new_empty(x.shape), x.new_empty(state.shape), row


def _backward(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    skip: Tensor | None,
    gate: Tensor | None,
    row: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of x, dt, a, b, c, state, skip and gate, empty where there is none of these two."""
    (batch, time, width), size = x.shape, a.shape[1]
    if running(x) != "numba":
        room = marks(row, batch, _chunks(time), size, width)
        given = kernels("selective", x).backward(x, dt, a, b, c, skip, gate, room, grad, grad_last)
        dx, ddt, da, db, dc, dstate, of_skip, dz = given
        return dx, ddt, da.t().contiguous().t(), db, dc, dstate.mT.contiguous().mT, of_skip, dz
    from wavetrain.scan.cpu.selective import TILE, backward

    tile = TILE // x.element_size()
    dx, ddt = host.fresh(x.shape, x.dtype), host.fresh(x.shape, x.dtype)
    da, dstate = (host.fresh((batch, size, width), x.dtype) for _ in range(2))
    dskip, dz = x.new_zeros(batch, width), host.fresh(x.shape if gate is not None else (0, 0, 0), x.dtype)
    # summed tile by tile and then in order, so that the threads do not change the sum
    shared = (-(-width // tile), batch, time, size)
    db, dc = host.fresh(shared, x.dtype), host.fresh(shared, x.dtype)
    grad = x.new_zeros(batch, 0, width) if grad is None else grad
    grad_last = x.new_zeros(batch, width, size) if grad_last is None else grad_last
    given = [host.array(part) for part in (x, dt, a.t(), b, c)]
    kept = marks(row, batch, _chunks(time), size, width)
    returned = [host.array(part) for part in (kept, grad, grad_last.transpose(1, 2))]
    results = [part.numpy() for part in (dx, ddt, da, dskip, dz, dstate)]
    arrays = [*given, *_ends(x, skip, gate), *returned, *results]
    sums = list(zip(db.numpy(), dc.numpy(), strict=True))
    pieces = [(*sums[piece[2] // tile], *piece) for piece in host.tiles(batch, width, tile)]
    host.spread(lambda piece: backward(*arrays, *piece), pieces, x.numel() * size)
    of_skip = x.new_zeros(0) if skip is None else dskip.sum(0)
    return dx, ddt, da.sum(0).t(), db.sum(0), dc.sum(0), dstate.transpose(1, 2), of_skip, dz


def _like_backward(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    skip: Tensor | None,
    gate: Tensor | None,
    row: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    dx, ddt, db, dc = (x.new_empty(part.shape) for part in (x, dt, b, c))
    (batch, _, width), size = x.shape, a.shape[1]
    da, dstate = x.new_empty(size, width).t(), x.new_empty(batch, size, width).transpose(1, 2)
    dz = x.new_empty(x.shape if gate is not None else (0, 0, 0))
    return dx, ddt, da, db, dc, dstate, x.new_empty(0 if skip is None else width), dz


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(output[2])
    ctx.save_for_backward(*inputs[:-1], output[2])


def _gradient(
    ctx: Any, back: Callable[..., Any], grad: Tensor | None, grad_last: Tensor | None, _: None
) -> tuple[Tensor | None, ...]:
    *inputs, row = ctx.saved_tensors
    if torch.is_grad_enabled():
        return *again(_plain, inputs, (grad, grad_last)), None
    x, dt, a, b, c, _, skip, gate = inputs
    *of, of_skip, of_gate = back(x, dt, a, b, c, skip, gate, row, grad, grad_last)
    read = grad is not None
    return (
        *of,
        of_skip if skip is not None and read else None,
        of_gate if gate is not None and read else None,
        None,
    )


def _chunks(time: int) -> int:
    """The number of marks in so many steps."""
    from wavetrain.scan.cpu.selective import CHUNK

    return -(-time // CHUNK)


def _ends(x: Tensor, skip: Tensor | None, gate: Tensor | None) -> tuple[np.ndarray, np.ndarray, int]:
    """The skip, the gate, and where in its rows the gate begins; empty where there is none."""
    passed = host.array(x.new_zeros(0) if skip is None else skip)
    if gate is None:
        return passed, host.array(x.new_zeros(len(x), 0, 0)), 0
    return passed, *host.rows(gate)


_walk = Kernel(
    "selective",
    Walk(_forward, _like_forward),
    Walk(_backward, _like_backward),
    keep=_keep,
    gradient=_gradient,
)
