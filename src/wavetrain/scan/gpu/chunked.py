"""The recurrence of matrices S_t = decay_t S_{t-1} + k_t v_t', y_t = q_t' S_t on a GPU, and its gradient.

Time is cut into chunks of C steps. `_walk` carries S from chunk to chunk on chip, a program for each tile of
S, and keeps it before each. `_read` then makes the outputs of all chunks side by side:

    y_t = sum_{s <= t} W_ts (q_t . k_s) v_s + w_t q_t' S
    W_ts = exp(g_{s+1} + ... + g_t),  w_t = exp(g_1 + ... + g_t)

with g the logarithms of the decays in the chunk. g is summed over the steps between two, never as a
difference of longer sums: no exponent is above what the decays themselves have, minus infinity forgets at
once, and no digits are lost. Backwards the states are made again, the same walk runs over q and dy from the
end, and the gradients of all chunks are made side by side. That of g at a step is the sum of what passes it.

A decay for each row of S enters the products as exp(sum) on both sides, which needs a step between s and t
up to which both sums are made. For pairs whose places in the chunk differ first in bit l it is the one where
that bit changes: log2 C products, with sums in blocks of 2^l steps. Nothing is divided, and nothing grows.
"""

# Above 300 lines: one file, since the states between chunks and the two ways through them are one algorithm.

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from wavetrain.scan.gpu.launch import launch
from wavetrain.scan.gpu.products import kept, product, put, tile, types

# Steps of a chunk, and the most keys or values of a tile: of halves, of halves with a decay for each row, and
# of wider numbers, whose products take many registers. A product takes 16 at least.
HALVES, VECTORS, WIDE = (64, 64), (32, 32), (32, 32)


