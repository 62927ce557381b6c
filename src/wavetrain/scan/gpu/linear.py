"""The linear recurrence h_t = a_t h_{t-1} + b_t on a GPU, and its gradient.

A program owns neighbouring channels of one sequence and walks time, so that what it reads and writes is
wide and in order, and nothing is moved between threads. Loads of later steps are under way while a step is
computed: `num_stages` keeps that many blocks of steps in flight. Each number is read once and written once.

With too few lanes (batch x channels) to keep the memory busy, time is cut into chunks that are walked side
by side: first each chunk's product of decays and its end from zero, then the states between chunks, then the
walk. That reads a and b twice, and stays within rounding of the walk in one piece.

    l_t = g_t + conj(a_{t+1}) l_{t+1},    db_t = l_t,    da_t = l_t conj(h_{t-1}),    dh_0 = conj(a_1) l_1.
"""

# Above 300 lines: one file, since chunks of time, their ends and the walk are one algorithm.

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from wavetrain.scan.gpu.launch import carried, launch, multiprocessors, on_chip
from wavetrain.scan.gpu.pairs import load, plus, store, times, times_conjugate, unless

BLOCK = 128  # numbers of a program, half as many if complex: a load is 4 of them wide for each of 32 threads
STEPS = 8  # steps whose loads are made together, half as many if complex
STAGES = 4  # such blocks of steps in flight
FEWEST = 64  # steps of a chunk


def forward(a: Tensor, b: Tensor, state: Tensor, reset: Tensor | None) -> tuple[Tensor, Tensor]:
    """h (B, T, D) as b is stored, and the last state as it is carried; a is (B, T, D) or (D,)."""
    a, b, state = a.contiguous(), b.contiguous(), _wide(state)
    batch, time, width = b.shape
    h, last = torch.empty_like(b), torch.empty_like(state)
    chunks, steps = _chunks(b)
    starts = state
    if chunks > 1:
        whole, ends, cut = _ends(a, b, reset, steps, chunks, backwards=False)
        starts = _between(whole, ends, cut, state)
    programs = triton.cdiv(width, _block(b)) * chunks * batch
    real = [_real(part) for part in (a, b, starts, _bytes(reset), h, last)]
    launch(_walk, programs, *real, time, width, chunks, steps, warps=1, **_constants(a, b, reset))
    return h, last


