"""Elman network: a fully connected recurrence through tanh, the plainest way to carry the past.

Elman 1990.

    h_t = tanh(V x_t + b_V + U h_{t-1} + b_U),  y_t = h_t,  h_0 = 0

Every weight starts uniform in +/- 1 / sqrt(width), as is usual for such networks today.
Left out: the copy-back of context units without gradient; the gradient runs through all of time.
"""

from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State


class Elman(Nonlinear):
    """x (B, T, inputs) to h (B, T, width); the state is h (B, width).

    >>> from wavetrain.layers import Elman
    >>> layer = Elman(8, inputs=3)
    >>> y, state = layer(torch.randn(2, 50, 3))
    >>> y.shape, torch.equal(y[:, -1], state)
    (torch.Size([2, 50, 8]), True)
    """

    card = Card(
        title="Finding structure in time",
        authors="Elman, Jeffrey L.",
        year=1990,
        source="Cognitive Science 14, doi 10.1207/s15516709cog1402_1",
        family="recurrence",
        topic="Translation by recurrent networks",
    )

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        self.encode = nn.Linear(self.inputs, width)
        self.recur = nn.Linear(width, width)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(width**-0.5), width**-0.5)

    def begin(self, batch: int) -> Float[Tensor, "batch width"]:
        return self.recur.weight.new_zeros(batch, self.width)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]:
        h = scan.dense_step(x, state, self.encode, self.recur, scan.Activation.TANH)
        return h, h

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        return scan.dense(x, state, self.encode, self.recur, scan.Activation.TANH)
