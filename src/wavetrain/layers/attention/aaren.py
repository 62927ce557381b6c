"""Aaren, attention as a recurrent network: a learned query reads the whole past in constant memory.

Feng, Tung, Hajimirsadeghi, Ahmed, Bengio and Mori 2024, arXiv 2405.13956.

    s_t = W_q query . k_t / sqrt(P);  k_t, v_t = W x_t;  H heads of P channels; `query` is learned
    m_t = max(m_{t-1}, s_t)                                        the highest score so far
    c_t = c_{t-1} exp(m_{t-1} - m_t) + exp(s_t - m_t)              the sum of all weights so far
    a_t = a_{t-1} exp(m_{t-1} - m_t) + v_t exp(s_t - m_t)          the weighted sum of all values so far
    y_t = W_o a_t / c_t,    from m = -infinity, c = 0, a = 0

This is softmax attention to steps 1 to t with one query for all t, and no exponent is ever above zero. A key
can never be asked for by a later token: the score of a step is fixed when it comes. `forward` is
`scan.softmax`. How the query starts is not in the paper: normal with deviation 0.02 here. Linear in its
values, so the operator is exact.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_heads
from wavetrain.scan.softmax import finite, mean


class Aaren(Layer):
    """x (B, T, inputs) to y (B, T, width).

    The state is m and c, (B, H) each, and a (B, H, P), however long the sequence. `heads` divides `width`;
    by default a head has at least 32 channels.

    >>> from wavetrain.layers import Aaren
    >>> layer, x = Aaren(8), torch.randn(2, 50, 8)
    >>> weight = layer.operator(x).weight
    >>> weight.sum(-1).allclose(torch.ones(2, 1, 50))  # a softmax over the past
    True
    >>> [tuple(part.shape) for part in layer(x)[1]]  # a state of one size however long the sequence
    [(2, 1), (2, 1), (2, 1, 8)]
    """

    splits = True
    card = Card(
        title="Attention as an RNN",
        authors="Feng, Leo and Tung, Frederick and Hajimirsadeghi, Hossein and Ahmed, Mohamed Osama "
        "and Bengio, Yoshua and Mori, Greg",
        year=2024,
        source="arXiv 2405.13956",
        family="attention",
        topic="Attention",
    )

    def __init__(self, width: int, inputs: int | None = None, heads: int | None = None):
        super().__init__(width, inputs)
        heads = self.heads = check_heads("Aaren", width, heads)
        self.query = nn.Parameter(0.02 * torch.randn(width))
        self.ask = nn.Linear(width, width)
        self.project = nn.Linear(self.inputs, 2 * width)
        self.out = nn.Linear(width, width)

    def begin(
        self, batch: int
    ) -> tuple[
        Float[Tensor, "batch heads"], Float[Tensor, "batch heads"], Float[Tensor, "batch heads channels"]
    ]:
        none = self.query.new_zeros(batch, self.heads)
        return none - torch.inf, none, none.new_zeros(batch, self.heads, self.width // self.heads)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[
            Float[Tensor, "batch heads"], Float[Tensor, "batch heads"], Float[Tensor, "batch heads channels"]
        ],
    ) -> tuple[
        Float[Tensor, "batch width"],
        tuple[
            Float[Tensor, "batch heads"], Float[Tensor, "batch heads"], Float[Tensor, "batch heads channels"]
        ],
    ]:
        highest, total, mixed = state
        score, v = self._project(x)  # (B, H), (B, H, P)
        m = torch.maximum(highest, score)
        top = finite(m)
        left, new = (highest - top).exp(), (score - top).exp()
        c = left * total + new
        a = left.unsqueeze(-1) * mixed + new.unsqueeze(-1) * v
        return self.read(mean(a, c)), (m, c, a)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        score, v = self._project(x)  # (B, T, H), (B, T, H, P)
        means, state = scan.softmax(score, v, state)
        return self.read(means), state

    def operator(self, x: Tensor) -> Operator:
        score, v = self._project(x)
        time = x.shape[1]
        future = torch.ones(time, time, dtype=torch.bool, device=x.device).triu(1)
        score = score.transpose(1, 2).unsqueeze(-2).expand(-1, -1, time, -1)  # (B, H, T, T), rows alike
        return Operator(score.masked_fill(future, -torch.inf).softmax(-1), v)

    def read(self, mixed: Tensor) -> Tensor:
        return self.out(mixed.flatten(-2))

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The score of each step (..., H), and its values (..., H, P)."""
        q = self.ask(self.query).unflatten(-1, (self.heads, -1))  # (H, P)
        k, v = self.project(x).unflatten(-1, (2, self.heads, -1)).unbind(-3)
        return (q * k).sum(-1) * q.shape[-1] ** -0.5, v
