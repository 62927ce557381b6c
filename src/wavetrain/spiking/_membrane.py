"""What leaky integrate-and-fire units share: a potential that decays, takes current and is reset."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core.spiking import Spiking
from wavetrain.parts.firing import Firing, Reset
from wavetrain.parts.taus import Taus
from wavetrain.scan import LIFUnits
from wavetrain.spiking._slopes import LEAVES, slope


class Membrane(Spiking):
    """Units with the potential v <- exp(-dt / tau) v + I, driven by the current I = W x + b.

    Where `learned`, each unit learns its tau; with a `spread` it is drawn for each.
    """

    threshold: float
    reset: Reset
    strength: float | None = None  # of an adaptation, where units adapt

    def __init__(
        self,
        width: int,
        inputs: int | None,
        *,
        tau: float,
        firing: Firing,
        dt: float,
        learned: bool,
        spread: float = 0.0,
    ):
        super().__init__(
            width,
            inputs,
            dt=dt,
            surrogate=firing.surrogate,
            detached=firing.detached,
            refractory=firing.refractory,
        )
        self.threshold, self.reset = firing.threshold, firing.reset
        self.encode = nn.Linear(self.inputs, width)
        self.tau = Taus(width, tau, spread=spread, least=dt, learned=learned)

    def taus(self) -> Float[Tensor, "width"]:
        """The time constant of each unit, in ms."""
        taus: Tensor = self.tau(self.encode.bias)
        return taus

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

    def units(self) -> LIFUnits | None:
        """What `scan.lif` is told of a step; None where it does not know the surrogate."""
        known = slope(self.surrogate)
        if known is None:
            return None
        never = self.strength is None and math.isinf(self.threshold)
        return LIFUnits(
            self.threshold,
            known,
            LEAVES[Reset.NONE if never else self.reset],
            self.silence,
            self.detached,
            self.strength or 0.0,
        )
