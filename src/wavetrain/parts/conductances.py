"""A cell with two synaptic conductances: its numbers, and what one spike does to it, in closed form.

    C dv/dt = ge (Ee - v) + gi (Ei - v) + gl (El - v),   gl = C / tau
    dge/dt = -ge / tau_e,   dgi/dt = -gi / tau_i

A spike adds a weight to ge or gi. Where v is above the threshold the cell spikes, v is reset, and is held for
the refractory time. Potentials in mV, times in ms, capacities in pF, conductances in nS.
"""

import math
from dataclasses import dataclass

from wavetrain.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Conductances:
    """The numbers of a cell, by default those of Davis et al. 2021; weights are for 800 connections a cell.

    >>> from wavetrain.parts.conductances import Conductances
    >>> cell = Conductances()
    >>> cell.leak, round(cell.deflection(weight=1.0, after=5.0), 2)  # nS, and mV 5 ms after a spike
    (10.0, 0.89)
    """

    capacity: float = 200.0
    tau: float = 20.0
    rest: float = -65.0
    threshold: float = -50.0
    reset: float = -70.0
    refractory: float = 5.0
    draw_e: float = 0.0  # Ee
    draw_i: float = -80.0  # Ei
    tau_e: float = 5.0
    tau_i: float = 5.0
    weight_e: float = 2.0
    weight_i: float = 20.0

    def __post_init__(self) -> None:
        for name in ("capacity", "tau", "tau_e", "tau_i"):
            if not getattr(self, name) > 0:
                raise BadInput(f"Conductances: expected {name} above 0, got {getattr(self, name)!r}")
        for name in ("refractory", "weight_e", "weight_i"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadInput(f"Conductances: expected {name} from 0 on, got {getattr(self, name)!r}")
        potentials = (self.rest, self.threshold, self.reset, self.draw_e, self.draw_i)
        if not all(map(math.isfinite, potentials)):
            raise BadInput(f"Conductances: expected finite potentials in mV, got {potentials}")

    @property
    def leak(self) -> float:
        """gl, in nS: a pF over a ms is a nS."""
        return self.capacity / self.tau

    def check_step(self, dt: float) -> None:
        """Raise for a step that is not above 0 ms, or above the smallest time constant."""
        least = min(self.tau, self.tau_e, self.tau_i)
        if not 0 < dt <= least:
            raise BadInput(
                f"expected dt above 0 ms and up to the smallest time constant, {least:g} ms, got {dt!r}"
            )

    def deflection(self, *, weight: float, after: float) -> float:
        """mV above rest, `after` ms on from a spike of a small excitatory weight that came at rest.

        The drive Ee - El counts as constant, so that it is a difference of two exponentials.
        """
        drive = weight * (self.draw_e - self.rest) / self.capacity  # mV / ms
        if self.tau == self.tau_e:
            return drive * after * math.exp(-after / self.tau)
        common = self.tau * self.tau_e / (self.tau - self.tau_e)
        return drive * common * (math.exp(-after / self.tau) - math.exp(-after / self.tau_e))
