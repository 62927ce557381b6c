"""Bounds of weights that plasticity changes: weights are clipped after every step, never before it.

With hard bounds a change is as large as the rule says until the bound is met. With soft ones growth is scaled
by what is left to the upper bound, (high - w)^power, and decay by what is left to the lower, (w - low)^power,
so that a weight on a bound does not move towards it.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.errors import BadInput


class Bounds:
    """Hard bounds, from `low` to `high`; infinite ones are none.

    >>> from wavetrain.parts.bounds import Bounds
    >>> Bounds(0.0, 1.0).clipped(torch.tensor([-0.2, 0.5, 1.3]))
    tensor([0.0000, 0.5000, 1.0000])
    """

    def __init__(self, low: float = 0.0, high: float = 1.0):
        if not low <= high:
            raise BadInput(f"{type(self).__name__}: expected low no higher than high, got {low} and {high}")
        self.low, self.high = low, high

    def growth(self, weight: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """By what a growth is multiplied."""
        return torch.ones_like(weight)

    def decay(self, weight: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """By what a decay is multiplied."""
        return torch.ones_like(weight)

    def clipped(self, weight: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """The weights within their bounds."""
        return weight.clamp(self.low, self.high)


class SoftBounds(Bounds):
    """Soft bounds; `power` 0 would be hard ones.

    >>> from wavetrain.parts.bounds import SoftBounds
    >>> SoftBounds(0.0, 1.0).growth(torch.tensor([0.0, 0.75, 1.0]))
    tensor([1.0000, 0.2500, 0.0000])
    """

    def __init__(self, low: float = 0.0, high: float = 1.0, power: float = 1.0):
        super().__init__(low, high)
        if not (power > 0 and abs(low) < float("inf") and abs(high) < float("inf")):
            raise BadInput(
                f"SoftBounds: expected finite bounds and a power above 0, got {low}, {high}, {power}"
            )
        self.power = power

    def growth(self, weight: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return (self.high - weight).clamp(min=0) ** self.power

    def decay(self, weight: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        return (weight - self.low).clamp(min=0) ** self.power
