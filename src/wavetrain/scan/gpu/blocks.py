"""The linear recurrence d_t = J_t d_{t-1} + b_t with a small matrix for each channel, on a GPU, in one walk.

A program owns neighbouring channels of one sequence, one for each of its threads, with all parts of d in
registers. What later steps read is under way while a step is computed; each number is read or written once.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from wavetrain.scan.gpu.launch import launch, on_chip

BLOCK = 32  # channels of a program
STEPS = 4  # steps whose loads are made together
STAGES = 3  # such blocks of steps in flight


def walk(jacobian: Tensor, b: Tensor) -> Tensor:
    """d (B, T, S, D), from J (B, T, S, S, D), whose first step is not read, and b (B, T, S, D)."""
    jacobian, b = jacobian.contiguous(), b.contiguous()
    batch, time, parts, width = b.shape
    d = torch.empty_like(b)
    sizes: dict[str, Any] = {"PARTS": parts, "BLOCK": BLOCK, "STEPS": STEPS, "STAGES": STAGES}
    programs = batch * triton.cdiv(width, BLOCK)
    launch(_walk, programs, jacobian, b, d, time, width, warps=1, TYPE=on_chip(b), **sizes)
    return d


@triton.jit
def _walk(
    jacobian, b, d, T, D, TYPE: tl.constexpr,
    PARTS: tl.constexpr, BLOCK: tl.constexpr, STEPS: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64)
    tiles = tl.cdiv(D, BLOCK)
    n = program // tiles
    place = ((program % tiles) * BLOCK).to(tl.int32) + tl.arange(0, BLOCK)
    there = place < D
    none = tl.zeros((BLOCK,), tl.int32)
    before = ()
    for _i in tl.static_range(PARTS):
        before = before + (tl.zeros((BLOCK,), TYPE),)
    for begin in tl.range(0, T, STEPS, num_stages=STAGES):
        slopes = ()
        given = ()
        for k in tl.static_range(STEPS):
            t = begin + k
            now = there & (none + t < T)
            for i in tl.static_range(PARTS):
                row = ((n * T + t) * PARTS + i) * D
                given = given + (tl.load(b + row + place, mask=now, other=0.0),)
                for j in tl.static_range(PARTS):  # nothing is before the first step
                    at = jacobian + (row * PARTS + j * D)
                    slopes = slopes + (tl.load(at + place, mask=now & (none + t > 0), other=0.0),)
        for k in tl.static_range(STEPS):
            t = begin + k
            after = ()
            for i in tl.static_range(PARTS):
                value = tl.zeros((BLOCK,), TYPE)
                for j in tl.static_range(PARTS):
                    value += slopes[(k * PARTS + i) * PARTS + j] * before[j]
                value += given[k * PARTS + i]
                row = ((n * T + t) * PARTS + i) * D
                tl.store(d + row + place, value, mask=there & (none + t < T))
                after = after + (value,)
            before = after
