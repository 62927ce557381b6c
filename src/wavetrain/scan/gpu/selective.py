"""The selective recurrence on a GPU, and its gradient, each in one walk over time.

    h_t[e, s] = exp(dt_t[e] a[e, s]) h_{t-1}[e, s] + dt_t[e] b_t[s] x_t[e]
    y_t[e] = (sum_s c_t[s] h_t[e, s] + skip[e] x_t[e]) SiLU(z_t[e])

A program owns some channels of one sequence with all their states, which never leave the chip but once in
CHUNK steps, as marks for the way back. That makes the states of each GROUP steps again, from the mark before
them, and walks them in reverse, as `scan.cpu.selective` has it. What channels share has its gradient summed
in two stages: over the channels of a program here, and over programs by PyTorch, in order. Behind the last
step dt and x are zero: a state stays.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from wavetrain.scan.gpu.launch import launch, on_chip

CHUNK = 16  # steps between two marks
GROUP = 4  # steps whose loads are made together; backwards, whose states are kept in registers
FORWARD, BACKWARD = 64, 64  # states of a program, which is one warp


def chunks(time: int) -> int:
    """The number of marks in so many steps."""
    return -(-time // CHUNK)


def forward(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    state: Tensor,
    skip: Tensor | None,
    gate: Tensor | None,
    marks: Tensor,
) -> tuple[Tensor, Tensor]:
    """y and the last state; marks (B, chunks or 0, S, E) gets the states before each chunk."""
    x, dt, a, b, c, state = (part.contiguous() for part in (x, dt, a, b, c, state))
    (batch, time, width), size = x.shape, a.shape[1]
    y, last = torch.empty_like(x), torch.empty_like(state)
    given = [None if part is None else part.contiguous() for part in (skip, gate)]
    constants = _constants(x, size, FORWARD)
    launch(
        _walk,
        batch * triton.cdiv(width, constants["BE"]),
        *(x, dt, a, b, c, state, *given, y, last, marks if marks.numel() else None),
        *(time, width, size, chunks(time)),
        warps=1,
        **constants,
    )
    return y, last


def backward(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    skip: Tensor | None,
    gate: Tensor | None,
    marks: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of x, dt, a, b, c, state, skip and gate, empty where there is none of these two."""
    x, dt, a, b, c = (part.contiguous() for part in (x, dt, a, b, c))
    (batch, time, width), size = x.shape, a.shape[1]
    constants = _constants(x, size, BACKWARD)
    tiles = triton.cdiv(width, constants["BE"])
    dx, ddt = torch.empty_like(x), torch.empty_like(x)
    da, dstate = (x.new_empty(batch, width, size) for _ in range(2))
    db, dc = (x.new_empty(tiles, batch, time, size) for _ in range(2))
    dskip = None if skip is None else x.new_empty(batch, width)
    dz = None if gate is None else torch.empty_like(x)
    given = [None if part is None else part.contiguous() for part in (skip, gate)]
    come = [None if part is None else part.contiguous() for part in (grad, grad_last)]
    launch(
        _back,
        batch * tiles,
        *(x, dt, a, b, c, *given, marks, *come, dx, ddt, da, db, dc, dstate, dskip, dz),
        *(time, width, size, chunks(time)),
        warps=1,
        **constants,
    )
    of_skip = x.new_empty(0) if dskip is None else dskip.sum(0)
    of_gate = x.new_empty(0, 0, 0) if dz is None else dz
    return dx, ddt, da.sum(0), db.sum(0), dc.sum(0), dstate, of_skip, of_gate


