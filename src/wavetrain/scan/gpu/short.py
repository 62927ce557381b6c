"""SiLU of a causal convolution with few taps in each channel, on a GPU, and its gradients.

    z_t = sum_k weight_k x_{t-k} + bias,    y_t = SiLU(z_t),    dz_t = SiLU'(z_t) dy_t
    dx_s = sum_k weight_k dz_{s+k},    dweight_k = sum_t dz_t x_{t-k},    dbias = sum_t dz_t

A program takes neighbouring channels of one sequence, and blocks of STEPS steps after each other. The steps
of a block, with the few before it, are in registers, so that each number is read once but for those few.
Backward makes z again; it needs the few steps after a block too. The gradients of weight and bias are summed
by each program for itself, and then by PyTorch.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from wavetrain.scan.gpu.launch import launch, on_chip

BLOCK = 32  # channels of a program, one for each of 32 threads, which holds all steps of a block
STEPS = 16  # steps of a block
BLOCKS = 16  # blocks of a program


def forward(x: Tensor, past: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """y (B, T, E), from x, past (B, K - 1, E), weight (E, K) and bias (E), in one dtype."""
    x, past, taps = x.contiguous(), past.contiguous(), weight.t().contiguous()
    y = torch.empty_like(x)
    programs, slices = _programs(x)
    launch(_walk, programs, x, past, taps, bias.contiguous(), y, *x.shape[1:], slices, **_constants(weight))
    return y


def backward(
    x: Tensor, past: Tensor, weight: Tensor, bias: Tensor, grad: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of x, past, weight and bias."""
    x, past, taps, grad = x.contiguous(), past.contiguous(), weight.t().contiguous(), grad.contiguous()
    programs, slices = _programs(x)
    dx, dpast = torch.empty_like(x), torch.empty_like(past)
    sums = x.new_empty(len(x), slices, 1 + len(taps), x.shape[2])
    inputs = [x, past, taps, bias.contiguous(), grad]
    launch(_back, programs, *inputs, dx, dpast, sums, *x.shape[1:], slices, **_constants(weight))
    dbias, dtaps = sums.sum((0, 1)).split([1, len(taps)])
    return dx, dpast, dtaps.clone().t(), dbias[0].clone()


def _programs(x: Tensor) -> tuple[int, int]:
    """How many there are, and in how many slices time is cut."""
    slices = triton.cdiv(x.shape[1], STEPS * BLOCKS)
    return len(x) * slices * triton.cdiv(x.shape[2], BLOCK), slices


def _constants(weight: Tensor) -> dict[str, Any]:
    sizes = {"TAPS": weight.shape[1], "STEPS": STEPS, "BLOCKS": BLOCKS, "BLOCK": BLOCK}
    return {**sizes, "TYPE": on_chip(weight), "warps": 1}


@triton.jit
def _place(E, slices, BLOCK: tl.constexpr):
    """This program's sequence, slice of time and channels."""
    program = tl.program_id(0).to(tl.int64)
    tiles = tl.cdiv(E, BLOCK)
    d = ((program % tiles) * BLOCK).to(tl.int32) + tl.arange(0, BLOCK)
    return program // (tiles * slices), (program // tiles) % slices, d


@triton.jit
def _at(x, past, n, t, T, E, d, there, none, TAPS: tl.constexpr):
    """x at a step, which may lie before the first; zero after the last."""
    value = tl.load(x + (n * T + t) * E + d, mask=there & (none + t >= 0) & (none + t < T), other=0.0)
    if TAPS > 1:
        row = (n * (TAPS - 1) + (TAPS - 1) + t) * E
        value += tl.load(past + row + d, mask=there & (none + t < 0), other=0.0)
    return value


