"""Bounds of weights that plasticity changes: weights are clipped after every step, never before it.

With hard bounds a change is as large as the rule says until the bound is met. With soft ones growth is scaled
by what is left to the upper bound, (high - w)^power, and decay by what is left to the lower, (w - low)^power,
so that a weight on a bound does not move towards it.
"""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from wavetrain.errors import BadInput


@dataclass(frozen=True)
class Bounds:
    """From `low` to `high`; infinite ones are none. They are hard with a power of 0, and soft above.

    >>> from wavetrain.parts.bounds import Bounds
    >>> Bounds(0.0, 1.0).clipped(torch.tensor([-0.2, 0.5, 1.3]))
    tensor([0.0000, 0.5000, 1.0000])
    >>> Bounds(0.0, 1.0, power=1.0).growth(torch.tensor([0.0, 0.75, 1.0]))
    tensor([1.0000, 0.2500, 0.0000])
    """

    low: float = 0.0
    high: float = 1.0
    power: float = 0.0

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise BadInput(f"Bounds: expected low no higher than high, got {self.low} and {self.high}")
        if not self.power >= 0 or (self.power and not math.isfinite(self.high - self.low)):
            raise BadInput(
                "Bounds: expected a power of at least 0, and finite bounds where it is above, "
                f"got {self.power} for {self.low} to {self.high}"
            )

    def growth(self, weight: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """By what a growth is multiplied."""
        return (self.high - weight).clamp(min=0) ** self.power

    def decay(self, weight: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """By what a decay is multiplied."""
        return (weight - self.low).clamp(min=0) ** self.power

    def clipped(self, weight: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """The weights within their bounds."""
        return weight.clamp(self.low, self.high)
