"""The wave recurrence h_t = act(kernel * h_{t-1} + drive_t) on a GPU, and its gradient.

A program walks whole sequences, one after another, with the weights and the rings of a sequence on chip. The
circular convolution is a matrix product for each tap, weights (outputs, channels) times rings (channels,
positions) that are turned by the tap's place. A product of float32 is made of three of tensor cores
("tf32x3"), with an error as small as that of float32 itself. A step reads the drive once and writes the state
once, and what later steps read is under way meanwhile.

Backward is the same walk from the end with the transposed weights. The gradient of the weights needs no walk:
another kernel makes it from the states and the gradient of the drive, over slices of all steps side by side,
a sum for each slice, which PyTorch adds up. That reads both once more, and keeps the chain of steps short.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from wavetrain.scan.gpu.launch import launch, on_chip

SLICES = 512  # programs at most, of which each walks some sequences; never by the device, for the sums' sake
CODES = {"identity": 0, "relu": 1, "tanh": 2}


def forward(drive: Tensor, kernel: Tensor, state: Tensor, activation: str) -> tuple[Tensor, Tensor]:
    """h (B, T, C, N) and its last step."""
    drive, state = drive.contiguous(), state.contiguous()
    batch, time = drive.shape[:2]
    h, last = torch.empty_like(drive), torch.empty_like(state)
    arrays = [drive, kernel.permute(2, 0, 1).contiguous(), state, h, last]
    programs, each = _slices(batch)
    constants = _constants(drive, kernel, activation)
    launch(_walk, programs, *arrays, batch, time, each, **constants)
    return h, last


def backward(
    kernel: Tensor,
    state: Tensor,
    h: Tensor,
    grad: Tensor | None,
    grad_last: Tensor | None,
    activation: str,
    wanted: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of drive, kernel and state; that of the kernel is empty where it is not wanted."""
    h, state = h.contiguous(), state.contiguous()
    batch, time = h.shape[:2]
    grad = None if grad is None else grad.contiguous()
    grad_last = None if grad_last is None else grad_last.contiguous()
    programs, each = _slices(batch)
    ddrive, dstate = torch.empty_like(h), torch.empty_like(state)
    turned = kernel.permute(2, 1, 0).contiguous()  # (K, C, O)
    arrays = [turned, h, grad, grad_last, ddrive, dstate]
    constants = _constants(h, kernel, activation)
    launch(_back, programs, *arrays, batch, time, each, **constants)
    if not wanted:
        return ddrive, kernel.new_empty(0), dstate
    parts = [_summed(ddrive, before, kernel, constants, skip) for skip, before in enumerate((state, h))]
    dkernel = torch.cat(parts).sum(0).permute(1, 2, 0)
    return ddrive, dkernel.contiguous(), dstate


def _summed(ddrive: Tensor, before: Tensor, kernel: Tensor, constants: dict[str, Any], skip: int) -> Tensor:
    """Sums (programs, K, O, C) for the gradient of the weights.

    With no step to skip they are over the first step, whose state before is given (B, C, N); with one, over
    all others, whose states before are those of (B, T, C, N).
    """
    batch, time, channels, _ = ddrive.shape
    steps = time - 1 if skip else 1
    each = max(1, triton.cdiv(batch * steps, SLICES))
    programs = triton.cdiv(batch * steps, each)
    sums = ddrive.new_empty(programs, kernel.shape[2], channels, channels)
    shared = {name: constants[name] for name in ("C", "N", "TYPE", "PRECISION", "TAPS", "CHANNELS")}
    numbers = [batch * steps, time, steps, skip, each]
    launch(_sum, programs, ddrive, before, sums, *numbers, **shared, **_block(kernel))
    return sums