@triton.jit
def _walk(
    x, past, weight, bias, y, T, E, slices, TAPS: tl.constexpr, STEPS: tl.constexpr, BLOCKS: tl.constexpr,
    BLOCK: tl.constexpr, TYPE: tl.constexpr,
):  # fmt: skip
    n, part, d = _place(E, slices, BLOCK)
    there = d < E
    none = tl.zeros((BLOCK,), tl.int32)
    shift = tl.load(bias + d, mask=there, other=0.0)
    taps = ()
    for k in tl.static_range(TAPS):
        taps = taps + (tl.load(weight + k * E + d, mask=there, other=0.0),)
    first = part * (STEPS * BLOCKS)
    for begin in tl.range(first, tl.minimum(first + STEPS * BLOCKS, T), STEPS):
        given = ()
        for j in tl.static_range(STEPS + TAPS - 1):
            given = given + (_at(x, past, n, begin + j - (TAPS - 1), T, E, d, there, none, TAPS),)
        for j in tl.static_range(STEPS):
            z = shift
            for k in tl.static_range(TAPS):
                z += taps[k] * given[j + TAPS - 1 - k]
            now = there & (none + begin + j < T)
            tl.store(y + (n * T + begin + j) * E + d, z / (1.0 + tl.exp(-z)), mask=now)


@triton.jit
def _back(
    x, past, weight, bias, grad, dx, dpast, sums, T, E, slices, TAPS: tl.constexpr, STEPS: tl.constexpr,
    BLOCKS: tl.constexpr, BLOCK: tl.constexpr, TYPE: tl.constexpr,
):  # fmt: skip
    n, part, d = _place(E, slices, BLOCK)
    there = d < E
    none = tl.zeros((BLOCK,), tl.int32)
    zero = tl.zeros((BLOCK,), TYPE)
    shift = tl.load(bias + d, mask=there, other=0.0)
    taps = ()
    totals = ()
    for k in tl.static_range(TAPS):
        taps = taps + (tl.load(weight + k * E + d, mask=there, other=0.0),)
        totals = totals + (zero,)
    total = zero
    first = part * (STEPS * BLOCKS)
    for begin in tl.range(first, tl.minimum(first + STEPS * BLOCKS, T), STEPS):
        given = ()
        for j in tl.static_range(STEPS + 2 * (TAPS - 1)):
            given = given + (_at(x, past, n, begin + j - (TAPS - 1), T, E, d, there, none, TAPS),)
        slopes = ()  # dz of the block, and of the few steps after it
        for j in tl.static_range(STEPS + TAPS - 1):
            z = shift
            for k in tl.static_range(TAPS):
                z += taps[k] * given[j + TAPS - 1 - k]
            now = there & (none + begin + j < T)
            come = tl.load(grad + (n * T + begin + j) * E + d, mask=now, other=0.0)
            gate = 1.0 / (1.0 + tl.exp(-z))
            slopes = slopes + (tl.where(now, come * gate * (1.0 + z * (1.0 - gate)), 0.0),)
        for j in tl.static_range(STEPS):
            back = zero
            for k in tl.static_range(TAPS):
                back += taps[k] * slopes[j + k]
            now = there & (none + begin + j < T)
            tl.store(dx + (n * T + begin + j) * E + d, back, mask=now)
            total += slopes[j]
        grown = ()
        for k in tl.static_range(TAPS):
            more = zero
            for j in tl.static_range(STEPS):
                more += tl.where(none + begin + j < T, slopes[j] * given[j + TAPS - 1 - k], 0.0)
            grown = grown + (totals[k] + more,)
        totals = grown
        for s in tl.static_range(TAPS - 1):
            back = zero
            for k in tl.static_range(TAPS - 1 - s, TAPS):
                back += taps[k] * slopes[s + k - (TAPS - 1)]
            row = (n * (TAPS - 1) + s) * E
            tl.store(dpast + row + d, back, mask=there & (none + begin == 0))
    row = (n * slices + part) * (TAPS + 1) * E
    tl.store(sums + row + d, total, mask=there)
    for k in tl.static_range(TAPS):
        tl.store(sums + row + (k + 1) * E + d, totals[k], mask=there)
