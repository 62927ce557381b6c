"""Identity RNN: a ReLU network whose recurrent matrix starts as the identity, so activity stays where it is.

Le, Jaitly and Hinton 2015, arXiv 1504.00941; the control of Keller et al. 2023, arXiv 2309.08045.

    h_t = relu(V x_t + b_V + U h_{t-1} + b_U),  y_t = h_t,  h_0 = 0
    U = identity, b_U = 0 at the start; all of U learns

At the start, for non-negative drive, the state is the sum of all past drive: the order of the inputs is lost.
`shift` starts U as the identity rolled by one column instead, so that activity moves along a ring of all
units, and `source` lets every input write at unit 0 alone, with weight 1: the two halves of the wave RNN's
start, given to the dense network. `spread` is the standard deviation of the encoder's weights; None keeps
the usual uniform start, as for images.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State
from wavetrain.scan import Activation


class IdentityRNN(Nonlinear):
    """x (B, T, inputs) to h (B, T, width); the state is h (B, width).

    >>> from wavetrain.layers import IdentityRNN
    >>> layer = IdentityRNN(4)
    >>> layer.recur.weight.int()  # activity stays where it is
    tensor([[1, 0, 0, 0],
            [0, 1, 0, 0],
            [0, 0, 1, 0],
            [0, 0, 0, 1]], dtype=torch.int32)
    """

    card = Card(
        title="A simple way to initialize recurrent networks of rectified linear units",
        authors="Le, Quoc V. and Jaitly, Navdeep and Hinton, Geoffrey E.",
        year=2015,
        source="arXiv 1504.00941",
        family="recurrence",
        topic="Travelling waves",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        shift: bool = False,
        source: bool = False,
        spread: float | None = 0.001,
        activation: Activation = Activation.RELU,
    ):
        super().__init__(width, inputs)
        self.activation = activation
        self.encode = nn.Linear(self.inputs, width)
        self.recur = nn.Linear(width, width)
        with torch.no_grad():
            eye = torch.eye(width)
            self.recur.weight.copy_(eye.roll(1, dims=1) if shift else eye)
            self.recur.bias.zero_()
            if source:
                self.encode.weight.zero_()[0] = 1.0
                self.encode.bias.zero_()
            elif spread is not None:
                self.encode.weight.normal_(0, spread)

    def begin(self, batch: int) -> Float[Tensor, "batch width"]:
        return self.recur.weight.new_zeros(batch, self.width)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        h = scan.dense_step(x, state, self.encode, self.recur, self.activation)
        return h, h

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        return scan.dense(x, state, self.encode, self.recur, self.activation)
