"""Adaptive leaky integrate-and-fire units: each spike raises the threshold for a while.

Yin, Corradi and Bohte 2021, Nature Machine Intelligence 3, doi 10.1038/s42256-021-00397-w.

    v_t = exp(-dt / tau) v_{t-1} + W x_t + b,   theta_t = threshold + strength a_{t-1}
    s_t = 1 where v_t > theta_t, else 0,        v_t <- v_t - theta_t s_t
    a_t = rho a_{t-1} + (1 - rho) s_t,          rho = exp(-dt / tau_a)

A step: units that are silent keep their potential; the others decay and take the current; those above their
threshold of before the step fire, are reset by it, and are silent for the refractory time; then all of them
adapt. A spike never raises the threshold that it was tested against. With a strength of 0 it is LIF.

The constants are the authors': a threshold of 0.01, a strength of 1.8, tau drawn from N(20, 5) ms and tau_a
from N(150, 10) ms for each unit, and learned where `learned`. They multiply the current by 1 - exp(-dt / tau)
and reset one step late; here, as everywhere in this kind, it is added as it is, and the reset acts at once.
"""

import math
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from wavetrain import scan
from wavetrain.core import Card, State
from wavetrain.errors import BadInput
from wavetrain.parts.firing import Firing
from wavetrain.parts.taus import Taus
from wavetrain.spiking._membrane import Membrane


@dataclass(frozen=True, kw_only=True)
class Times:
    """Time constants in ms: their means over the units, and how far they are spread."""

    tau: float = 20.0  # of the potential
    spread: float = 5.0
    adapting: float = 150.0  # of the threshold
    adapting_spread: float = 10.0
    learned: bool = False


YIN = Times()
LOW = Firing(threshold=0.01)


class ALIF(Membrane):
    """x (B, T, inputs) to spikes (B, T, width); times and dt in ms.

    The state is the potential v (B, width), for how many steps each unit is still silent, (B, width), and how
    far it has adapted, a (B, width), from 0 to 1: the share of late steps in which it fired.

    >>> from wavetrain.spiking import ALIF
    >>> layer = ALIF(1)
    >>> _ = layer.encode.weight.data.fill_(0.1), layer.encode.bias.data.fill_(0.0)
    >>> spikes, state = layer(torch.ones(1, 400, 1))
    >>> first, last = spikes[0, :50].sum(), spikes[0, -50:].sum()
    >>> bool(first > last), bool(layer.thresholds(state) > 0.01)  # it tires
    (True, True)
    """

    card = Card(
        title="Accurate and efficient time-domain classification with adaptive spiking recurrent neural "
        "networks",
        authors="Yin, Bojian and Corradi, Federico and Bohté, Sander M.",
        year=2021,
        source="Nature Machine Intelligence 3, doi 10.1038/s42256-021-00397-w",
        family="spiking",
        topic="Waves in spiking networks",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        times: Times = YIN,
        strength: float = 1.8,
        firing: Firing = LOW,
        dt: float = 1.0,
    ):
        super().__init__(
            width, inputs, tau=times.tau, firing=firing, dt=dt, learned=times.learned, spread=times.spread
        )
        if not 0 <= strength < math.inf:
            raise BadInput(f"ALIF: expected a strength of 0 or more, got {strength!r}")
        self.strength = strength
        self.tau_adapting = Taus(
            width, times.adapting, spread=times.adapting_spread, least=dt, learned=times.learned
        )

    def begin(
        self, batch: int
    ) -> tuple[Float[Tensor, "batch width"], Int[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        v, silent = self.rest(batch)
        return v, silent, v.clone()

    def fades(self) -> tuple[Float[Tensor, "width"] | None, ...]:
        kept, rho = self._kept()
        return kept, None, rho

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch width"], Int[Tensor, "batch width"], Float[Tensor, "batch width"]],
    ) -> tuple[Float[Tensor, "batch width"], State]:
        return self._next(self.current(x), state, *self._kept())

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        return scan.lif(self._next, self.current(x), state, self._kept(), self.units())

    def thresholds(self, state: State) -> Float[Tensor, "batch width"]:
        """What each unit has to cross in the next step."""
        return self.threshold + self.strength * state[2]

    def _kept(self) -> tuple[Tensor, Tensor]:
        """What a step keeps of the potential and of the adaptation, (width,) each."""
        return self.rate(self.taus()), self.rate(self.tau_adapting(self.encode.bias))

    def _next(self, current: Tensor, state: State, kept: Tensor, rho: Tensor) -> tuple[Tensor, State]:
        v, silent, adapted = state
        spikes, v, silent = self.move(current, v, silent, kept=kept, threshold=self.thresholds(state))
        return spikes, (v, silent, rho * adapted + (1 - rho) * spikes)
