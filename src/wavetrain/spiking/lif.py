"""Leaky integrate-and-fire units: a potential that leaks, and a spike where it crosses the threshold.

Neftci, Mostafa and Zenke 2019, IEEE Signal Processing Magazine 36(6), arXiv 1901.09948.

    v_t = exp(-dt / tau) v_{t-1} + W x_t + b
    s_t = 1 where v_t > threshold, else 0
    v_t <- v_t - threshold s_t            (or 0 where s_t is 1, or no reset)

A step: units that are silent keep their potential; the others decay and take the current; those above the
threshold fire, are reset, and are silent for the refractory time.

With tau in ms and steps of dt ms the decay is exact. Time constants are one for all, or learned for each
unit. An infinite threshold leaves a linear leaky recurrence. Left out: the synaptic current, which the paper
has as a second leak between input and potential.
"""

from jaxtyping import Float, Int
from torch import Tensor

from wavetrain import scan
from wavetrain.core import Card, State
from wavetrain.parts.firing import Firing
from wavetrain.spiking._membrane import Membrane

ONE = Firing()


class LIF(Membrane):
    """x (B, T, inputs) to spikes (B, T, width); tau and dt in ms.

    The state is the potential v (B, width), in the unit of the current, and for how many steps each unit is
    still silent, (B, width).

    >>> from wavetrain.spiking import LIF
    >>> layer = LIF(1, tau=20.0)
    >>> _ = layer.encode.weight.data.fill_(1.0), layer.encode.bias.data.fill_(0.0)
    >>> spikes, (v, silent) = layer(torch.tensor([[[1.5], [0.0], [0.0]]]))
    >>> spikes.flatten().tolist(), round(v.item(), 4)  # 0.5 exp(-2 / 20) is left of it
    ([1.0, 0.0, 0.0], 0.4524)
    """

    card = Card(
        title="Surrogate gradient learning in spiking neural networks",
        authors="Neftci, Emre O. and Mostafa, Hesham and Zenke, Friedemann",
        year=2019,
        source="IEEE Signal Processing Magazine 36(6), arXiv 1901.09948",
        family="spiking",
        topic="Waves in spiking networks",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        tau: float = 20.0,
        firing: Firing = ONE,
        dt: float = 1.0,
        learned: bool = False,
    ):
        super().__init__(width, inputs, tau=tau, firing=firing, dt=dt, learned=learned)

    def begin(self, batch: int) -> tuple[Float[Tensor, "batch width"], Int[Tensor, "batch width"]]:
        return self.rest(batch)

    def fades(self) -> tuple[Float[Tensor, "width"] | None, ...]:
        return self.rate(self.taus()), None

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch width"], Int[Tensor, "batch width"]],
    ) -> tuple[Float[Tensor, "batch width"], State]:
        return self._next(self.current(x), state, self.rate(self.taus()))

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        return scan.lif(self._next, self.current(x), state, (self.rate(self.taus()),), self.units())

    def _next(self, current: Tensor, state: State, kept: Tensor) -> tuple[Tensor, State]:
        v, silent = state
        spikes, v, silent = self.move(current, v, silent, kept=kept, threshold=self.threshold)
        return spikes, (v, silent)
