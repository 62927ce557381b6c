"""Long short-term memory: gates decide what is written, kept and shown, so that an error can flow back.

Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000.

    i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of (W x_t + b + U h_{t-1} + d), four blocks of rows
    c_t = f c_{t-1} + i g,   h_t = o tanh(c_t),   y_t = h_t

Weights start as PyTorch starts them, uniform in +/- 1 / sqrt(width). `forward` is PyTorch's own kernel;
inside `scan.only_plain` and the transforms of torch.func, it is the steps.
Left out: peepholes and projections.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State


class LSTM(Nonlinear):
    """x (B, T, inputs) to h (B, T, width); the state is h and c, (B, width) each.

    >>> from wavetrain.layers import LSTM
    >>> layer = LSTM(8, inputs=3)
    >>> y, (h, c) = layer(torch.randn(2, 50, 3))
    >>> torch.equal(y[:, -1], h), c.shape
    (True, torch.Size([2, 8]))
    """

    card = Card(
        title="Long short-term memory",
        authors="Hochreiter, Sepp and Schmidhuber, Jürgen",
        year=1997,
        source="Neural Computation 9, doi 10.1162/neco.1997.9.8.1735",
        family="gate",
        topic="Gates",
    )

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        self.cell = nn.RNNBase("LSTM", self.inputs, width)  # nn.LSTM itself, torch.compile refuses

    def begin(self, batch: int) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        zero = self.cell.all_weights[0][0].new_zeros(batch, self.width)
        return zero, zero

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]],
    ) -> tuple[
        Float[Tensor, "batch width"], tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]
    ]:
        h, c = state
        encode, recur, encode_bias, recur_bias = self.cell.all_weights[0]
        sums = F.linear(x, encode, encode_bias) + F.linear(h, recur, recur_bias)  # (B, 4 D)
        i, f, g, o = sums.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return h, (h, c)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        h, c = state
        weights: list[Tensor] = [*self.cell.all_weights[0]]
        if scan.written_out(x, h, c, *weights):
            return scan.unroll(self.step, x, (h, c))
        # biases, one layer, no dropout, in training or not, one direction, batch first
        numbers = True, 1, 0.0, self.training, False, True
        y, h, c = torch.lstm(x, (h.unsqueeze(0), c.unsqueeze(0)), weights, *numbers)
        return y, (h.squeeze(0), c.squeeze(0))
