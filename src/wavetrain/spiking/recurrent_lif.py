"""Recurrent leaky integrate-and-fire units: spikes come back to the layer, each connection after its delay.

Neftci, Mostafa and Zenke 2019, IEEE Signal Processing Magazine 36(6), arXiv 1901.09948; the delays are ours.

    v_t = exp(-dt / tau) v_{t-1} + W x_t + b + sum over units j of V_ij s_j[t - d_ij],   d_ij >= 1
    s_t = 1 where v_t > threshold, else 0,   v_t <- v_t - threshold s_t

A step: what is due arrives; units that are silent keep their potential and lose it; the others decay and
take the current and what arrives; those above the threshold fire, are reset, and are silent for the
refractory time; what they fired is on its way.

At the start V is normal with a deviation of 0.1 / sqrt(width), and the surrogate is steep: with a wide one
the gradient grows from step to step. Left out: the synaptic current between input and potential.
"""

from jaxtyping import Float, Int
from torch import Tensor

from wavetrain import scan
from wavetrain.core import Card, State
from wavetrain.parts.delays import Delayed, Weights
from wavetrain.parts.firing import Firing
from wavetrain.parts.surrogate import FastSigmoid
from wavetrain.spiking._membrane import Membrane

STEEP = Firing(surrogate=FastSigmoid())
SMALL = 0.1  # times what keeps the size of the potential, at the start


class RecurrentLIF(Membrane):
    """x (B, T, inputs) to spikes (B, T, width); tau, delay and dt in ms.

    The `delay` between units is one step, unless one for all is given, (width,) for each that sends, or
    (width, width), row = to, column = from. The state is the potential v (B, width), for how many steps each
    unit is still silent, (B, width), and the spikes on their way (B, longest delay, width).

    >>> from wavetrain.spiking import RecurrentLIF
    >>> layer = RecurrentLIF(2, delay=torch.tensor([[1.0, 3.0], [2.0, 1.0]]))
    >>> y, (v, silent, line) = layer(torch.randn(4, 50, 2))
    >>> y.shape, line.shape
    (torch.Size([4, 50, 2]), torch.Size([4, 3, 2]))
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
        delay: float | Float[Tensor, "*axes"] | None = None,
        tau: float = 20.0,
        firing: Firing = STEEP,
        dt: float = 1.0,
        learned: bool = False,
    ):
        super().__init__(width, inputs, tau=tau, firing=firing, dt=dt, learned=learned)
        self.recur = Delayed(width, width, dt if delay is None else delay, dt=dt, recurrent=True)
        self.recur.weight.data.mul_(SMALL)

    def begin(
        self, batch: int
    ) -> tuple[
        Float[Tensor, "batch width"], Int[Tensor, "batch width"], Float[Tensor, "batch longest width"]
    ]:
        return *self.rest(batch), self.recur.begin(batch)

    def fades(self) -> tuple[Float[Tensor, "width"] | None, ...]:
        return self.rate(self.taus()), None, None

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[
            Float[Tensor, "batch width"], Int[Tensor, "batch width"], Float[Tensor, "batch longest width"]
        ],
    ) -> tuple[Float[Tensor, "batch width"], State]:
        return self._next(self.current(x), state, self.rate(self.taus()), self.recur.weights())

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        kept, weights = self.rate(self.taus()), self.recur.weights()
        return scan.unroll(
            lambda current, state: self._next(current, state, kept, weights), self.current(x), state
        )

    def _next(self, current: Tensor, state: State, kept: Tensor, weights: Weights) -> tuple[Tensor, State]:
        v, silent, line = state
        current = current + self.recur.arriving(line, weights=weights)
        spikes, v, silent = self.move(current, v, silent, kept=kept, threshold=self.threshold)
        return spikes, (v, silent, self.recur.sent(line, spikes))