def _block(kernel: Tensor) -> dict[str, Any]:
    """Over how many positions the gradient of the weights is summed at a time; a warp for 16 channels."""
    channels = _filled(len(kernel))
    return {"BLOCK": 512 // channels, "warps": channels // 16}


def _filled(count: int) -> int:
    """The next power of two, 16 or more, as matrix products take them."""
    return max(16, triton.next_power_of_2(count))


def _slices(batch: int) -> tuple[int, int]:
    """How many programs there are, and how many sequences each walks."""
    each = max(1, triton.cdiv(batch, SLICES))
    return triton.cdiv(batch, each), each


def _constants(drive: Tensor, kernel: Tensor, activation: str) -> dict[str, Any]:
    channels, positions = _filled(drive.shape[2]), _filled(drive.shape[3])
    small = channels * positions * drive.element_size() <= 16384
    return {
        "C": drive.shape[2],
        "N": drive.shape[3],
        "ACTIVATION": CODES[activation],
        "TYPE": on_chip(drive),
        "PRECISION": "ieee" if drive.dtype == torch.float64 else "tf32x3",
        "TAPS": kernel.shape[2],
        "CHANNELS": channels,
        "POSITIONS": positions,
        "STAGES": 3 if small else 2,
        "warps": min(8, max(4, channels * positions // 512)),
    }


@triton.jit
def _walk(
    drive, kernel, state, h, last, B, T, each,
    C: tl.constexpr, N: tl.constexpr, ACTIVATION: tl.constexpr, TYPE: tl.constexpr, PRECISION: tl.constexpr,
    TAPS: tl.constexpr, CHANNELS: tl.constexpr, POSITIONS: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    there, place = _tile(C, N, CHANNELS, POSITIONS)
    weights = _weights(kernel, C, TYPE, TAPS, CHANNELS)
    first = tl.program_id(0).to(tl.int64) * each
    for n in tl.range(first, tl.minimum(first + each, B)):
        now = tl.load(state + n * (C * N) + place, mask=there, other=0.0)
        for t in tl.range(0, T, num_stages=STAGES):
            row = (n * T + t) * (C * N)
            total = tl.load(drive + row + place, mask=there, other=0.0)
            for k in tl.static_range(TAPS):
                turned = _turned(now, N, k - TAPS // 2, CHANNELS, POSITIONS)
                total = tl.dot(weights[k], turned, total, input_precision=PRECISION)
            if ACTIVATION == 1:
                total = tl.where(total <= 0.0, 0.0, total)  # not a number stays so
            if ACTIVATION == 2:
                total = tanh(total)
            now = tl.where(there, total, 0.0)
            tl.store(h + row + place, now, mask=there)
        tl.store(last + n * (C * N) + place, now, mask=there)


@triton.jit
def _back(
    kernel, h, grad, grad_last, ddrive, dstate, B, T, each,
    C: tl.constexpr, N: tl.constexpr, ACTIVATION: tl.constexpr, TYPE: tl.constexpr, PRECISION: tl.constexpr,
    TAPS: tl.constexpr, CHANNELS: tl.constexpr, POSITIONS: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """The kernel is transposed, (TAPS, C, O)."""
    there, place = _tile(C, N, CHANNELS, POSITIONS)
    weights = _weights(kernel, C, TYPE, TAPS, CHANNELS)
    first = tl.program_id(0).to(tl.int64) * each
    for n in tl.range(first, tl.minimum(first + each, B)):
        carry = tl.zeros((CHANNELS, POSITIONS), TYPE)  # from later steps
        if grad_last is not None:
            carry = tl.load(grad_last + n * (C * N) + place, mask=there, other=0.0)
        for back in tl.range(0, T, num_stages=STAGES):
            row = (n * T + (T - 1 - back)) * (C * N)
            now = tl.load(h + row + place, mask=there, other=0.0)
            if grad is not None:
                carry += tl.load(grad + row + place, mask=there, other=0.0)
            if ACTIVATION == 1:
                carry = tl.where(now <= 0.0, 0.0, carry)
            if ACTIVATION == 2:
                carry = carry * (1.0 - now * now)
            carry = tl.where(there, carry, 0.0)
            tl.store(ddrive + row + place, carry, mask=there)
            total = tl.zeros((CHANNELS, POSITIONS), TYPE)
            for k in tl.static_range(TAPS):
                turned = _turned(carry, N, TAPS // 2 - k, CHANNELS, POSITIONS)
                total = tl.dot(weights[k], turned, total, input_precision=PRECISION)
            carry = total
        tl.store(dstate + n * (C * N) + place, carry, mask=there)


@triton.jit
def _sum(
    ddrive, before, sums, ALL, T, S, skip, each,
    C: tl.constexpr, N: tl.constexpr, TYPE: tl.constexpr, PRECISION: tl.constexpr,
    TAPS: tl.constexpr, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The gradient of the weights, (TAPS, O, C), over `each` of ALL steps: S of a sequence, the last ones.

    The state before the first of these S is the first of `before`.
    """
    c, i = tl.arange(0, CHANNELS), tl.arange(0, BLOCK)
    program = tl.program_id(0).to(tl.int64)
    totals = ()
    for _k in tl.static_range(TAPS):
        totals = totals + (tl.zeros((CHANNELS, CHANNELS), TYPE),)
    first = program * each
    for step in tl.range(first, tl.minimum(first + each, ALL)):
        n, t = step // S, step % S
        row = (n * T + t + skip) * (C * N)
        earlier = (n * (S + skip) + t) * (C * N)
        for start in tl.range(0, N, BLOCK):
            at = start + i
            there = (c[:, None] < C) & (at[None, :] < N)
            given = tl.load(ddrive + row + c[:, None] * N + at[None, :], mask=there, other=0.0)
            grown = ()
            for k in tl.static_range(TAPS):
                place = c[:, None] * N + _place(at, N, k - TAPS // 2)[None, :]
                state = tl.load(before + earlier + place, mask=there, other=0.0)
                grown = grown + (tl.dot(given, tl.trans(state), totals[k], input_precision=PRECISION),)
            totals = grown
    for k in tl.static_range(TAPS):
        place, inner = _square(C, CHANNELS)
        tl.store(sums + (program * TAPS + k) * (C * C) + place, totals[k], mask=inner)


@triton.jit
def _tile(C: tl.constexpr, N: tl.constexpr, CHANNELS: tl.constexpr, POSITIONS: tl.constexpr):
    """Which channels and positions there are, and their places in a state."""
    c, i = tl.arange(0, CHANNELS), tl.arange(0, POSITIONS)
    return (c[:, None] < C) & (i[None, :] < N), c[:, None] * N + i[None, :]


@triton.jit
def _square(C: tl.constexpr, CHANNELS: tl.constexpr):
    """The places in the weights of one tap, and which there are."""
    c = tl.arange(0, CHANNELS)
    return c[:, None] * C + c[None, :], (c[:, None] < C) & (c[None, :] < C)


@triton.jit
def _weights(kernel, C: tl.constexpr, TYPE: tl.constexpr, TAPS: tl.constexpr, CHANNELS: tl.constexpr):
    place, inner = _square(C, CHANNELS)
    weights = ()
    for k in tl.static_range(TAPS):
        weights = weights + (tl.load(kernel + k * C * C + place, mask=inner, other=0.0),)
    return weights


@triton.jit
def _place(i, N: tl.constexpr, by: tl.constexpr):
    """(i + by) mod N; beyond N all stays."""
    there = i + by
    there = tl.where(there < 0, there + N, there)
    there = tl.where(there < N, there, there - N)
    return tl.where(i < N, there, i)


@triton.jit
def _turned(x, N: tl.constexpr, by: tl.constexpr, CHANNELS: tl.constexpr, POSITIONS: tl.constexpr):
    """x[c, (i + by) mod N]; zeros beyond N stay there.

    In one row, because that goes through shared memory: a row for each channel would be turned by shuffles
    between threads, which takes twice the instructions of the whole step.
    """
    if by == 0:
        return x
    else:
        c, i = tl.arange(0, CHANNELS), tl.arange(0, POSITIONS)
        at = c[:, None] * POSITIONS + _place(i, N, by)[None, :]
        row = tl.gather(tl.reshape(x, (CHANNELS * POSITIONS,)), tl.reshape(at, (CHANNELS * POSITIONS,)), 0)
        return tl.reshape(row, (CHANNELS, POSITIONS))


@triton.jit
def tanh(x):
    """By a continued fraction where x is small, else by an exponential that does not overflow."""
    size = tl.abs(x)
    low = tl.minimum(size, 0.3125)
    s = low * low
    e = tl.exp(-2.0 * size)
    above = tl.where(size < 0.3125, low * (135135.0 + s * (17325.0 + s * (378.0 + s))), 1.0 - e)
    below = tl.where(size < 0.3125, 135135.0 + s * (62370.0 + s * (3150.0 + s * 28.0)), 1.0 + e)
    return tl.where(x < 0.0, -above / below, above / below)
