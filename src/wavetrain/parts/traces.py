"""Traces of spikes: what is left of them after a while, as plasticity reads them.

    x <- exp(-dt / tau) x + s           all spikes count, each by its age
    x <- 1 where s = 1, else the decay  the nearest alone counts

The decay is exact, whatever dt is: a trace halves at the same moment in steps of any size. A spike is in the
trace of its own step. Where there are no spikes yet, or tau is 0, nothing is left.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.errors import BadInput


class Trace:
    """What is left of spikes, with a time constant `tau` in ms and steps of `dt` ms.

    `nearest` keeps the last spike alone. Raises BadInput for a tau or dt that is not above 0.

    >>> from wavetrain.parts.traces import Trace
    >>> spikes = torch.tensor([[[1.0], [1.0], [0.0]]])
    >>> Trace(tau=1 / torch.log(torch.tensor(2.0)).item()).whole(spikes, torch.zeros(1, 1))[0].flatten()
    tensor([1.0000, 1.5000, 0.7500])
    >>> Trace(tau=20.0, nearest=True).whole(spikes, torch.zeros(1, 1))[0].flatten()
    tensor([1.0000, 1.0000, 0.9512])
    """

    def __init__(self, tau: float, dt: float = 1.0, nearest: bool = False):
        if not tau > 0:
            raise BadInput(f"Trace: expected tau above 0 ms, got {tau!r}")
        if not 0 < dt < math.inf:
            raise BadInput(f"Trace: expected dt above 0 ms, got {dt!r}")
        self.tau, self.dt, self.nearest = tau, dt, nearest
        self.decay = math.exp(-dt / tau)

    def faded(self, trace: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """What is left a step later, before the spikes of that step."""
        return self.decay * trace

    def step(
        self, spikes: Float[Tensor, "batch units"], trace: Float[Tensor, "batch units"]
    ) -> Float[Tensor, "batch units"]:
        """The trace after the spikes of a step, which are in it."""
        left = self.faded(trace)
        return torch.where(spikes > 0, spikes, left) if self.nearest else left + spikes

    def whole(
        self, spikes: Float[Tensor, "batch time units"], trace: Float[Tensor, "batch units"]
    ) -> tuple[Float[Tensor, "batch time units"], Float[Tensor, "batch units"]]:
        """The trace at every step, and that after the last."""
        found = []
        for now in spikes.unbind(1):
            trace = self.step(now, trace)
            found.append(trace)
        return torch.stack(found, 1) if found else spikes, trace