def backward(
    a: Tensor, state: Tensor, h: Tensor, reset: Tensor | None, grad: Tensor | None, grad_last: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a, b and the state, from those of h (None for none) and of the last state."""
    a, h, state = a.contiguous(), h.contiguous(), _wide(state)
    batch, time, width = h.shape
    grad = None if grad is None else grad.contiguous()
    grad_last = torch.zeros_like(state) if grad_last is None else _wide(grad_last)
    chunks, steps = _chunks(h)
    db, dstate = torch.empty_like(h), torch.empty_like(state)
    da = torch.empty_like(h) if a.ndim == 3 else state.new_empty(batch, chunks, width)
    starts = grad_last
    if chunks > 1:
        whole, ends, cut = _ends(a, grad, reset, steps, chunks, backwards=True, like=h)
        cut = None if cut is None else cut.flip(1)
        starts = _between(whole.flip(1), ends.flip(1), cut, grad_last).flip(1)
    programs = triton.cdiv(width, _block(h)) * chunks * batch
    real = [_real(part) for part in (a, h, state, _bytes(reset), grad, starts, da, db, dstate)]
    launch(_back, programs, *real, time, width, chunks, steps, warps=1, **_constants(a, h, reset))
    return da if a.ndim == 3 else da.sum((0, 1)).to(a.dtype), db, dstate


def _chunks(b: Tensor) -> tuple[int, int]:
    """In how many chunks time is cut, and their length: one where the lanes alone fill the memory."""
    batch, time, width = b.shape
    wanted = 2 * multiprocessors(b)
    programs = max(1, batch * triton.cdiv(width, _block(b)))
    if 2 * programs > wanted or time < 2 * FEWEST:
        return 1, time
    chunks = min(triton.cdiv(wanted, programs), time // FEWEST)
    steps = triton.cdiv(triton.cdiv(time, chunks), STEPS) * STEPS
    return triton.cdiv(time, steps), steps


def _ends(
    a: Tensor,
    b: Tensor | None,
    reset: Tensor | None,
    steps: int,
    chunks: int,
    *,
    backwards: bool,
    like: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Each chunk's product of decays, its end from zero (B, chunks, D), and whether it has a reset."""
    like = b if like is None else like
    assert like is not None
    batch, time, width = like.shape
    kind = torch.promote_types(carried(like), like.dtype) if like.is_complex() else carried(like)
    whole, ends = (like.new_empty(batch, chunks, width, dtype=kind) for _ in range(2))
    real = [_real(part) for part in (a, b, _bytes(reset), whole, ends)]
    programs = triton.cdiv(width, _block(like)) * chunks * batch
    constants = _constants(a, like, reset)
    launch(_end, programs, *real, time, width, chunks, steps, warps=1, BACKWARDS=backwards, **constants)
    if reset is None:
        return whole, ends, None
    padded = torch.nn.functional.pad(reset, (0, chunks * steps - time))
    return whole, ends, padded.view(batch, chunks, steps).any(2)


def _between(whole: Tensor, ends: Tensor, cut: Tensor | None, state: Tensor) -> Tensor:
    """The state before each chunk, (B, chunks, D)."""
    starts = torch.empty_like(ends)
    batch, chunks, width = ends.shape
    real = [_real(part.contiguous()) for part in (whole, ends)]
    launch(
        _carry,
        triton.cdiv(width, _block(ends)) * batch,
        *real,
        _bytes(cut),
        _real(state),
        _real(starts),
        width,
        chunks,
        warps=1,
        TYPE=on_chip(ends),
        COMPLEX=ends.is_complex(),
        BLOCK=_block(ends),
    )
    return starts


def _block(b: Tensor) -> int:
    return BLOCK // 2 if b.is_complex() else BLOCK


def _wide(state: Tensor) -> Tensor:
    return state.contiguous() if state.is_complex() else state.to(carried(state)).contiguous()


def _real(part: Tensor | None) -> Tensor | None:
    return torch.view_as_real(part) if part is not None and part.is_complex() else part


def _bytes(reset: Tensor | None) -> Tensor | None:
    return None if reset is None else reset.contiguous().view(torch.uint8)


def _constants(a: Tensor, b: Tensor, reset: Tensor | None) -> dict[str, Any]:
    return {
        "TYPE": on_chip(b),
        "COMPLEX": b.is_complex(),
        "CONSTANT": a.ndim == 1,
        "RESETS": reset is not None,
        "BLOCK": _block(b),
        "STEPS": STEPS // 2 if b.is_complex() else STEPS,
        "STAGES": STAGES,
    }


@triton.jit
def _place(T, D, chunks, steps, BLOCK: tl.constexpr):
    """This program's sequence, chunk and channels, with the steps from first up to end."""
    program = tl.program_id(0).to(tl.int64)
    tiles = tl.cdiv(D, BLOCK)
    chunk = (program // tiles) % chunks
    n = program // (tiles * chunks)
    d = ((program % tiles) * BLOCK).to(tl.int32) + tl.arange(0, BLOCK)
    first = chunk * steps
    return n, chunk, d, first, tl.minimum(first + steps, T)


@triton.jit
def _walk(
    a, b, starts, reset, h, last, T, D, chunks, steps,
    TYPE: tl.constexpr, COMPLEX: tl.constexpr, CONSTANT: tl.constexpr, RESETS: tl.constexpr,
    BLOCK: tl.constexpr, STEPS: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    n, chunk, d, first, end = _place(T, D, chunks, steps, BLOCK)
    there = d < D
    none = tl.zeros((BLOCK,), tl.int32)
    carry = load(starts, (n * chunks + chunk) * D, d, there, 0.0, TYPE, COMPLEX)
    same = load(a, 0, d, there, 0.0, TYPE, COMPLEX) if CONSTANT else carry
    for begin in tl.range(first, end, STEPS, num_stages=STAGES):
        decays = ()
        inputs = ()
        for k in tl.static_range(STEPS):
            t = begin + k
            now = there & (none + t < end)
            row = (n * T + t) * D
            if not CONSTANT:
                decays = decays + (load(a, row, d, now, 1.0, TYPE, COMPLEX),)
            inputs = inputs + (load(b, row, d, now, 0.0, TYPE, COMPLEX),)
        for k in tl.static_range(STEPS):
            t = begin + k
            now = there & (none + t < end)
            if RESETS:
                carry = unless(_dropped(reset + n * T + t, none, now), carry, COMPLEX)
            if CONSTANT:
                moved = plus(times(same, carry, COMPLEX), inputs[k], COMPLEX)
                carry = _where(now, moved, carry, COMPLEX)
            else:  # past the end the decay is 1 and the input 0, so that the state stays
                carry = plus(times(decays[k], carry, COMPLEX), inputs[k], COMPLEX)
            store(h, (n * T + t) * D, d, now, carry, COMPLEX)
    store(last, n * D, d, there & (none + end == T), carry, COMPLEX)


@triton.jit
def _back(
    a, h, state, reset, grad, starts, da, db, dstate, T, D, chunks, steps,
    TYPE: tl.constexpr, COMPLEX: tl.constexpr, CONSTANT: tl.constexpr, RESETS: tl.constexpr,
    BLOCK: tl.constexpr, STEPS: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    n, chunk, d, first, end = _place(T, D, chunks, steps, BLOCK)
    there = d < D
    none = tl.zeros((BLOCK,), tl.int32)
    carry = load(starts, (n * chunks + chunk) * D, d, there, 0.0, TYPE, COMPLEX)  # from later steps
    same = load(a, 0, d, there, 0.0, TYPE, COMPLEX) if CONSTANT else carry
    begin = load(state, n * D, d, there, 0.0, TYPE, COMPLEX)
    total = (tl.zeros((BLOCK,), TYPE), tl.zeros((BLOCK,), TYPE) if COMPLEX else 0.0)
    for back in tl.range(0, end - first, STEPS, num_stages=STAGES):
        decays = ()
        before = ()
        come = ()
        for k in tl.static_range(STEPS):
            t = end - 1 - back - k
            now = there & (none + t >= first)
            row = (n * T + t) * D
            if not CONSTANT:
                decays = decays + (load(a, row, d, now, 1.0, TYPE, COMPLEX),)
            before = before + (load(h, row - D, d, now & (none + t > 0), 0.0, TYPE, COMPLEX),)
            if grad is not None:
                come = come + (load(grad, row, d, now, 0.0, TYPE, COMPLEX),)
        for k in tl.static_range(STEPS):
            t = end - 1 - back - k
            now = there & (none + t >= first)
            row = (n * T + t) * D
            if grad is not None:
                carry = plus(carry, come[k], COMPLEX)
            earlier = _where(none + t > 0, before[k], begin, COMPLEX)
            if RESETS:
                dropped = _dropped(reset + n * T + t, none, now)
                earlier = unless(dropped, earlier, COMPLEX)
            term = times_conjugate(carry, earlier, COMPLEX)
            store(db, row, d, now, carry, COMPLEX)
            if CONSTANT:
                total = plus(total, unless(none + t < first, term, COMPLEX), COMPLEX)
                carry = _where(now, times_conjugate(carry, same, COMPLEX), carry, COMPLEX)
            else:
                store(da, row, d, now, term, COMPLEX)
                carry = times_conjugate(carry, decays[k], COMPLEX)
            if RESETS:
                carry = unless(dropped, carry, COMPLEX)
    store(dstate, n * D, d, there & (none + first == 0), carry, COMPLEX)
    if CONSTANT:
        store(da, (n * chunks + chunk) * D, d, there, total, COMPLEX)


@triton.jit
def _end(
    a, b, reset, whole, ends, T, D, chunks, steps, BACKWARDS: tl.constexpr,
    TYPE: tl.constexpr, COMPLEX: tl.constexpr, CONSTANT: tl.constexpr, RESETS: tl.constexpr,
    BLOCK: tl.constexpr, STEPS: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """The chunk's product of decays, and what it makes of zero; backwards, of the gradient b, after decay."""
    n, chunk, d, first, end = _place(T, D, chunks, steps, BLOCK)
    there = d < D
    none = tl.zeros((BLOCK,), tl.int32)
    zero = tl.zeros((BLOCK,), TYPE)
    product = (zero + 1.0, zero if COMPLEX else 0.0)
    carry = (zero, zero if COMPLEX else 0.0)
    same = load(a, 0, d, there, 0.0, TYPE, COMPLEX) if CONSTANT else carry
    for ahead in tl.range(0, end - first, STEPS, num_stages=STAGES):
        decays = ()
        inputs = ()
        for k in tl.static_range(STEPS):
            t = end - 1 - ahead - k if BACKWARDS else first + ahead + k
            now = there & (none + t >= first) & (none + t < end)
            row = (n * T + t) * D
            if not CONSTANT:
                decays = decays + (load(a, row, d, now, 1.0, TYPE, COMPLEX),)
            if b is not None:
                inputs = inputs + (load(b, row, d, now, 0.0, TYPE, COMPLEX),)
        for k in tl.static_range(STEPS):
            t = end - 1 - ahead - k if BACKWARDS else first + ahead + k
            now = there & (none + t >= first) & (none + t < end)
            decay = same if CONSTANT else decays[k]
            if RESETS:
                dropped = _dropped(reset + n * T + t, none, now)
                product = unless(dropped, product, COMPLEX)
            if BACKWARDS:
                if b is not None:
                    carry = plus(carry, inputs[k], COMPLEX)
                moved = times_conjugate(carry, decay, COMPLEX)
                product = _where(now, times_conjugate(product, decay, COMPLEX), product, COMPLEX)
                carry = _where(now, moved, carry, COMPLEX)
                if RESETS:
                    carry = unless(dropped, carry, COMPLEX)
            else:
                if RESETS:
                    carry = unless(dropped, carry, COMPLEX)
                moved = plus(times(decay, carry, COMPLEX), inputs[k], COMPLEX)
                product = _where(now, times(decay, product, COMPLEX), product, COMPLEX)
                carry = _where(now, moved, carry, COMPLEX)
    row = (n * chunks + chunk) * D
    store(whole, row, d, there, product, COMPLEX)
    store(ends, row, d, there, carry, COMPLEX)


@triton.jit
def _carry(
    whole, ends, cut, state, starts, D, chunks,
    TYPE: tl.constexpr, COMPLEX: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64)
    tiles = tl.cdiv(D, BLOCK)
    n = program // tiles
    d = ((program % tiles) * BLOCK).to(tl.int32) + tl.arange(0, BLOCK)
    there = d < D
    none = tl.zeros((BLOCK,), tl.int32)
    carry = load(state, n * D, d, there, 0.0, TYPE, COMPLEX)
    for chunk in tl.range(0, chunks):
        row = (n * chunks + chunk) * D
        store(starts, row, d, there, carry, COMPLEX)
        if cut is not None:  # what a reset drops is not multiplied by zero, for it may not be finite
            carry = unless(_dropped(cut + n * chunks + chunk, none, there), carry, COMPLEX)
        moved = times(load(whole, row, d, there, 0.0, TYPE, COMPLEX), carry, COMPLEX)
        carry = plus(moved, load(ends, row, d, there, 0.0, TYPE, COMPLEX), COMPLEX)
    # the last state is the walk's to write


@triton.jit
def _dropped(reset, at, now):
    return tl.load(reset + at, mask=now, other=0) != 0


@triton.jit
def _where(condition, x, y, COMPLEX: tl.constexpr):
    if COMPLEX:
        return tl.where(condition, x[0], y[0]), tl.where(condition, x[1], y[1])
    else:
        return tl.where(condition, x[0], y[0]), 0.0
