"""How units compete that learn by themselves: a threshold that rises with each spike, and inhibition.

Diehl and Cook 2015, Frontiers in Computational Neuroscience 9:99, in one layer. Potentials are in mV above
rest, so that a unit without input is at 0.
"""

import math
from dataclasses import dataclass

from wavetrain.core.surrogate import Surrogate
from wavetrain.errors import BadInput
from wavetrain.parts.surrogate import Arctan

ARCTAN = Arctan()


@dataclass(frozen=True, kw_only=True)
class Competition:
    """The numbers of a competing unit; `inhibition` is what another's spike takes off its potential.

    >>> from wavetrain.parts.competition import Competition
    >>> Competition(raised=0.2).threshold
    13.0
    """

    tau: float = 100.0  # ms, of the potential
    threshold: float = 13.0  # mV above rest
    reset: float = 5.0  # mV above rest
    refractory: float = 5.0  # ms
    inhibition: float = 120.0  # mV
    raised: float = 0.05  # mV by which each crossing raises a unit's threshold while it learns
    tau_raised: float = 1e7  # ms, of what it was raised by
    surrogate: Surrogate = ARCTAN
    detached: bool = False  # whether no gradient passes the reset

    def __post_init__(self) -> None:
        if not (self.tau > 0 and self.tau_raised > 0):
            raise BadInput(
                f"Competition: expected time constants above 0 ms, got {self.tau!r} and {self.tau_raised!r}"
            )
        if not (0 < self.threshold < math.inf and -math.inf < self.reset < self.threshold):
            raise BadInput(
                "Competition: expected a threshold above 0 mV and a reset below it, got "
                f"{self.threshold!r} and {self.reset!r}"
            )
        if not (0 <= self.inhibition < math.inf and 0 <= self.raised < math.inf):
            raise BadInput(
                "Competition: expected inhibition and a rise of 0 mV or more, got "
                f"{self.inhibition!r} and {self.raised!r}"
            )