def forward(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """y (B, T, H, P) as v is stored, and the last S (B, H, K, P) as it is carried."""
    q, k, v, log_decay, state = *map(_rows, (q, k, v, log_decay)), state.contiguous()
    starts, last = _states(k, v, log_decay, state, backwards=False)
    y = v.new_empty(v.shape)
    shape = _Shape(k, v, log_decay)
    launch(
        _read,
        shape.programs * shape.tiles_of_values,
        *shape.placed(q, k, v, log_decay),
        starts,
        y,
        *shape.numbers,
        warps=shape.warps,
        **shape.constants,
    )
    return y, last


def backward(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    state: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of all inputs, from those of y and the last S (None for none)."""
    q, k, v, log_decay, state = *map(_rows, (q, k, v, log_decay)), state.contiguous()
    grad = torch.zeros_like(v) if grad is None else _rows(grad)
    grad_last = torch.zeros_like(state) if grad_last is None else grad_last.contiguous()
    shape = _Shape(k, v, log_decay)
    starts, _ = _states(k, v, log_decay, state, backwards=False)
    ends, dstate = _states(q, grad, log_decay, grad_last, backwards=True)
    dq, dk, dv = (part.new_empty(part.shape) for part in (q, k, v))
    launch(
        _to_values,
        shape.programs * shape.tiles_of_values,
        *shape.placed(q, k, grad, log_decay),
        ends,
        dv,
        *shape.numbers,
        warps=shape.warps,
        **shape.constants,
    )
    parts = 1 if shape.vector else shape.tiles_of_keys
    rates = log_decay.new_empty(parts, *log_decay.shape, dtype=state.dtype)
    launch(
        _to_keys,
        shape.programs * shape.tiles_to_keys,
        *shape.placed(q, k, v, grad, log_decay),
        starts,
        ends,
        dq,
        dk,
        rates,
        *shape.numbers,
        warps=4 if shape.small else 8,
        **(shape.constants | {"BK": 16, "BP": 16} if shape.small else shape.constants),
    )
    return dq, dk, dv, rates.sum(0).to(log_decay.dtype), dstate


def _states(
    k: Tensor, v: Tensor, log_decay: Tensor, state: Tensor, *, backwards: bool
) -> tuple[Tensor, Tensor]:
    """S before each chunk (B, chunks, H, K, P) and after the last; backwards the same from the end."""
    shape = _Shape(k, v, log_decay)
    between = v.new_empty(shape.batch, shape.chunks, *state.shape[1:], dtype=kept(v))
    last = torch.empty_like(state)
    launch(
        _walk,
        shape.batch * shape.heads * shape.tiles_of_keys * shape.tiles_of_values,
        *shape.placed(k, v, log_decay),
        state,
        between,
        last,
        *shape.numbers,
        warps=shape.warps,
        BACKWARDS=backwards,
        **shape.constants,
    )
    return between, last


class _Shape:
    """The sizes of a call, and what its kernels are made for."""

    def __init__(self, k: Tensor, v: Tensor, log_decay: Tensor):
        self.batch, self.time, self.heads, self.keys = k.shape
        self.values = v.shape[-1]
        self.vector = log_decay.shape[-1] > 1
        half = v.element_size() == 2
        steps, most = WIDE if not half else VECTORS if self.vector else HALVES
        self.chunks = triton.cdiv(self.time, steps)
        of_keys, of_values = (min(most, max(16, triton.next_power_of_2(n))) for n in (self.keys, self.values))
        self.tiles_of_keys = triton.cdiv(self.keys, of_keys)
        self.tiles_of_values = triton.cdiv(self.values, of_values)
        self.programs = self.batch * self.chunks * self.heads
        self.numbers = self.time, self.heads, self.keys, self.values, self.chunks
        self.warps = 8 if self.vector else 4
        self.constants: dict[str, Any] = {
            **types(v),
            "VECTOR": self.vector,
            "C": steps,
            "LEVELS": steps.bit_length() - 1,
            "BK": of_keys,
            "BP": of_values,
        }
        # where each row has a decay, what goes to the keys is more than the registers hold in tiles of halves
        self.small = half and self.vector
        self.tiles_to_keys = triton.cdiv(self.keys, 16) if self.small else self.tiles_of_keys

    def placed(self, *parts: Tensor) -> list[Any]:
        """Each tensor with its steps from one sequence, step of time and head to the next."""
        return [one for part in parts for one in (part, *part.stride()[:3])]


def _rows(part: Tensor) -> Tensor:
    """With the numbers of a row side by side, and those of a chunk within 32 bits of each other."""
    apart = part.shape[-1] > 1 and part.stride(-1) != 1
    return part.contiguous() if apart or part.stride(1) * max(HALVES) >= 2**31 else part


@triton.jit
def _walk(
    k, k_n, k_t, k_h, v, v_n, v_t, v_h, g, g_n, g_t, g_h, state, between, last, T, H, K, P, chunks,
    BACKWARDS: tl.constexpr, TYPE: tl.constexpr, DOT: tl.constexpr, WIDE: tl.constexpr,
    PRECISION: tl.constexpr, VECTOR: tl.constexpr, C: tl.constexpr, LEVELS: tl.constexpr,
    BK: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """Keep S before each chunk and add to it what the chunk leaves; backwards the same with the end first."""
    program = tl.program_id(0).to(tl.int64)
    across = tl.cdiv(P, BP)
    down = tl.cdiv(K, BK)
    p = ((program % across) * BP).to(tl.int32) + tl.arange(0, BP)
    d = ((program // across % down) * BK).to(tl.int32) + tl.arange(0, BK)
    h = program // (across * down) % H
    n = program // (across * down * H)
    own = program * 0  # counts chunks in 64 bits
    rows = tl.arange(0, C)
    carry = tile(state + (n * H + h) * K * P, P, d, d < K, p, p < P).to(TYPE)
    for i in tl.range(own, own + chunks):
        chunk = chunks - 1 - i if BACKWARDS else i
        first = chunk * C
        left = (T - first).to(tl.int32)
        put(between + ((n * chunks + chunk) * H + h) * K * P, P, d, d < K, p, p < P, carry)
        # forward the steps are taken from the last to the first, so that sums go on from row to row
        j = rows if BACKWARDS else C - 1 - rows
        ks = tile(k + n * k_n + first * k_t + h * k_h, k_t, j, j < left, d, d < K).to(TYPE)
        vs = tile(v + n * v_n + first * v_t + h * v_h, v_t, j, j < left, p, p < P)
        rates = g + n * g_n + first * g_t + h * g_h
        near = j if BACKWARDS else j + 1
        counts = (near < left) & (near < C)
        if VECTOR:
            sums = tl.cumsum(tile(rates, g_t, near, counts, d, d < K).to(TYPE), 0)
            total = tl.sum(tile(rates, g_t, j, j < left, d, d < K).to(TYPE), 0)
            added = product(tl.trans(ks * tl.exp(sums)), vs, DOT, TYPE, PRECISION)
            carry = tl.exp(total)[:, None] * carry + added
        else:
            sums = tl.cumsum(tl.load(rates + near * g_t, mask=counts, other=0.0).to(TYPE), 0)
            total = tl.sum(tl.load(rates + j * g_t, mask=j < left, other=0.0).to(TYPE), 0)
            added = product(tl.trans(ks * tl.exp(sums)[:, None]), vs, DOT, TYPE, PRECISION)
            carry = tl.exp(total) * carry + added
    put(last + (n * H + h) * K * P, P, d, d < K, p, p < P, carry)


@triton.jit
def _place(H, chunks, size, BLOCK: tl.constexpr):
    """This program's sequence, chunk and head, with its columns of so many in blocks."""
    program = tl.program_id(0).to(tl.int64)
    across = tl.cdiv(size, BLOCK)
    columns = ((program % across) * BLOCK).to(tl.int32) + tl.arange(0, BLOCK)
    h = program // across % H
    chunk = program // (across * H) % chunks
    return program // (across * H * chunks), chunk, h, columns


@triton.jit
def _passed(rates, g_t, rows, there, TYPE: tl.constexpr):
    """Sums of one rate: up to each step, from behind each step on, and from step to step (t, s)."""
    gs = tl.load(rates + rows * g_t, mask=there, other=0.0).to(TYPE)
    between = tl.where(rows[:, None] > rows[None, :], gs[:, None], 0.0)
    return tl.cumsum(gs, 0), tl.sum(between, 0), tl.cumsum(between, 0)


@triton.jit
def _rates(rates, g_t, rows, there, d, within, C: tl.constexpr, TYPE: tl.constexpr):
    """The rates of a chunk, and the same of the step that follows in the chunk."""
    later = rows + 1
    ends = tl.sum(there.to(tl.int32), 0)
    gs = tile(rates, g_t, rows, there, d, within).to(TYPE)
    return gs, tile(rates, g_t, later, later < ends, d, within).to(TYPE)


@triton.jit
def _sides(gs, after, rows, LEVEL: tl.constexpr, C: tl.constexpr, BK: tl.constexpr):
    """Of pairs that bit LEVEL parts: the later with its decay from the parting on, the earlier up to it."""
    SIZE: tl.constexpr = 1 << LEVEL
    since = tl.cumsum(tl.reshape(gs, (C // SIZE, SIZE, BK)), 1)
    inner = tl.where((rows % SIZE != SIZE - 1)[:, None], after, 0.0)
    until = tl.cumsum(tl.reshape(inner, (C // SIZE, SIZE, BK)), 1, reverse=True)
    late = ((rows // SIZE) % 2 == 1)[:, None]
    a = tl.where(late, tl.exp(tl.reshape(since, (C, BK))), 0.0)
    b = tl.where(late, 0.0, tl.exp(tl.reshape(until, (C, BK))))
    return a, b


@triton.jit
def _pairs(
    qs, ks, gs, after, rows, DOT: tl.constexpr, TYPE: tl.constexpr, PRECISION: tl.constexpr,
    C: tl.constexpr, LEVELS: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """The weights from step to step by these keys."""
    weights = tl.where(rows[:, None] == rows[None, :], tl.sum(qs * ks, 1)[:, None], 0.0)
    for level in tl.static_range(LEVELS):
        a, b = _sides(gs, after, rows, level, C, BK)
        part = product(qs * a, tl.trans(ks * b), DOT, TYPE, PRECISION)
        one = (rows // (2 << level))[:, None] == (rows // (2 << level))[None, :]
        weights += tl.where(one, part, 0.0)
    return weights


@triton.jit
def _read(
    q, q_n, q_t, q_h, k, k_n, k_t, k_h, v, v_n, v_t, v_h, g, g_n, g_t, g_h, starts, y, T, H, K, P, chunks,
    TYPE: tl.constexpr, DOT: tl.constexpr, WIDE: tl.constexpr, PRECISION: tl.constexpr,
    VECTOR: tl.constexpr, C: tl.constexpr, LEVELS: tl.constexpr, BK: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    n, chunk, h, p = _place(H, chunks, P, BP)
    first = chunk * C
    rows = tl.arange(0, C)
    there = rows < (T - first).to(tl.int32)
    q += n * q_n + first * q_t + h * q_h
    k += n * k_n + first * k_t + h * k_h
    g += n * g_n + first * g_t + h * g_h
    starts += ((n * chunks + chunk) * H + h) * K * P
    weights = tl.zeros((C, C), TYPE)
    out = tl.zeros((C, BP), TYPE)
    for begin in tl.range(0, K, BK):
        d = begin + tl.arange(0, BK)
        qs = tile(q, q_t, rows, there, d, d < K)
        ks = tile(k, k_t, rows, there, d, d < K)
        before = tile(starts, P, d, d < K, p, p < P)
        if VECTOR:
            gs, after = _rates(g, g_t, rows, there, d, d < K, C, TYPE)
            qs, ks = qs.to(TYPE), ks.to(TYPE)
            out += product(qs * tl.exp(tl.cumsum(gs, 0)), before, WIDE, TYPE, PRECISION)
            weights += _pairs(qs, ks, gs, after, rows, DOT, TYPE, PRECISION, C, LEVELS, BK)
        else:
            out += product(qs, before, WIDE, TYPE, PRECISION)
            weights += product(qs, tl.trans(ks), DOT, TYPE, PRECISION)
    if not VECTOR:
        since, _, between = _passed(g, g_t, rows, there, TYPE)
        out *= tl.exp(since)[:, None]
        weights = tl.where(rows[:, None] >= rows[None, :], weights * tl.exp(between), 0.0)
    vs = tile(v + n * v_n + first * v_t + h * v_h, v_t, rows, there, p, p < P)
    out += product(weights, vs, WIDE, TYPE, PRECISION)
    put(y + ((n * T + first) * H + h) * P, H * P, rows, there, p, p < P, out)


@triton.jit
def _to_values(
    q, q_n, q_t, q_h, k, k_n, k_t, k_h, dy, y_n, y_t, y_h, g, g_n, g_t, g_h, ends, dv, T, H, K, P, chunks,
    TYPE: tl.constexpr, DOT: tl.constexpr, WIDE: tl.constexpr, PRECISION: tl.constexpr,
    VECTOR: tl.constexpr, C: tl.constexpr, LEVELS: tl.constexpr, BK: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """dv_s = sum_{t >= s} W_ts (q_t . k_s) dy_t + w_s k_s' dS, with w_s the decay from s to the end."""
    n, chunk, h, p = _place(H, chunks, P, BP)
    first = chunk * C
    rows = tl.arange(0, C)
    there = rows < (T - first).to(tl.int32)
    q += n * q_n + first * q_t + h * q_h
    k += n * k_n + first * k_t + h * k_h
    g += n * g_n + first * g_t + h * g_h
    ends += ((n * chunks + chunk) * H + h) * K * P
    weights = tl.zeros((C, C), TYPE)
    out = tl.zeros((C, BP), TYPE)
    for begin in tl.range(0, K, BK):
        d = begin + tl.arange(0, BK)
        qs = tile(q, q_t, rows, there, d, d < K)
        ks = tile(k, k_t, rows, there, d, d < K)
        behind = tile(ends, P, d, d < K, p, p < P)
        if VECTOR:
            gs, after = _rates(g, g_t, rows, there, d, d < K, C, TYPE)
            qs, ks = qs.to(TYPE), ks.to(TYPE)
            until = tl.exp(tl.cumsum(after, 0, reverse=True))
            out += product(ks * until, behind, WIDE, TYPE, PRECISION)
            weights += _pairs(qs, ks, gs, after, rows, DOT, TYPE, PRECISION, C, LEVELS, BK)
        else:
            out += product(ks, behind, WIDE, TYPE, PRECISION)
            weights += product(qs, tl.trans(ks), DOT, TYPE, PRECISION)
    if not VECTOR:
        _, until, between = _passed(g, g_t, rows, there, TYPE)
        out *= tl.exp(until)[:, None]
        weights = tl.where(rows[:, None] >= rows[None, :], weights * tl.exp(between), 0.0)
    come = tile(dy + n * y_n + first * y_t + h * y_h, y_t, rows, there, p, p < P)
    out += product(tl.trans(weights), come, WIDE, TYPE, PRECISION)
    put(dv + ((n * T + first) * H + h) * P, H * P, rows, there, p, p < P, out)


@triton.jit
def _to_keys(
    q, q_n, q_t, q_h, k, k_n, k_t, k_h, v, v_n, v_t, v_h, dy, y_n, y_t, y_h, g, g_n, g_t, g_h,
    starts, ends, dq, dk, dg, T, H, K, P, chunks,
    TYPE: tl.constexpr, DOT: tl.constexpr, WIDE: tl.constexpr, PRECISION: tl.constexpr,
    VECTOR: tl.constexpr, C: tl.constexpr, LEVELS: tl.constexpr, BK: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """dq_t = sum_{s <= t} W_ts (dy_t . v_s) k_s + w_t S dy_t, dk likewise; dg of what passes each step."""
    n, chunk, h, d = _place(H, chunks, K, BK)
    first = chunk * C
    rows = tl.arange(0, C)
    there = rows < (T - first).to(tl.int32)
    v += n * v_n + first * v_t + h * v_h
    dy += n * y_n + first * y_t + h * y_h
    g += n * g_n + first * g_t + h * g_h
    starts += ((n * chunks + chunk) * H + h) * K * P
    ends += ((n * chunks + chunk) * H + h) * K * P
    weights = tl.zeros((C, C), TYPE)
    to_q = tl.zeros((C, BK), TYPE)
    to_k = tl.zeros((C, BK), TYPE)
    whole = tl.zeros((BK,), TYPE)
    for begin in tl.range(0, P, BP):
        p = begin + tl.arange(0, BP)
        vs = tile(v, v_t, rows, there, p, p < P)
        come = tile(dy, y_t, rows, there, p, p < P)
        before = tile(starts, P, d, d < K, p, p < P)
        behind = tile(ends, P, d, d < K, p, p < P)
        weights += product(come, tl.trans(vs), DOT, TYPE, PRECISION)
        to_q += product(come, tl.trans(before), WIDE, TYPE, PRECISION)
        to_k += product(vs, tl.trans(behind), WIDE, TYPE, PRECISION)
        whole += tl.sum(before.to(TYPE) * behind.to(TYPE), 1)
    qs = tile(q + n * q_n + first * q_t + h * q_h, q_t, rows, there, d, d < K).to(TYPE)
    ks = tile(k + n * k_n + first * k_t + h * k_h, k_t, rows, there, d, d < K).to(TYPE)
    if VECTOR:
        gs, after = _rates(g, g_t, rows, there, d, d < K, C, TYPE)
        to_q *= tl.exp(tl.cumsum(gs, 0))
        to_k *= tl.exp(tl.cumsum(after, 0, reverse=True))
        early = ks * to_k
        through = tl.cumsum(qs * to_q, 0, reverse=True) + (tl.cumsum(early, 0) - early)
        through += (tl.exp(tl.sum(gs, 0)) * whole)[None, :]
        same = tl.sum(tl.where(rows[:, None] == rows[None, :], weights, 0.0), 1)[:, None]
        to_q += same * ks
        to_k += same * qs
        for level in tl.static_range(LEVELS):
            a, b = _sides(gs, after, rows, level, C, BK)
            one = (rows // (2 << level))[:, None] == (rows // (2 << level))[None, :]
            part = tl.where(one, weights, 0.0)
            more_q = product(part, ks * b, WIDE, TYPE, PRECISION) * a
            more_k = product(tl.trans(part), qs * a, WIDE, TYPE, PRECISION) * b
            late = tl.reshape(qs * more_q, (C >> level, 1 << level, BK))
            early = tl.reshape(ks * more_k, (C >> level, 1 << level, BK))
            passing = tl.cumsum(late, 1, reverse=True) + (tl.cumsum(early, 1) - early)
            through += tl.reshape(passing, (C, BK))
            to_q += more_q
            to_k += more_k
        put(dg + ((n * T + first) * H + h) * K, H * K, rows, there, d, d < K, through)
    else:
        since, until, between = _passed(g, g_t, rows, there, TYPE)
        lower = rows[:, None] >= rows[None, :]
        weights = tl.where(lower, weights * tl.exp(between), 0.0)
        to_q *= tl.exp(since)[:, None]
        to_k *= tl.exp(until)[:, None]
        pairs = weights * product(qs, tl.trans(ks), DOT, TYPE, PRECISION)
        late = tl.sum(qs * to_q, 1)
        early = tl.sum(ks * to_k, 1)
        pairs = tl.cumsum(pairs, 1) - pairs + late[:, None]  # what reaches t from before each step
        through = tl.sum(tl.where(lower, pairs, early[:, None]), 0)
        total = tl.sum(tl.where(rows == C - 1, since, 0.0), 0)
        through += tl.exp(total) * tl.sum(whole, 0)
        to_q += product(weights, ks, WIDE, TYPE, PRECISION)
        to_k += product(tl.trans(weights), qs, WIDE, TYPE, PRECISION)
        part = (tl.program_id(0) % tl.cdiv(K, BK)).to(tl.int64)
        batch = tl.num_programs(0) // (tl.cdiv(K, BK) * H * chunks)
        place = dg + (part * batch + n) * T * H + first * H + h
        tl.store(place + rows * H, through, mask=there)
    put(dq + ((n * T + first) * H + h) * K, H * K, rows, there, d, d < K, to_q)
    put(dk + ((n * T + first) * H + h) * K, H * K, rows, there, d, d < K, to_k)
