"""The unitary recurrence on a GPU, and its gradient: the equations of `scan.cpu.unitary`, in the same walks.

A program owns neighbouring channels of one sequence and walks time with their complex states in registers.
Forward reads angles and inputs once and writes y; it keeps the states once in CHUNK steps. Backward starts
from these and turns the states back step by step: it reads the same once more, with what comes back to y, and
writes the gradients. What b and c gain is summed by each program for itself, and then by PyTorch.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from wavetrain.scan.cpu.unitary import CHUNK
from wavetrain.scan.gpu.launch import launch, on_chip

TILE = 256  # states of a program, eight for each of 32 threads; more where one channel has more
NARROWEST = 8  # channels of a program, which are read together
STAGES = 3  # steps whose loads are under way


def forward(
    theta: Tensor, w: Tensor, b: Tensor, c: Tensor, state: Tensor, marks: Tensor
) -> tuple[Tensor, Tensor]:
    """y (B, T, E) and the last state (B, 2, S, E), from theta (B, T, S, E), w (B, T, E), b and c (S, 2).

    Fills marks (B, chunks, 2, S, E), the states after each chunk; none where there are no chunks.
    """
    y, last = torch.empty_like(w, memory_format=torch.contiguous_format), torch.empty_like(state)
    given = [part.contiguous() for part in (theta, w, b, c, state)]
    launch(_walk, _programs(theta), *given, y, last, _some(marks), *_sizes(theta), **_constants(theta))
    return y, last


def backward(
    theta: Tensor,
    w: Tensor,
    b: Tensor,
    c: Tensor,
    last: Tensor,
    marks: Tensor,
    grad: Tensor | None,
    grad_last: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of theta, w and state (B, 2, S, E), and those of b and c (S, 2)."""
    batch, _, size, width = theta.shape
    dtheta, dw = (torch.empty_like(part, memory_format=torch.contiguous_format) for part in (theta, w))
    dstate = w.new_empty(batch, 2, size, width)
    sums = w.new_empty(_programs(theta), 4, size)
    given = [part.contiguous() for part in (theta, w, b, c, last)]
    back = None if grad is None else grad.contiguous()
    launch(
        _back,
        _programs(theta),
        *(*given, _some(marks), back, grad_last.contiguous()),
        *(dtheta, dw, dstate, sums),
        *_sizes(theta),
        **_constants(theta),
    )
    db, dc = sums.sum(0).view(2, 2, size).mT.contiguous()
    return dtheta, dw, db, dc, dstate


def _some(part: Tensor) -> Tensor | None:
    return part if part.numel() else None


