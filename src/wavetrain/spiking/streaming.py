"""Streaming: two populations of leaky units, one after the other, which answer at every step.

Zhou, Sun and Basu 2023, arXiv 2312.15889: a small network that decodes movement from spikes as they
come, 4 ms a step. Its time constants and thresholds are learned.

    u_t = a u_{t-1} + (W x_t + b) / theta,   z_t = 1 where u_t > 1, else 0,   u_t <- u_t - z_t
    v_t = c v_{t-1} + (V z_t + d) / phi,     s_t = 1 where v_t > 1, else 0    (v is not reset)

A step: the first population decays, takes the current, fires and is reset; what it fires reaches the second
in the same step, which decays, takes it and fires. A unit that is silent keeps its potential.

The decays a and c begin at 0.9 and 0.7 a step, that is, exp(-dt / tau) for 38 and 11 ms. Each unit has a tau
and a threshold of its own, in which its potential is counted, and with it the width of the surrogate. The
authors count potentials in one unit for all, and their library takes the threshold off one step late, without
decay. Their third population, which never fires, is a read-out: `StreamingDecoder` has it.
"""

import math
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, State, check_width
from wavetrain.core.spiking import Spiking
from wavetrain.core.surrogate import Surrogate
from wavetrain.errors import BadInput
from wavetrain.parts.firing import ARCTAN, Reset
from wavetrain.parts.taus import Taus
from wavetrain.scan import LIFUnits
from wavetrain.spiking._slopes import LEAVES, slope

STEP = 4.0  # ms

Potentials = tuple[
    Float[Tensor, "batch width"],
    Int[Tensor, "batch width"],
    Float[Tensor, "batch hidden"],
    Int[Tensor, "batch hidden"],
]


@dataclass(frozen=True, kw_only=True)
class Population:
    """Units that are alike at the start; the threshold has the unit of the current.

    >>> from wavetrain.spiking.streaming import Population
    >>> Population(threshold=-1.0)
    Traceback (most recent call last):
    wavetrain.errors.BadInput: Population: expected a threshold above 0, and not without end, got -1.0
    """

    tau: float = 20.0  # ms
    threshold: float = 1.0
    reset: Reset = Reset.SUBTRACT

    def __post_init__(self) -> None:
        if not 0 < self.threshold < math.inf:
            raise BadInput(
                f"Population: expected a threshold above 0, and not without end, got {self.threshold!r}"
            )


def fading(kept: float) -> float:
    """The time constant in ms of what keeps a share `kept` in a step of 4 ms.

    >>> from wavetrain.spiking.streaming import fading
    >>> round(fading(0.9), 1)
    38.0
    """
    return -STEP / math.log(kept)


STREAMING = (
    Population(tau=fading(0.9), threshold=0.4),
    Population(tau=fading(0.7), threshold=0.6, reset=Reset.NONE),
)


class Streaming(Spiking):
    """x (B, T, inputs) to the spikes of the second population (B, T, width); taus and dt in ms.

    The state is the potential and the silence of the second population, (B, width) each, and those of the
    first, (B, hidden) each; potentials are counted in thresholds.

    >>> from wavetrain.spiking import Streaming
    >>> layer = Streaming(48, inputs=96, hidden=32)
    >>> y, (v, silent, u, still) = layer(torch.randn(2, 50, 96))
    >>> y.shape, v.shape, u.shape
    (torch.Size([2, 50, 48]), torch.Size([2, 48]), torch.Size([2, 32]))
    """

    card = Card(
        title="Combining SNNs with filtering for efficient neural decoding in implantable brain-machine "
        "interfaces",
        authors="Zhou, Biyan and Sun, Pao-Sheng Vincent and Basu, Arindam",
        year=2023,
        source="Neuromorphic Computing and Engineering 5:014013 (2025), arXiv 2312.15889",
        family="spiking",
        topic="Waves in spiking networks",
    )

    theta: Tensor  # logarithms of thresholds
    phi: Tensor

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        hidden: int = 32,
        populations: tuple[Population, Population] = STREAMING,
        dt: float = STEP,
        learned: bool = True,
        surrogate: Surrogate = ARCTAN,
    ):
        super().__init__(width, inputs, dt=dt, surrogate=surrogate)
        check_width("Streaming", hidden=hidden)
        self.hidden = hidden
        first, second = populations
        self.resets = first.reset, second.reset
        self.encode = nn.Linear(self.inputs, hidden)
        self.onward = nn.Linear(hidden, width)
        self.tau_first = Taus(hidden, first.tau, least=dt, learned=learned)
        self.tau = Taus(width, second.tau, least=dt, learned=learned)
        for name, units, one in (("theta", hidden, first), ("phi", width, second)):
            log = torch.full((units,), math.log(one.threshold))
            self.register_parameter(name, nn.Parameter(log, requires_grad=learned))

    def thresholds(self) -> tuple[Float[Tensor, "hidden"], Float[Tensor, "width"]]:
        """Those of the first population and of the second: the exponentials of what is learned."""
        return self.theta.exp(), self.phi.exp()

    def kept(self) -> tuple[Float[Tensor, "hidden"], Float[Tensor, "width"]]:
        """What a step leaves of the potentials of the first population and of the second."""
        return self.rate(self.tau_first(self.theta)), self.rate(self.tau(self.phi))

    def begin(self, batch: int) -> Potentials:
        v, u = (self.encode.weight.new_zeros(batch, units) for units in (self.width, self.hidden))
        return v, v.to(torch.int32), u, u.to(torch.int32)

    def fades(self) -> tuple[Float[Tensor, "*units"] | None, ...]:
        first, second = self.kept()
        return second, None, first, None

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Potentials
    ) -> tuple[Float[Tensor, "batch width"], State]:
        v, silent, u, still = state
        (first, second), (theta, phi) = self.kept(), self.thresholds()
        z, (u, still) = self._moved(self.resets[0], self.encode(x) / theta, (u, still), first)
        spikes, (v, silent) = self._moved(self.resets[1], self.onward(z) / phi, (v, silent), second)
        return spikes, (v, silent, u, still)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        v, silent, u, still = state
        (first, second), (theta, phi) = self.kept(), self.thresholds()
        z, (u, still) = self._walked(self.resets[0], self.encode(x) / theta, (u, still), first)
        spikes, (v, silent) = self._walked(self.resets[1], self.onward(z) / phi, (v, silent), second)
        return spikes, (v, silent, u, still)

    def _walked(
        self, reset: Reset, current: Tensor, state: State, kept: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """One population over a whole sequence."""
        known = slope(self.surrogate)
        units = None if known is None else LIFUnits(1.0, known, LEAVES[reset], self.silence, self.detached)
        spikes, (v, silent) = scan.lif(partial(self._moved, reset), current, state, (kept,), units)
        return spikes, (v, silent)

    def _moved(
        self, reset: Reset, current: Tensor, state: State, kept: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """One step of a population: its spikes, and its potential after the reset with its silence."""
        v, silent = state
        moved = kept * v + current
        v = torch.where(silent > 0, v, moved) if self.silence else moved
        spikes, silent = self.fire(v - 1.0, silent)
        return spikes, (reset(v, self.felt(spikes), 1.0), silent)
