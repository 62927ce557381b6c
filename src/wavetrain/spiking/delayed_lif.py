"""Leaky integrate-and-fire units that learn when each of their inputs arrives.

Hammouamri, Khalfaoui-Hassani and Masquelier 2023, arXiv 2306.17670.

    v_t = exp(-dt / tau) v_{t-1} + b + sum over inputs j and steps d of W_ij share_ijd x_j[t - d]
    s_t = 1 where v_t > threshold, else 0,   v_t <- v_t - threshold s_t

The shares of a connection are a bell over the steps around its delay (`parts/learned_delays.py`). Its width,
the spread, is made smaller while the layer learns: `layer.late.shrink(done)` before each epoch, and
`layer.late.hold()` at the end, when each connection has one delay in whole steps.

A step: what is due arrives, of what was sent before and in this step; units that are silent keep their
potential and lose it; the others decay and take it; those above the threshold fire, are reset, and are silent
for the refractory time.

Left out: dropout and batch normalisation between the paper's layers, and its schedules of learning rates.
"""

from jaxtyping import Float, Int
from torch import Tensor

from wavetrain import scan
from wavetrain.core import Card, State
from wavetrain.parts.firing import Firing
from wavetrain.parts.learned_delays import LearnedDelays
from wavetrain.spiking._membrane import Membrane

ONE = Firing()


class DelayedLIF(Membrane):
    """x (B, T, inputs) to spikes (B, T, width); tau, longest delay, spread and dt in ms.

    The state is the potential v (B, width), for how many steps each unit is still silent, (B, width), and the
    inputs on their way (B, longest delay, inputs).

    >>> from wavetrain.spiking import DelayedLIF
    >>> layer = DelayedLIF(1, inputs=2, longest=5.0)
    >>> _ = layer.encode.weight.data.fill_(0.6), layer.encode.bias.data.zero_()
    >>> _ = layer.late.position.data.copy_(torch.tensor([[4.0, 1.0]]))
    >>> layer.late.hold()  # in steps 0 and 3, to arrive together
    >>> layer(torch.tensor([[[1.0, 0], [0, 0], [0, 0], [0, 1.0], [0, 0], [0, 0]]]))[0].flatten().tolist()
    [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    """

    card = Card(
        title="Learning delays in spiking neural networks using dilated convolutions with learnable spacings",
        authors="Hammouamri, Ilyass and Khalfaoui-Hassani, Ismail and Masquelier, Timothée",
        year=2023,
        source="arXiv 2306.17670",
        family="spiking",
        topic="Waves in spiking networks",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        longest: float = 10.0,
        spread: float | None = None,
        tau: float = 20.0,
        firing: Firing = ONE,
        dt: float = 1.0,
    ):
        super().__init__(width, inputs, tau=tau, firing=firing, dt=dt, learned=False)
        self.late = LearnedDelays(self.inputs, width, longest=longest, spread=spread, dt=dt)

    def begin(
        self, batch: int
    ) -> tuple[
        Float[Tensor, "batch width"], Int[Tensor, "batch width"], Float[Tensor, "batch longest inputs"]
    ]:
        return *self.rest(batch), self.late.begin(batch)

    def fades(self) -> tuple[Float[Tensor, "width"] | None, ...]:
        return self.rate(self.taus()), None, None

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[
            Float[Tensor, "batch width"], Int[Tensor, "batch width"], Float[Tensor, "batch longest inputs"]
        ],
    ) -> tuple[Float[Tensor, "batch width"], State]:
        v, silent, line = state
        current = self.late.arriving(line, self.late.kernel(self.encode.weight), x) + self.encode.bias
        spikes, v, silent = self.move(
            current, v, silent, kept=self.rate(self.taus()), threshold=self.threshold
        )
        return spikes, (v, silent, self.late.sent(line, x))

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        *rest, line = state
        arriving, line = self.late.along(x, line, self.late.kernel(self.encode.weight))
        kept = self.rate(self.taus())

        def one(current: Tensor, state: State) -> tuple[Tensor, State]:
            spikes, v, silent = self.move(current, *state, kept=kept, threshold=self.threshold)
            return spikes, (v, silent)

        y, last = scan.unroll(one, arriving + self.encode.bias, tuple(rest))
        return y, (*last, line)
