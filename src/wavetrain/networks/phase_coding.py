"""Phase coding: leaky neurons under a rhythm of inhibition, which speak earlier the more they hear.

Monaco, Rajan and Hwang 2021, arXiv 2105.07284, name the mechanism; the code of phase and rate is that of
Monaco, De Guzman, Blair and Zhang 2019, PLoS Computational Biology 15:e1006741. Each neuron has a potential v
and a threshold of 1:

    v_t = v_{t-1} + (x_t - v_{t-1} - (depth / 2) (1 + cos(w t - lag))) / tau

At the threshold it sends a spike, begins again at 0, and stays there for `rest` steps. As a sender its drive
grows slowly, and the phase of its first spike in each cycle goes back. As a receiver it hears volleys, and
the lag decides whether they come when it is held back or when it is free: the same spikes pass or do not.
The network draws nothing; noise is part of x. Spikes have the gradient of a smooth step.
Left out: bursts, and networks of such neurons that learn.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Card, Carrying, State, check_width
from wavetrain.errors import BadInput

STEEP = 5.0  # of the smooth step, at the threshold


class PhaseCoding(Carrying):
    """x (B, T, neurons) to spikes (B, T, neurons), 0 or 1; the state is v, the rest left, and the step.

    >>> from wavetrain.networks import PhaseCoding
    >>> network = PhaseCoding(1, period=100.0, depth=0.8)
    >>> drive = torch.tensor([1.2, 1.8])[:, None, None].expand(2, 100, 1)
    >>> (network(drive)[:, :, 0] > 0).long().argmax(1).tolist()  # the step of the first spike
    [58, 30]
    """

    card = Card(
        title="A brain basis of dynamical intelligence for AI and computational neuroscience",
        authors="Monaco, Joseph D. and Rajan, Kanaka and Hwang, Grace M.",
        year=2021,
        source="arXiv 2105.07284",
        family="rhythms",
        topic="Looking inside",
    )

    def __init__(
        self,
        neurons: int,
        period: float = 1000 / 7.5,
        depth: float = 0.8,
        tau: float = 20.0,
        rest: int = 3,
        lag: float = 0.0,
    ):
        """Times are in steps; `depth` is that of the inhibition, which is largest at phase `lag`."""
        super().__init__()
        check_width("PhaseCoding", neurons=neurons)
        if not (period > 0 and tau >= 1 and rest >= 0 and math.isfinite(depth) and math.isfinite(lag)):
            raise BadInput(
                "PhaseCoding: expected a period above 0, a time constant of 1 step or more, and a rest of 0 "
                f"or more, got {period}, {tau} and {rest}"
            )
        self.neurons = self.inputs = neurons
        self.period, self.depth, self.tau, self.rest, self.lag = period, depth, tau, rest, lag
        self.gain = nn.Parameter(torch.ones(neurons))  # of the drive

    def begin(self, batch: int) -> State:
        nothing = self.gain.new_zeros(batch, self.neurons)
        return nothing, nothing, self.gain.new_zeros(batch, 1)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One drive x (B, neurons) gives spikes and the next state."""
        v, left, at = state
        angle = 2 * math.pi / self.period * at - self.lag
        drive = self.gain * x - self.depth / 2 * (1 + torch.cos(angle))
        v = torch.where(left > 0, 0.0, v + (drive - v) / self.tau)
        spike = (v >= 1).to(v.dtype)
        smooth = torch.sigmoid(STEEP * (v - 1))
        left = torch.where(spike > 0, float(self.rest), (left - 1).clamp(min=0))
        return spike + (smooth - smooth.detach()), (torch.where(spike > 0, 0.0, v), left, at + 1)

    def carry(
        self, x: Float[Tensor, "batch time neurons"], state: State = None
    ) -> tuple[Float[Tensor, "batch time neurons"], State]:
        if x.ndim != 3 or x.shape[-1] != self.neurons or x.shape[1] == 0:
            raise BadInput(f"PhaseCoding: expected x (batch, time, {self.neurons}), got {tuple(x.shape)}")
        state = self.begin(len(x)) if state is None else state
        spikes = []
        for now in x.unbind(1):
            spike, state = self.step(now, state)
            spikes.append(spike)
        return torch.stack(spikes, 1), state
