"""Real and complex numbers alike in a Triton kernel, which knows no complex type.

A complex tensor comes as its real view, (..., 2), and a number in registers as two vectors, its real and
imaginary part. With COMPLEX false the second is a plain zero, and the compiler takes all its work away.
"""

import triton
import triton.language as tl


@triton.jit
def load(address, row, index, mask, other, TYPE: tl.constexpr, COMPLEX: tl.constexpr):
    """The numbers at row (one int64) + index (int32), in TYPE; `other`, real, where the mask is false."""
    if COMPLEX:
        place = index[:, None] * 2 + tl.arange(0, 2)[None, :]
        both = tl.load(address + row * 2 + place, mask=mask[:, None], other=0.0).to(TYPE)
        real, imaginary = tl.split(both)
        real = tl.where(mask, real, other)
        return real, imaginary
    else:
        return tl.load(address + row + index, mask=mask, other=other).to(TYPE), 0.0


@triton.jit
def store(address, row, index, mask, value, COMPLEX: tl.constexpr):
    if COMPLEX:
        place = index[:, None] * 2 + tl.arange(0, 2)[None, :]
        both = tl.join(value[0], value[1]).to(address.dtype.element_ty)
        tl.store(address + row * 2 + place, both, mask=mask[:, None])
    else:
        tl.store(address + row + index, value[0].to(address.dtype.element_ty), mask=mask)


@triton.jit
def times(x, y, COMPLEX: tl.constexpr):
    if COMPLEX:
        return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]
    else:
        return x[0] * y[0], 0.0


@triton.jit
def times_conjugate(x, y, COMPLEX: tl.constexpr):
    """x conj(y)"""
    if COMPLEX:
        return x[0] * y[0] + x[1] * y[1], x[1] * y[0] - x[0] * y[1]
    else:
        return x[0] * y[0], 0.0


@triton.jit
def plus(x, y, COMPLEX: tl.constexpr):
    if COMPLEX:
        return x[0] + y[0], x[1] + y[1]
    else:
        return x[0] + y[0], 0.0


@triton.jit
def unless(dropped, x, COMPLEX: tl.constexpr):
    """Zero where `dropped` is true."""
    if COMPLEX:
        return tl.where(dropped, 0.0, x[0]), tl.where(dropped, 0.0, x[1])
    else:
        return tl.where(dropped, 0.0, x[0]), 0.0
