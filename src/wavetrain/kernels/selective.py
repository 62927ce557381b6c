"""`scan.selective` on CPU as PyTorch sees it: the fused walks of `selective_cpu` with their gradients."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import precision
from wavetrain.errors import BadInput
from wavetrain.kernels import host
from wavetrain.kernels.twice import again


def _tiles(batch: int, width: int, tile: int) -> list[tuple[int, int, int, int]]:
    """The pieces of a walk: (first, end) sequence and (left, right) channel."""
    parts = host.parts(batch, 2 * torch.get_num_threads())
    return [(*part, left, min(left + tile, width)) for part in parts for left in range(0, width, tile)]


def walk(
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


@precision.door
def selective_step(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """One step of `selective`: x, dt (B, E), b, c (B, N) and state (B, E, N) give y (B, E) and the next."""
    state = torch.exp(dt[..., None] * a) * state + (dt * x)[..., None] * b[:, None]
    return (state @ c[..., None]).squeeze(-1), state


class Selective(torch.autograd.Function):
    """The numba route of `scan.selective`; takes and gives what `selective` does, in one dtype."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        dt: Tensor,
        a: Tensor,
        b: Tensor,
        c: Tensor,
        state: Tensor,
        skip: Tensor | None,
        gate: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        from wavetrain.kernels import selective_cpu

        (batch, time, width), size = x.shape, a.shape[1]
        y, last = host.fresh(x.shape, x.dtype), host.fresh((batch, size, width), x.dtype)
        chunks = -(-time // selective_cpu.CHUNK) if any(ctx.needs_input_grad) else 0
        marks = host.fresh((batch, chunks, size, width), x.dtype)
        inputs = [host.array(part) for part in (x, dt, a.t(), b, c, state.transpose(1, 2))]
        arrays = [*inputs, *_ends(x, skip, gate), y.numpy(), last.numpy(), marks.numpy()]
        pieces = _tiles(batch, width, selective_cpu.TILE // x.element_size())
        host.spread(lambda piece: selective_cpu.forward(*arrays, *piece), pieces, x.numel() * size)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, dt, a, b, c, state, skip, gate, marks)
        return y, last.transpose(1, 2).contiguous()

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_last: Tensor | None) -> tuple[Tensor | None, ...]:
        from wavetrain.kernels import selective_cpu

        *inputs, marks = ctx.saved_tensors
        if torch.is_grad_enabled():
            return again(walk, inputs, (grad, grad_last))
        x, dt, a, b, c, _, skip, gate = inputs
        (batch, time, width), size = x.shape, a.shape[1]
        tile = selective_cpu.TILE // x.element_size()
        dx, ddt = host.fresh(x.shape, x.dtype), host.fresh(x.shape, x.dtype)
        da, dstate = (host.fresh((batch, size, width), x.dtype) for _ in range(2))
        dskip, dz = x.new_zeros(batch, width), host.fresh(x.shape if gate is not None else (0, 0, 0), x.dtype)
        # summed tile by tile and then in order, so that the threads do not change the sum
        shared = (-(-width // tile), batch, time, size)
        db, dc = host.fresh(shared, x.dtype), host.fresh(shared, x.dtype)
        unread = grad is None
        grad = x.new_zeros(batch, 0, width) if grad is None else grad
        grad_last = x.new_zeros(batch, width, size) if grad_last is None else grad_last
        given = [host.array(part) for part in (x, dt, a.t(), b, c)]
        returned = [host.array(part) for part in (marks, grad, grad_last.transpose(1, 2))]
        results = [part.numpy() for part in (dx, ddt, da, dskip, dz, dstate)]
        arrays = [*given, *_ends(x, skip, gate), *returned, *results]
        sums = list(zip(db.numpy(), dc.numpy(), strict=True))
        pieces = [(*sums[piece[2] // tile], *piece) for piece in _tiles(batch, width, tile)]
        host.spread(lambda piece: selective_cpu.backward(*arrays, *piece), pieces, x.numel() * size)
        of_skip = None if skip is None or unread else dskip.sum(0)
        of_gate = None if gate is None or unread else dz
        return dx, ddt, da.sum(0).t(), db.sum(0), dc.sum(0), dstate.transpose(1, 2), of_skip, of_gate


def _ends(x: Tensor, skip: Tensor | None, gate: Tensor | None) -> tuple[np.ndarray, np.ndarray, int]:
    """The skip, the gate, and where in its rows the gate begins; empty where there is none."""
    passed = host.array(x.new_zeros(0) if skip is None else skip)
    if gate is None:
        return passed, host.array(x.new_zeros(len(x), 0, 0)), 0
    return passed, *host.rows(gate)


def check_selective(
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
