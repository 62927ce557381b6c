"""MEGA: moving averages at many rates go in front of gated attention, which may then stay inside chunks.

Ma, Zhou, Kong, He, Gui, Neubig, May and Zettlemoyer 2022, ICLR 2023, arXiv 2209.10655.

    p = sigmoid(delta),  q = 1 - p sigmoid(alpha)                n rates for each of D channels
    h_t = q h_{t-1} + p beta x_t,   m_t = silu(n^-1/2 sum_n gamma h_t + omega x_t)
    v = silu(W_v x);   u, (z, r), c = sigmoid, silu, identity of W m;   queries and keys from z
    y = x + u (silu(c + W_h (r attention(q, k, v))) - x)

Attention is causal, of one head, and ends at the borders of chunks: what is older comes through the averages
alone. A whole sequence is averaged by FFT. Inputs of another width are mapped to it first. Left out: the
attention functions relu^2 and laplace, rotary biases, averages in both directions, the norm, dropout, and the
feed-forward layer behind it.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State, check_width
from wavetrain.parts.gated_chunks import GatedChunks


class MEGA(Nonlinear):
    """x (B, T, inputs) to y (B, T, width).

    The state is the averages h (B, width, rates), and the keys, the values and the length of the chunk under
    way. `hidden` is the size of a value, twice the width by default; `shared` that of queries and keys.

    >>> from wavetrain.layers import MEGA
    >>> layer = MEGA(8, rates=4, chunk=16)
    >>> y, state = layer(torch.randn(2, 50, 8))
    >>> state[0].shape  # moving averages of each channel, at 4 rates
    torch.Size([2, 8, 4])
    """

    card = Card(
        title="Mega: moving average equipped gated attention",
        authors="Ma, Xuezhe and Zhou, Chunting and Kong, Xiang and He, Junxian and Gui, Liangke "
        "and Neubig, Graham and May, Jonathan and Zettlemoyer, Luke",
        year=2022,
        source="ICLR 2023, arXiv 2209.10655",
        family="attention",
        topic="Temporal convolutions",
    )
    residual = True

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        rates: int = 16,
        chunk: int = 128,
        hidden: int | None = None,
        shared: int | None = None,
    ):
        super().__init__(width, inputs)
        check_width("MEGA", rates=rates, chunk=chunk)
        hidden = 2 * width if hidden is None else hidden
        shared = -(-width // 2) if shared is None else shared
        check_width("MEGA", hidden=hidden, shared=shared)
        self.encode = nn.Identity() if self.inputs == width else nn.Linear(self.inputs, width)
        self.delta = nn.Parameter(0.2 * torch.randn(width, rates))
        self.alpha = nn.Parameter(0.2 * torch.randn(width, rates))
        sign = 1 - 2 * (torch.arange(rates) % 2)
        self.beta = nn.Parameter(sign + 0.02 * torch.randn(width, rates))
        self.gamma = nn.Parameter(torch.randn(width, rates))
        self.omega = nn.Parameter(torch.randn(width))
        self.attend = GatedChunks(width, hidden, shared, chunk)

    def begin(
        self, batch: int
    ) -> tuple[
        Float[Tensor, "batch width averages"],
        tuple[Float[Tensor, "batch chunk shared"], Float[Tensor, "batch chunk hidden"], Int[Tensor, "batch"]],
    ]:
        return self.delta.new_zeros(batch, *self.delta.shape), self.attend.begin(batch)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[
            Float[Tensor, "batch width averages"],
            tuple[
                Float[Tensor, "batch chunk shared"], Float[Tensor, "batch chunk hidden"], Int[Tensor, "batch"]
            ],
        ],
    ) -> tuple[
        Float[Tensor, "batch width"],
        tuple[
            Float[Tensor, "batch width averages"],
            tuple[
                Float[Tensor, "batch chunk shared"], Float[Tensor, "batch chunk hidden"], Int[Tensor, "batch"]
            ],
        ],
    ]:
        h, chunk = state
        x = self.encode(x)
        fade, write, look = self._averages()
        h = fade * h + write * x.unsqueeze(-1)  # (B, D, n)
        y, chunk = self.attend.step(x, F.silu((look * h).sum(-1) + self.omega * x), chunk)
        return y, (h, chunk)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        h, chunk = state
        x = self.encode(x)
        averages, h = self.average(x, h)
        y, chunk = self.attend(x, F.silu(averages + self.omega * x), chunk)
        return y, (h, chunk)

    def kernel(self, time: int) -> Tensor:
        """What the averages answer to an impulse, (time, width)."""
        fade, write, look = self._averages()
        age = torch.arange(time, device=fade.device)
        return torch.einsum("dn,dnt->td", look * write, fade.unsqueeze(-1) ** age)

    def average(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """The averages of x (B, T, D) from the state h (B, D, n), and the next state."""
        fade, write, look = self._averages()
        time = x.shape[1]
        left = fade.unsqueeze(-1) ** torch.arange(time + 1, device=x.device)  # (D, n, T + 1)
        y = scan.convolve(x, torch.einsum("dn,dnt->td", look * write, left[..., :-1]))
        y = y + torch.einsum("dnt,bdn->btd", look.unsqueeze(-1) * left[..., 1:], h)
        last = torch.einsum("dnt,btd->bdn", left[..., :-1].flip(-1), x)
        return y, left[..., -1] * h + write * last

    def _averages(self) -> tuple[Tensor, Tensor, Tensor]:
        """How much of h stays, how much of x enters, and how h is read, (D, n) each."""
        p = self.delta.sigmoid()
        return 1 - p * self.alpha.sigmoid(), p * self.beta, self.gamma * self.gamma.shape[1] ** -0.5
