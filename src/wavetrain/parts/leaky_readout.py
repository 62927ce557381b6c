"""A read-out by leaky units that never fire: what they have gathered of the spikes is the answer.

    u_t = exp(-1 / tau) u_{t-1} + W s_t + b,   y_t = g u_t

with g and tau, which is counted in steps, learned for each output.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import State
from wavetrain.parts.taus import Taus


class LeakyReadout(nn.Module):
    """Spikes (B, T, inputs) to values (B, T, outputs); the state is u (B, outputs).

    `kept` is what a step leaves of u at the start. The gains g begin normal with a deviation of 1.

    >>> from wavetrain.parts.leaky_readout import LeakyReadout
    >>> y, last = LeakyReadout(48, 2, kept=0.8)(torch.ones(3, 10, 48))
    >>> y.shape, last.shape
    (torch.Size([3, 10, 2]), torch.Size([3, 2]))
    """

    def __init__(self, inputs: int, outputs: int, *, kept: float):
        super().__init__()
        self.gather = nn.Linear(inputs, outputs)
        self.tau = Taus(outputs, -1 / math.log(kept), least=1e-3, learned=True)
        self.gain = nn.Parameter(torch.randn(outputs))

    def begin(self, batch: int) -> Float[Tensor, "batch outputs"]:
        """Nothing has been gathered."""
        return self.gain.new_zeros(batch, len(self.gain))

    def forward(
        self, spikes: Float[Tensor, "batch time inputs"], state: State = None
    ) -> tuple[Float[Tensor, "batch time outputs"], Float[Tensor, "batch outputs"]]:
        state = self.begin(len(spikes)) if state is None else state
        u, last = scan.linear(torch.exp(-1 / self.tau(self.gain)), self.gather(spikes), state)
        return self.gain * u, last
