"""How the CPU kernels are compiled, and elementary functions that become vector instructions in them."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

try:
    import numba

    from wavetrain.scan.cpu.kept import Kept, say
except ImportError as error:
    numba = None  # type: ignore[assignment]
    warnings.warn(
        f"numba cannot be imported ({error}): kernels run as plain Python, which is very slow",
        RuntimeWarning,
        stacklevel=2,
    )


def compiled(function: Callable[..., Any], *more: str) -> Any:
    """Compile for this processor, without Python's lock, and keep the code on disk where that can be."""
    # not the whole of fastmath: NaN and infinity must go through
    return _made(function, {"contract", "nsz", *more})


def exactly(function: Callable[..., Any]) -> Any:
    """As `compiled`, where each operation is rounded by itself, as in PyTorch: equal to the last bit."""
    return _made(function, False)


def borrowed(function: Callable[..., Any]) -> Any:
    """As `compiled`, for what makes no arrays of its own: those that it is given are not counted.

    Otherwise a call, and each row of an array that is handed on, costs a locked addition and another back.
    """
    return _made(function, {"contract", "nsz"}, counted=False)


def _made(function: Callable[..., Any], flags: set[str] | bool, counted: bool = True) -> Any:
    if numba is None:
        return function
    # "numpy" divides without a check for zero
    options: Any = {} if counted else {"_nrt": False}  # not among those that numba types
    kernel: Any = numba.njit(nogil=True, fastmath=flags, error_model="numpy", **options)(function)
    if kernel is not function:  # as it is where numba is told to leave all as it is
        try:
            kernel._cache = Kept(function)  # what cache=True does, with numba's own class
        except (RuntimeError, OSError) as error:
            say(f"compiled kernels can be kept nowhere ({error})")
    return kernel


def summed(function: Callable[..., Any]) -> Any:
    """As `compiled`, where sums may be done in several lanes."""
    return compiled(function, "reassoc")


@compiled
def exp(z, like):
    """exp of a number of an array's type.

    z = k ln 2 + r with k whole and |r| at most ln 2 / 2; the series of exp r, times 2^k put together from its
    bits. The relative error is about |z| units in the last place, which rounding z costs in any case. What
    is below the smallest normal number is zero.
    """
    number, kind, one = like.dtype.type, np.finfo(like.dtype), like.dtype.type(1)
    double = kind.nmant > 23  # known when this is compiled
    low, high = number(kind.minexp * 0.6931471805599453), number((kind.maxexp - 1) * 0.6931471805599453)
    x = high if z > high else z  # NaN stays
    x = low if x < low else x
    # beside this number neighbours are 1 apart, so that the sum is rounded to k, and k is in its last bits
    far = number(3 << (kind.nmant - 1))
    shifted = x * number(1.4426950408889634) + far
    r = x - (shifted - far) * number(0.6931471805599453)
    p = number(1 / 5040)
    if double:  # six terms more
        q = number(1 / 479001600) + r * number(1 / 6227020800)
        q = number(1 / 3628800) + r * (number(1 / 39916800) + r * q)
        q = number(1 / 40320) + r * (number(1 / 362880) + r * q)
        p += r * q
    p = number(1 / 24) + r * (number(1 / 120) + r * (number(1 / 720) + r * p))
    p = one + r * (one + r * (number(1 / 2) + r * (number(1 / 6) + r * p)))
    p *= number(_power64(shifted)) if double else number(_power32(shifted))
    p = number(np.inf) if z > high else p
    return number(0) if z < low else p


@compiled
def _power64(shifted):
    """2^k from a float64 that has k in its last bits: k goes to the place of the exponent."""
    return np.int64((np.float64(shifted).view(np.int64) << 52) + (1023 << 52)).view(np.float64)


@compiled
def _power32(shifted):
    return np.int32((np.float32(shifted).view(np.int32) << 23) + (127 << 23)).view(np.float32)


@compiled
def sigmoid(z, like):
    """1 / (1 + exp(-z)) of a number of an array's type."""
    one = like.dtype.type(1)
    return one / (one + exp(-z, like))


@compiled
def turn(angles, cosines, sines):
    """The cosine and sine of each angle of a row.

    angle = k pi + r with k whole and |r| at most pi / 2, pi in two parts so that r is exact to the last
    place; the series of r, of the sign of (-1)^k. Errors are absolute, about one unit in the last place of 1.
    """
    number, kind = cosines.dtype.type, np.finfo(cosines.dtype)
    double = kind.nmant > 23
    far = number(3 << (kind.nmant - 1))
    high = number(3.1415925025939941 if double else 3.140625)
    low = number(1.5099579909783765e-07 if double else 0.0009676535897932795)
    half, one, two = number(0.5), number(1), number(2)
    for i in range(angles.size):
        angle = angles[i]
        k = (angle * number(0.3183098861837907) + far) - far
        r = (angle - k * high) - k * low
        sign = one - two * abs(k - two * np.floor(k * half))
        z = r * r
        s, c = number(-1 / 39916800), number(1 / 479001600)
        if double:  # to r^23 and r^24
            q = number(1 / 51090942171709440000) - z * number(1 / 25852016738884976640000)
            q = number(1 / 355687428096000) - z * (number(1 / 121645100408832000) - z * q)
            s += z * (number(1 / 6227020800) - z * (number(1 / 1307674368000) - z * q))
            q = number(1 / 1124000727777607680000) - z * number(1 / 620448401733239439360000)
            q = number(1 / 20922789888000) - z * (
                number(1 / 6402373705728000) - z * (number(1 / 2432902008176640000) - z * q)
            )
            c += z * (-number(1 / 87178291200) + z * q)
        else:
            s += z * number(1 / 6227020800)
        s = number(1 / 120) + z * (number(-1 / 5040) + z * (number(1 / 362880) + z * s))
        s = r + r * z * (number(-1 / 6) + z * s)
        c = number(1 / 24) + z * (
            number(-1 / 720) + z * (number(1 / 40320) + z * (number(-1 / 3628800) + z * c))
        )
        c = one + z * (-half + z * c)
        cosines[i] = sign * c
        sines[i] = sign * s