def _constants(x: Tensor, size: int, most: int) -> dict[str, Any]:
    states = triton.next_power_of_2(size)
    return {"TYPE": on_chip(x), "BE": max(1, most // states), "BS": states, "CHUNK": CHUNK, "GROUP": GROUP}


@triton.jit
def _place(E, BE: tl.constexpr):
    """This program's sequence, tile and channels."""
    program = tl.program_id(0).to(tl.int64)
    tiles = tl.cdiv(E, BE)
    tile = program % tiles
    return program // tiles, tile, (tile * BE).to(tl.int32) + tl.arange(0, BE)


@triton.jit
def _walk(
    x, dt, a, b, c, state, skip, gate, y, last, marks, T, E, S, chunks,
    TYPE: tl.constexpr, BE: tl.constexpr, BS: tl.constexpr, CHUNK: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    n, _, e = _place(E, BE)
    s = tl.arange(0, BS)
    none = tl.zeros((BE,), tl.int32)
    nothing = tl.zeros((BS,), tl.int32)
    place = e[:, None] * S + s[None, :]
    marked = s[:, None] * E + e[None, :]  # as the walk on the CPU keeps them
    known = (s < S)[:, None] & (e < E)[None, :]
    inside = (e < E)[:, None] & (s < S)[None, :]
    rates = tl.load(a + place, mask=inside, other=0.0)
    h = tl.load(state + n * E * S + place, mask=inside, other=0.0)
    if skip is not None:
        passed = tl.load(skip + e, mask=e < E, other=0.0)
    own = n * 0
    for chunk in tl.range(own, own + chunks):
        if marks is not None:
            tl.store(marks + (n * chunks + chunk) * E * S + marked, tl.trans(h), mask=known)
        for begin in tl.static_range(0, CHUNK, GROUP):
            steps = ()
            for k in tl.static_range(GROUP):  # loads of several steps are under way together
                t = chunk * CHUNK + begin + k
                now = (e < E) & (none + t < T)
                both = (s < S) & (nothing + t < T)
                row = (n * T + t) * E
                xs = tl.load(x + row + e, mask=now, other=0.0)
                ds = tl.load(dt + row + e, mask=now, other=0.0)
                row = (n * T + t) * S
                bs = tl.load(b + row + s, mask=both, other=0.0)
                steps = steps + ((xs, ds, bs, tl.load(c + row + s, mask=both, other=0.0)),)
            for k in tl.static_range(GROUP):
                t = chunk * CHUNK + begin + k
                now = (e < E) & (none + t < T)
                xs, ds = steps[k][0], steps[k][1]
                bs = steps[k][2]
                h = tl.exp(ds[:, None] * rates) * h + (ds * xs)[:, None] * bs[None, :]
                out = tl.sum(h * steps[k][3][None, :], 1)
                if skip is not None:
                    out += passed * xs
                row = (n * T + t) * E
                if gate is not None:
                    z = tl.load(gate + row + e, mask=now, other=0.0)
                    out *= z * tl.sigmoid(z)
                tl.store(y + row + e, out, mask=now)
    tl.store(last + n * E * S + place, h, mask=inside)


@triton.jit
def _back(
    x, dt, a, b, c, skip, gate, marks, grad, grad_last, dx, ddt, da, db, dc, dstate, dskip, dz,
    T, E, S, chunks,
    TYPE: tl.constexpr, BE: tl.constexpr, BS: tl.constexpr, CHUNK: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    n, tile, e = _place(E, BE)
    s = tl.arange(0, BS)
    none = tl.zeros((BE,), tl.int32)
    nothing = tl.zeros((BS,), tl.int32)
    place = e[:, None] * S + s[None, :]
    marked = s[:, None] * E + e[None, :]  # as the walk on the CPU keeps them
    known = (s < S)[:, None] & (e < E)[None, :]
    inside = (e < E)[:, None] & (s < S)[None, :]
    rates = tl.load(a + place, mask=inside, other=0.0)
    carry = tl.zeros((BE, BS), TYPE)  # what comes back to the state
    total = tl.zeros((BE, BS), TYPE)
    through_skip = tl.zeros((BE,), TYPE)
    if grad_last is not None:
        carry = tl.load(grad_last + n * E * S + place, mask=inside, other=0.0)
    if skip is not None:
        passed = tl.load(skip + e, mask=e < E, other=0.0)
    parts = tl.num_programs(0) // tl.cdiv(E, BE)  # sequences
    own = n * 0
    for back in tl.range(own, own + chunks * (CHUNK // GROUP)):
        first = (chunks * (CHUNK // GROUP) - 1 - back) * GROUP
        chunk = first // CHUNK
        h = tl.trans(tl.load(marks + (n * chunks + chunk) * E * S + marked, mask=known, other=0.0))
        for t in tl.range(chunk * CHUNK, first):  # states of more than a group would not fit the registers
            now = (e < E) & (none + t < T)
            xs = tl.load(x + (n * T + t) * E + e, mask=now, other=0.0)
            ds = tl.load(dt + (n * T + t) * E + e, mask=now, other=0.0)
            bs = tl.load(b + (n * T + t) * S + s, mask=(s < S) & (nothing + t < T), other=0.0)
            h = tl.exp(ds[:, None] * rates) * h + (ds * xs)[:, None] * bs[None, :]
        before = ()
        steps = ()
        for k in tl.static_range(GROUP):
            t = first + k
            now = (e < E) & (none + t < T)
            both = (s < S) & (nothing + t < T)
            row = (n * T + t) * E
            xs = tl.load(x + row + e, mask=now, other=0.0)
            ds = tl.load(dt + row + e, mask=now, other=0.0)
            come = tl.zeros((BE,), TYPE)
            if grad is not None:
                come = tl.load(grad + row + e, mask=now, other=0.0)
            before = before + (h,)
            shared = (n * T + t) * S
            bs = tl.load(b + shared + s, mask=both, other=0.0)
            h = tl.exp(ds[:, None] * rates) * h + (ds * xs)[:, None] * bs[None, :]
            if gate is not None:
                z = tl.load(gate + row + e, mask=now, other=0.0)
                cs = tl.load(c + shared + s, mask=both, other=0.0)
                out = tl.sum(h * cs[None, :], 1)
                if skip is not None:
                    out += passed * xs
                open_ = tl.sigmoid(z)
                tl.store(dz + row + e, come * out * open_ * (1.0 + z * (1.0 - open_)), mask=now)
                come *= z * open_
            whole = ((tile * parts + n) * T + t) * S
            tl.store(dc + whole + s, tl.sum(come[:, None] * h, 0), mask=both)
            steps = steps + (come,)
        for j in tl.static_range(GROUP):
            t = first + GROUP - 1 - j
            come = steps[GROUP - 1 - j]
            now = (e < E) & (none + t < T)
            both = (s < S) & (nothing + t < T)
            row = (n * T + t) * E
            shared = (n * T + t) * S
            xs = tl.load(x + row + e, mask=now, other=0.0)
            ds = tl.load(dt + row + e, mask=now, other=0.0)
            bs = tl.load(b + shared + s, mask=both, other=0.0)
            cs = tl.load(c + shared + s, mask=both, other=0.0)
            carry += come[:, None] * cs[None, :]
            whole = ((tile * parts + n) * T + t) * S
            tl.store(db + whole + s, tl.sum(carry * (ds * xs)[:, None], 0), mask=both)
            through = tl.sum(carry * bs[None, :], 1)
            carry *= tl.exp(ds[:, None] * rates)
            kept = carry * before[GROUP - 1 - j]
            total += ds[:, None] * kept
            slope = tl.sum(rates * kept, 1)
            to_x = ds * through
            if skip is not None:
                to_x += passed * come
                through_skip += come * xs
            tl.store(dx + row + e, to_x, mask=now)
            tl.store(ddt + row + e, xs * through + slope, mask=now)
    tl.store(dstate + n * E * S + place, carry, mask=inside)
    tl.store(da + n * E * S + place, total, mask=inside)
    if skip is not None:
        tl.store(dskip + n * E + e, through_skip, mask=e < E)
