"""Quantised RNN: a network whose values are rounded to a few levels, so that spikes can count them out.

Su, You, Xu, Xu and He 2024, arXiv 2408.09403, of which we know the abstract; levels and rounding are those of
learned step size quantisation (`parts/quantised.py`).

    h_t = Q(W x_t + b + U h_{t-1}),   Q(z) = s clip(floor(z / s + 1/2), low, high),   y_t = h_t,   h_0 = 0

By default there are 16 levels, from -8 to 7, so that Q is a hard tanh in steps. `Converted` is the same map
in spikes. The start is ours: U is 0.9 times the identity and s is 0.3. With a much larger s what one step
adds is rounded to nothing, with a smaller one the units are soon at their bounds.
Left out: the convolutional branch, whose activations are quantised in the same way.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, State
from wavetrain.parts.quantised import Quantised, straight


class QuantisedRNN(Quantised):
    """x (B, T, inputs) to h (B, T, width), whole multiples of the threshold; the state is h (B, width).

    >>> from wavetrain.layers import QuantisedRNN
    >>> layer = QuantisedRNN(8, inputs=3, threshold=0.25)
    >>> h, last = layer(torch.randn(2, 50, 3))
    >>> bool((4 * h == (4 * h).round()).all()), h.min() >= -2, h.max() <= 1.75
    (True, tensor(True), tensor(True))
    """

    card = Card(
        title="Obtaining Optimal Spiking Neural Network in Sequence Learning via CRNN-SNN Conversion",
        authors="Su, Jiahao and You, Kang and Xu, Zekai and Xu, Weizhi and He, Zhezhi",
        year=2024,
        source="arXiv 2408.09403",
        family="recurrence",
        topic="Waves in spiking networks",
    )

    def begin(self, batch: int) -> Float[Tensor, "batch width"]:
        return self.recur.weight.new_zeros(batch, self.width)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        h = self._next(self.encode(x), state, self.threshold())
        return h, h

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        s = self.threshold()
        return scan.unroll(lambda now, h: (self._next(now, h, s),) * 2, self.encode(x), state)

    def _next(self, drive: Tensor, h: Tensor, s: Tensor) -> Tensor:
        z = (drive + F.linear(h, self.recur.weight)) / s
        clipped = self.levels.inside(z)
        return s * (straight(self.levels.nearest(z), clipped) if self.rounded else clipped)
