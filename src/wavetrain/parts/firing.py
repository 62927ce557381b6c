"""How a unit fires: its threshold, what the reset does, how long it is silent, and the slope of a spike."""

import enum
import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from wavetrain.core.surrogate import Surrogate
from wavetrain.errors import BadInput
from wavetrain.parts.surrogate import Arctan

ARCTAN = Arctan()


class Reset(enum.Enum):
    """What a spike does to the potential, in its own step."""

    SUBTRACT = "subtract"  # the threshold is taken off it
    ZERO = "zero"  # it is 0
    NONE = "none"  # nothing

    def __call__(
        self,
        v: Float[Tensor, "batch width"],
        spikes: Float[Tensor, "batch width"],
        threshold: float | Float[Tensor, "batch width"],
    ) -> Float[Tensor, "batch width"]:
        """The potential after the reset.

        >>> from wavetrain.parts.firing import Reset
        >>> v, spikes = torch.tensor([[1.5, 0.5]]), torch.tensor([[1.0, 0.0]])
        >>> [reset(v, spikes, 1.0).tolist()[0] for reset in Reset]
        [[0.5, 0.5], [0.0, 0.5], [1.5, 0.5]]
        """
        never = isinstance(threshold, float) and math.isinf(threshold)  # infinity times 0 is not a number
        if self is Reset.NONE or never:
            return v
        return v - threshold * spikes if self is Reset.SUBTRACT else v * (1 - spikes)


@dataclass(frozen=True, kw_only=True)
class Firing:
    """How the units of a layer fire; potential and threshold have the unit of the current, or mV.

    >>> from wavetrain.parts.firing import Firing, Reset
    >>> from wavetrain.spiking import LIF
    >>> LIF(8, firing=Firing(refractory=2.0, reset=Reset.ZERO), dt=0.5).silence  # steps
    4
    """

    threshold: float = 1.0
    reset: Reset = Reset.SUBTRACT
    refractory: float = 0.0  # ms
    surrogate: Surrogate = ARCTAN
    detached: bool = False  # whether no gradient passes the reset

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= math.inf:
            raise BadInput(f"Firing: expected a threshold above 0, got {self.threshold!r}")
        if not 0 <= self.refractory < math.inf:
            raise BadInput(f"Firing: expected a refractory time of 0 ms or more, got {self.refractory!r}")
