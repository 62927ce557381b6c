"""What leaky integrate-and-fire units share: a potential that decays, takes current and is reset."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core.spiking import Spiking
from wavetrain.errors import BadInput
from wavetrain.parts.firing import Firing, Reset


class Membrane(Spiking):
    """Units with the potential v <- exp(-dt / tau) v + I, driven by the current I = W x + b.

    Where `learned`, each unit learns the logarithm of its tau, so that it stays above 0.
    """

    threshold: float
    reset: Reset
    log_tau: Tensor

    def __init__(
        self,
        width: int,
        inputs: int | None,
        *,
        tau: float,
        firing: Firing,
        dt: float,
        learned: bool,
    ):
        super().__init__(
            width,
            inputs,
            dt=dt,
            surrogate=firing.surrogate,
            detached=firing.detached,
            refractory=firing.refractory,
        )
        if not tau > 0 or (learned and tau == math.inf):
            raise BadInput(f"{type(self).__name__}: expected tau above 0 ms, got {tau!r}")
        self.threshold, self.reset, self.tau = firing.threshold, firing.reset, tau
        self.encode = nn.Linear(self.inputs, width)
        if learned:
            self.log_tau = nn.Parameter(torch.full((width,), math.log(tau)))
        self.learned = learned

    def taus(self) -> Float[Tensor, "width"]:
        """The time constant of each unit, in ms."""
        if self.learned:
            return self.log_tau.exp()
        return self.encode.bias.new_full((self.width,), self.tau)

    def current(self, x: Float[Tensor, "batch *time inputs"]) -> Float[Tensor, "batch *time width"]:
        """What the inputs give to the units: W x + b."""
        return F.linear(x, self.encode.weight, self.encode.bias)

    def rest(self, batch: int) -> tuple[Float[Tensor, "batch width"], Int[Tensor, "batch width"]]:
        """A potential of 0, and nobody is silent."""
        zeros = self.encode.weight.new_zeros(batch, self.width)
        return zeros, zeros.to(torch.int32)

    def move(
        self,
        current: Float[Tensor, "batch width"],
        v: Float[Tensor, "batch width"],
        silent: Int[Tensor, "batch width"],
        *,
        kept: Float[Tensor, "width"],
        threshold: float | Float[Tensor, "batch width"],
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"], Int[Tensor, "batch width"]]:
        """One step that keeps a share of the potential: spikes, the potential after the reset, silence."""
        moved = kept * v + current
        v = torch.where(silent > 0, v, moved) if self.silence else moved
        spikes, silent = self.fire(v - threshold, silent)
        return spikes, self.reset(v, self.felt(spikes), threshold), silent
