"""Converters from analog to digital that count while a ramp rises, and what they make of a function.

A converter of b bits has N = 2^b codes. Its code is the number of thresholds V_1 < ... < V_{N-1} that lie
below the voltage V, and each code stands for a value.

    ramp     V_k = f^-1(y_k) for levels y_k = low + k (high - low) / N, so that the code is f(V) already,
             rounded to low + (code + 1/2) (high - low) / N: wrong by at most half a code
    linear   equal steps from -swing to swing, and f exactly of the middle of a step: wrong where f is steep

The steps V_{k+1} - V_k of a ramp are the conductances of N - 2 cells. Each is programmed with an error, and a
threshold is the sum of those before it, so that errors add up along the ramp. Shifting the whole ramp until
its middle threshold is right is all the calibration there is; without it the first threshold is right.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.errors import BadInput


@dataclass(frozen=True)
class Monotone:
    """A function that rises from `low` to `high`, and its inverse."""

    low: float
    high: float
    value: Callable[[Tensor], Tensor]
    inverse: Callable[[Tensor], Tensor]


TANH = Monotone(-1, 1, torch.tanh, torch.atanh)
SIGMOID = Monotone(0, 1, torch.sigmoid, torch.logit)
SOFTSIGN = Monotone(-1, 1, F.softsign, lambda y: y / (1 - y.abs()))
ELU = Monotone(-1, 8, lambda v: F.elu(v).clamp(max=8), lambda y: torch.where(y > 0, y, torch.log1p(y)))


def codes(bits: int) -> int:
    """How many codes there are; raises BadInput for fewer than 2 bits or more than 16."""
    if not isinstance(bits, int) or not 2 <= bits <= 16:
        raise BadInput(f"expected a converter of 2 to 16 bits, got {bits!r}")
    return 1 << bits


def thresholds(function: Monotone, bits: int) -> Float[Tensor, "thresholds"]:
    """Where the code of a function rises: 2^bits - 1 voltages, in float64."""
    many, span = codes(bits), function.high - function.low
    return function.inverse(function.low + span * torch.arange(1, many, dtype=torch.float64) / many)


def programmed(
    exact: Float[Tensor, "thresholds"], error: Float[Tensor, "*draws cells"], middle: bool = True
) -> Float[Tensor, "*draws thresholds"]:
    """The thresholds of a ramp whose cells have these relative errors, shifted so that the middle is right.

    A cell whose error is below -1 has no conductance left. Without `middle` the first threshold is right.
    """
    steps = exact.diff() * (1 + error).clamp(min=0)
    found = torch.cat([torch.zeros_like(steps[..., :1]), steps.cumsum(-1)], -1)
    at = len(exact) // 2 if middle else 0
    return exact[at] + found - found[..., at : at + 1]


def rounded(v: Tensor, where: Float[Tensor, "thresholds"], function: Monotone) -> Tensor:
    """What a ramp with these thresholds makes of voltages, of any shape."""
    share = (torch.bucketize(v.contiguous(), where) + 0.5) / (len(where) + 1)
    return (function.low + (function.high - function.low) * share).to(v)


def linear(v: Tensor, swing: Tensor | float, bits: int, function: Monotone) -> Tensor:
    """What a converter with equal steps from -swing to swing makes of voltages, of any shape."""
    many = codes(bits)
    code = ((v / swing + 1) * (many / 2)).floor().clamp(0, many - 1)
    return function.value(swing * ((code + 0.5) * (2 / many) - 1))


def straight(v: Tensor, value: Tensor, function: Monotone) -> Tensor:
    """`value`, with the derivative of the function itself in the place of that of its staircase."""
    smooth = function.value(v)
    return smooth + (value - smooth).detach()
