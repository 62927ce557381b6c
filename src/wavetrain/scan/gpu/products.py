"""Tiles and matrix products of Triton kernels, in one place because of what the types allow.

Half precision is multiplied as it is stored and summed in float32; float32 is multiplied as such ("ieee"),
not rounded to tf32, and float64 too. A state of float16 is multiplied as tf32, which has its digits and the
range of float32: a sum over time may leave the range of float16.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from wavetrain.scan.gpu.launch import on_chip


def types(stored: Tensor) -> dict[str, Any]:
    """TYPE, of what is summed; as which factors enter: DOT, of what is stored, WIDE, of what is summed."""
    wide = on_chip(stored)
    dot = _HALF.get(stored.dtype, wide)
    if stored.device.type == "cpu" and stored.dtype == torch.bfloat16:
        dot = wide  # the interpreter multiplies the bits of bfloat16 as whole numbers
    return {
        "TYPE": wide,
        "DOT": dot,
        "WIDE": wide if dot == tl.float16 else dot,
        "PRECISION": "tf32" if stored.dtype == torch.float16 else "ieee",
    }


def kept(stored: Tensor) -> torch.dtype:
    """In which type states between chunks are kept; rounded where products would round them as well."""
    wide = torch.float64 if stored.dtype == torch.float64 else torch.float32
    return torch.bfloat16 if stored.dtype == torch.bfloat16 else wide


_HALF = {torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}


@triton.jit
def product(x, y, DOT: tl.constexpr, TYPE: tl.constexpr, PRECISION: tl.constexpr):
    return tl.dot(x.to(DOT), y.to(DOT), input_precision=PRECISION, out_dtype=TYPE)


@triton.jit
def tile(address, step, rows, there, columns, within):
    """Rows of a matrix, `step` numbers from one to the next, zero where not both masks are true."""
    place = rows[:, None] * step + columns[None, :]
    return tl.load(address + place, mask=there[:, None] & within[None, :], other=0.0)


@triton.jit
def put(address, step, rows, there, columns, within, value):
    place = rows[:, None] * step + columns[None, :]
    tl.store(address + place, value.to(address.dtype.element_ty), mask=there[:, None] & within[None, :])
