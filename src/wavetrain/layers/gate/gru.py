"""Gated recurrent unit: two gates, no separate cell.

Cho et al. 2014, arXiv 1406.1078, in the form that fused kernels compute (reset after the product).

    r, z = sigmoid(W x_t + b + U h_{t-1} + d), two blocks of rows
    n = tanh(W_n x_t + b_n + r (U_n h_{t-1} + d_n))
    h_t = (1 - z) n + z h_{t-1},   y_t = h_t

Weights start as PyTorch starts them, uniform in +/- 1 / sqrt(width). `forward` is PyTorch's own kernel;
inside `scan.only_plain` and the transforms of torch.func, it is the steps.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State


class GRU(Nonlinear):
    """x (B, T, inputs) to h (B, T, width); the state is h (B, width).

    >>> from wavetrain.layers import GRU
    >>> layer = GRU(8, inputs=3)
    >>> y, state = layer(torch.randn(2, 50, 3))
    >>> y.shape, state.shape
    (torch.Size([2, 50, 8]), torch.Size([2, 8]))
    >>> layer(torch.randn(2, 10, 3), state)[0].shape  # goes on from there
    torch.Size([2, 10, 8])
    """

    card = Card(
        title="Learning phrase representations using RNN encoder-decoder for statistical machine translation",
        authors="Cho, Kyunghyun and van Merriënboer, Bart and Gulcehre, Caglar and Bahdanau, Dzmitry and "
        "Bougares, Fethi and Schwenk, Holger and Bengio, Yoshua",
        year=2014,
        source="EMNLP 2014, arXiv 1406.1078",
        family="gate",
        topic="Gates",
    )

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        self.cell = nn.RNNBase("GRU", self.inputs, width)  # nn.GRU itself, torch.compile refuses

    def begin(self, batch: int) -> Float[Tensor, "batch width"]:
        return self.cell.all_weights[0][0].new_zeros(batch, self.width)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        encode, recur, encode_bias, recur_bias = self.cell.all_weights[0]
        reset_x, keep_x, new_x = F.linear(x, encode, encode_bias).chunk(3, -1)
        reset_h, keep_h, new_h = F.linear(state, recur, recur_bias).chunk(3, -1)
        keep = (keep_x + keep_h).sigmoid()
        new = (new_x + (reset_x + reset_h).sigmoid() * new_h).tanh()
        h = (1 - keep) * new + keep * state
        return h, h

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        weights: list[Tensor] = [*self.cell.all_weights[0]]
        if scan.written_out(x, state, *weights):
            return scan.unroll(self.step, x, state)
        # biases, one layer, no dropout, in training or not, one direction, batch first
        y, last = torch.gru(x, state.unsqueeze(0), weights, True, 1, 0.0, self.training, False, True)
        return y, last.squeeze(0)