def _block(theta: Tensor) -> int:
    """The channels of a program."""
    return max(NARROWEST, TILE // triton.next_power_of_2(theta.shape[2]))


def _programs(theta: Tensor) -> int:
    return len(theta) * triton.cdiv(theta.shape[3], _block(theta))


def _sizes(theta: Tensor) -> tuple[int, int, int, int]:
    _, time, size, width = theta.shape
    return time, size, width, time // CHUNK


def _constants(theta: Tensor) -> dict[str, Any]:
    size, block = triton.next_power_of_2(theta.shape[2]), _block(theta)
    warps = min(8, max(1, size * block // TILE))
    fixed = {"SIZE": size, "BLOCK": block, "CHUNK": CHUNK, "STAGES": STAGES, "TYPE": on_chip(theta)}
    return {**fixed, "warps": warps}


@triton.jit
def _turn(angle, TYPE: tl.constexpr):
    """Cosine and sine of angles: k pi + r with k whole and |r| at most pi / 2, and the series of r.

    As on the CPU; the GPU's own functions keep large angles in local memory.
    """
    if tl.float64 == TYPE:
        cosine, sine = tl.cos(angle), tl.sin(angle)
    else:
        k = tl.floor(angle * 0.3183098861837907 + 0.5)
        r = (angle - k * 3.140625) - k * 0.0009676535897932795
        sign = 1.0 - 2.0 * tl.abs(k - 2.0 * tl.floor(k * 0.5))
        z = r * r
        s = -2.505210838544172e-08 + z * 1.6059043836821613e-10
        s = 0.008333333333333333 + z * (-0.0001984126984126984 + z * (2.7557319223985893e-06 + z * s))
        sine = sign * (r + r * z * (-0.16666666666666666 + z * s))
        q = -2.755731922398589e-07 + z * 2.08767569878681e-09
        q = 0.041666666666666664 + z * (-0.001388888888888889 + z * (2.48015873015873e-05 + z * q))
        cosine = sign * (1.0 + z * (-0.5 + z * q))
    return cosine, sine


@triton.jit
def _place(S, E, SIZE: tl.constexpr, BLOCK: tl.constexpr):
    """This program's sequence, its states as offsets into (S, E), and which of them are there."""
    program = tl.program_id(0).to(tl.int64)
    tiles = tl.cdiv(E, BLOCK)
    d = ((program % tiles) * BLOCK).to(tl.int32) + tl.arange(0, BLOCK)
    s = tl.arange(0, SIZE)
    return program // tiles, d, s, s[:, None] * E + d[None, :], (s < S)[:, None] & (d < E)[None, :]


@triton.jit
def _numbers(pairs, s, known):
    """The complex numbers of b or c, one for each state."""
    real = tl.load(pairs + 2 * s, mask=known, other=0.0)
    imaginary = tl.load(pairs + 2 * s + 1, mask=known, other=0.0)
    return real[:, None], imaginary[:, None]


@triton.jit
def _walk(
    theta, w, b, c, state, y, last, marks, T, S, E, chunks, SIZE: tl.constexpr, BLOCK: tl.constexpr,
    CHUNK: tl.constexpr, STAGES: tl.constexpr, TYPE: tl.constexpr,
):  # fmt: skip
    n, d, s, at, there = _place(S, E, SIZE, BLOCK)
    wide = d < E
    none = tl.zeros((SIZE, BLOCK), tl.int32)
    whole = 0 * n + S * E  # an int64; of two sizes of 1 the product is no tensor
    known = s < S
    br, bi = _numbers(b, s, known)
    cr, ci = _numbers(c, s, known)
    hr = tl.load(state + 2 * n * whole + at, mask=there, other=0.0)
    hi = tl.load(state + (2 * n + 1) * whole + at, mask=there, other=0.0)
    for t in tl.range(0, T, num_stages=STAGES):
        row = n * T + t
        cosine, sine = _turn(tl.load(theta + row * whole + at, mask=there, other=0.0), TYPE)
        now = tl.load(w + row * E + d, mask=wide, other=0.0)[None, :]
        turned = cosine * hr - sine * hi + br * now
        hi = cosine * hi + sine * hr + bi * now
        hr = turned
        tl.store(y + row * E + d, tl.sum(cr * hr - ci * hi, 0), mask=wide)
        if marks is not None:
            ends = there & ((none + t + 1) % CHUNK == 0)
            place = 2 * (n * chunks + t // CHUNK)
            tl.store(marks + place * whole + at, hr, mask=ends)
            tl.store(marks + (place + 1) * whole + at, hi, mask=ends)
    tl.store(last + 2 * n * whole + at, hr, mask=there)
    tl.store(last + (2 * n + 1) * whole + at, hi, mask=there)


@triton.jit
def _back(
    theta, w, b, c, last, marks, grad, grad_last, dtheta, dw, dstate, sums, T, S, E, chunks,
    SIZE: tl.constexpr, BLOCK: tl.constexpr, CHUNK: tl.constexpr, STAGES: tl.constexpr, TYPE: tl.constexpr,
):  # fmt: skip
    n, d, s, at, there = _place(S, E, SIZE, BLOCK)
    wide = d < E
    none = tl.zeros((SIZE, BLOCK), tl.int32)
    whole = 0 * n + S * E  # an int64; of two sizes of 1 the product is no tensor
    known = s < S
    br, bi = _numbers(b, s, known)
    cr, ci = _numbers(c, s, known)
    hr = tl.load(last + 2 * n * whole + at, mask=there, other=0.0)
    hi = tl.load(last + (2 * n + 1) * whole + at, mask=there, other=0.0)
    gr = tl.load(grad_last + 2 * n * whole + at, mask=there, other=0.0)
    gi = tl.load(grad_last + (2 * n + 1) * whole + at, mask=there, other=0.0)
    dbr = tl.zeros((SIZE, BLOCK), TYPE)
    dbi = tl.zeros((SIZE, BLOCK), TYPE)
    dcr = tl.zeros((SIZE, BLOCK), TYPE)
    dci = tl.zeros((SIZE, BLOCK), TYPE)
    for i in tl.range(0, T, num_stages=STAGES):
        t = T - 1 - i
        row = n * T + t
        if marks is not None:  # what rounding has added since the last one is forgotten
            ends = there & ((none + t + 1) % CHUNK == 0)
            place = 2 * (n * chunks + t // CHUNK)
            hr = tl.where(ends, tl.load(marks + place * whole + at, mask=ends, other=0.0), hr)
            hi = tl.where(ends, tl.load(marks + (place + 1) * whole + at, mask=ends, other=0.0), hi)
        now = tl.load(w + row * E + d, mask=wide, other=0.0)[None, :]
        if grad is not None:
            come = tl.load(grad + row * E + d, mask=wide, other=0.0)[None, :]
            dcr += come * hr
            dci -= come * hi
            gr += cr * come
            gi -= ci * come
        tl.store(dw + row * E + d, tl.sum(br * gr + bi * gi, 0), mask=wide)
        dbr += now * gr
        dbi += now * gi
        hr -= br * now
        hi -= bi * now
        tl.store(dtheta + row * whole + at, gi * hr - gr * hi, mask=there)
        cosine, sine = _turn(tl.load(theta + row * whole + at, mask=there, other=0.0), TYPE)
        turned = cosine * hr + sine * hi
        hi = cosine * hi - sine * hr
        hr = turned
        turned = cosine * gr + sine * gi
        gi = cosine * gi - sine * gr
        gr = turned
    tl.store(dstate + 2 * n * whole + at, gr, mask=there)
    tl.store(dstate + (2 * n + 1) * whole + at, gi, mask=there)
    row = tl.program_id(0).to(tl.int64) * 4 * S
    tl.store(sums + row + s, tl.sum(dbr, 1), mask=known)
    tl.store(sums + row + S + s, tl.sum(dbi, 1), mask=known)
    tl.store(sums + row + 2 * S + s, tl.sum(dcr, 1), mask=known)
    tl.store(sums + row + 3 * S + s, tl.sum(dci, 1), mask=known)
