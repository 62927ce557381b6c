"""TCNCA: a stack of dilated convolutions goes in front of gated attention that stays inside chunks.

Terzic, Hersche, Karunaratne, Benini, Sebastian and Rahimi 2023, arXiv 2312.05605.

    x_0 = x,   x_l(t) = x_{l-1}(t) + silu(b_l + W_l sum over k < K of c_{l,k} x_{l-1}(t - k f^(l-1)))
    m = x_L
    v = silu(W_v x);   u, (z, r), c = sigmoid, silu, identity of W m;   queries and keys from z
    y = x + u (silu(c + W_h (r attention(q, k, v))) - x)

It is MEGA with its moving averages replaced by convolutions, which see 1 + (K - 1) (1 + f + ... + f^(L-1))
steps at a cost in proportion to the length. The paper's sizes are not known to us, nor whether channels are
mixed in its convolutions: here each filter c is for one channel, and W_l mixes them, so this is a re-design.
Attention is causal, of one head. Left out: weight normalisation, the norm, dropout, the layer behind.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State, check_width
from wavetrain.parts.gated_chunks import GatedChunks


class TCNCA(Nonlinear):
    """x (B, T, inputs) to y (B, T, width).

    The state is for each level its last (taps - 1) dilation inputs (B, S, width), oldest first, and the keys,
    the values and the length of the chunk under way. Values are twice the width, queries and keys half of it.

    >>> from wavetrain.layers import TCNCA
    >>> layer = TCNCA(8, levels=3, taps=5, ratio=4)
    >>> layer.reach  # steps that the convolutions see
    85
    >>> layer(torch.randn(2, 50, 8))[0].shape
    torch.Size([2, 50, 8])
    """

    card = Card(
        title="TCNCA: temporal convolution network with chunked attention for scalable sequence processing",
        authors="Terzic, Aleksandar and Hersche, Michael and Karunaratne, Geethan and Benini, Luca "
        "and Sebastian, Abu and Rahimi, Abbas",
        year=2023,
        source="NeurIPS 2023 workshop on efficient natural language and speech processing, arXiv 2312.05605",
        family="convolution",
        topic="Temporal convolutions",
    )
    residual = True

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        levels: int = 3,
        taps: int = 5,
        ratio: int = 4,
        chunk: int = 128,
    ):
        super().__init__(width, inputs)
        check_width("TCNCA", levels=levels, taps=taps, ratio=ratio, chunk=chunk)
        self.taps = taps
        self.dilations = [ratio**level for level in range(levels)]
        self.encode = nn.Identity() if self.inputs == width else nn.Linear(self.inputs, width)
        bound = taps**-0.5
        self.kernel = nn.Parameter(torch.empty(levels, width, taps).uniform_(-bound, bound))
        self.mix = nn.ModuleList(nn.Linear(width, width) for _ in range(levels))
        self.attend = GatedChunks(width, 2 * width, -(-width // 2), chunk)

    @property
    def reach(self) -> int:
        """How many steps the convolutions see, the present included."""
        return 1 + (self.taps - 1) * sum(self.dilations)

    def begin(
        self, batch: int
    ) -> tuple[
        tuple[Float[Tensor, "batch _ width"], ...],
        tuple[Float[Tensor, "batch chunk shared"], Float[Tensor, "batch chunk hidden"], Int[Tensor, "batch"]],
    ]:
        pasts = tuple(
            self.kernel.new_zeros(batch, (self.taps - 1) * gap, self.width) for gap in self.dilations
        )
        return pasts, self.attend.begin(batch)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[
            tuple[Float[Tensor, "batch _ width"], ...],
            tuple[
                Float[Tensor, "batch chunk shared"], Float[Tensor, "batch chunk hidden"], Int[Tensor, "batch"]
            ],
        ],
    ) -> tuple[
        Float[Tensor, "batch width"],
        tuple[
            tuple[Float[Tensor, "batch _ width"], ...],
            tuple[
                Float[Tensor, "batch chunk shared"], Float[Tensor, "batch chunk hidden"], Int[Tensor, "batch"]
            ],
        ],
    ]:
        pasts, chunk = state
        x = context = self.encode(x)
        after = []
        for kernel, mix, gap, past in zip(self.kernel, self.mix, self.dilations, pasts, strict=True):
            window = torch.cat([past, context.unsqueeze(1)], 1)  # (B, S + 1, D)
            filtered = torch.einsum("dk,bkd->bd", kernel, window.flip(1)[:, ::gap])  # the present first
            context = context + F.silu(mix(filtered))
            after.append(window[:, 1:])
        y, chunk = self.attend.step(x, context, chunk)
        return y, (tuple(after), chunk)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        pasts, chunk = state
        x = context = self.encode(x)
        after = []
        for kernel, mix, gap, past in zip(self.kernel, self.mix, self.dilations, pasts, strict=True):
            filtered, past = scan.dilated(context, past, kernel.unsqueeze(1), gap)
            context = context + F.silu(mix(filtered))
            after.append(past)
        y, chunk = self.attend(x, context, chunk)
        return y, (tuple(after), chunk)
