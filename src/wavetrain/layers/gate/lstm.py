"""Long short-term memory: gates decide what is written, kept and shown, so that an error can flow back.

Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000.

    i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of (W x_t + b + U h_{t-1} + d), four blocks of rows
    c_t = f c_{t-1} + i g,   h_t = o tanh(c_t),   y_t = h_t

Weights start as PyTorch starts them, uniform in +/- 1 / sqrt(width). `forward` is PyTorch's own kernel;
inside `scan.only_plain` and the transforms of torch.func, it is the steps.
Left out: peepholes and projections.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State, check_input, check_width


class LSTM(Nonlinear):
    """x (B, T, inputs) to h (B, T, width); the state is h and c, (B, width) each."""

    card = Card(
        title="Long short-term memory",
        authors="Hochreiter, Sepp and Schmidhuber, Jürgen",
        year=1997,
        source="Neural Computation 9, doi 10.1162/neco.1997.9.8.1735",
        family="gate",
        topic="Gates",
    )

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__()
        inputs = width if inputs is None else inputs
        check_width("LSTM", width=width, inputs=inputs)
        self.width, self.inputs = width, inputs
        self.cell = nn.LSTM(inputs, width, batch_first=True)

    def begin(self, batch: int) -> State:
        zero = self.cell.all_weights[0][0].new_zeros(batch, self.width)
        return zero, zero

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        h, c = state
        encode, recur, encode_bias, recur_bias = self.cell.all_weights[0]
        sums = F.linear(x, encode, encode_bias) + F.linear(h, recur, recur_bias)  # (B, 4 D)
        i, f, g, o = sums.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return h, (h, c)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        check_input(self, x)
        h, c = self.begin(len(x)) if state is None else state
        if scan.written_out(x, h, c, *self.cell.all_weights[0]):
            return scan.unroll(self.step, x, (h, c))
        y, (h, c) = self.cell(x, (h.unsqueeze(0), c.unsqueeze(0)))
        return y, (h.squeeze(0), c.squeeze(0))
