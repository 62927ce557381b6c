"""Softmax attention: each step reads all past values, weighted by how well its query fits their keys.

Vaswani et al. 2017, arXiv 1706.03762; rotary positions by Su et al. 2021, arXiv 2104.09864.

    q_t, k_t, v_t = W x_t, in H heads of P channels;  q and k turned by angles in proportion to t
    y_t = W_o sum_{s <= t} softmax_s(q_t . k_s / sqrt(P)) v_s

The state is every key and value so far: it grows with time. `forward` is PyTorch's fused attention.
Linear in its values given the weights, so the operator is exact. Left out: dropout.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_heads
from wavetrain.parts.rotary import rotary


class SoftmaxAttention(Layer):
    """x (B, T, inputs) to y (B, T, width).

    The state is keys and values (B, H, S, P) and which of the S places are taken (B, S). `heads` divides
    `width`; by default a head has at least 32 channels. Without `rotary` the order of the past is unseen.

    >>> from wavetrain.layers import SoftmaxAttention
    >>> layer = SoftmaxAttention(64, heads=2)
    >>> y, (keys, values, taken) = layer(torch.randn(1, 50, 64))
    >>> keys.shape  # all of the past is kept
    torch.Size([1, 2, 50, 32])
    """

    mixed = True
    roundings = 3.0
    card = Card(
        title="Attention is all you need",
        authors="Vaswani, Ashish and Shazeer, Noam and Parmar, Niki and Uszkoreit, Jakob and Jones, Llion "
        "and Gomez, Aidan N. and Kaiser, Lukasz and Polosukhin, Illia",
        year=2017,
        source="NeurIPS 2017, arXiv 1706.03762",
        family="attention",
        topic="Attention",
    )

    def __init__(self, width: int, inputs: int | None = None, heads: int | None = None, rotary: bool = True):
        super().__init__(width, inputs)
        heads = check_heads("SoftmaxAttention", width, heads)
        self.heads, self.rotary = heads, rotary
        self.project = nn.Linear(self.inputs, 3 * width)
        self.out = nn.Linear(width, width)

    def begin(
        self, batch: int
    ) -> tuple[
        Float[Tensor, "batch heads past channels"],
        Float[Tensor, "batch heads past channels"],
        Bool[Tensor, "batch past"],
    ]:
        none = self.out.weight.new_zeros(batch, self.heads, 0, self.width // self.heads)
        return none, none, torch.zeros(batch, 0, dtype=torch.bool, device=none.device)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[
            Float[Tensor, "batch heads past channels"],
            Float[Tensor, "batch heads past channels"],
            Bool[Tensor, "batch past"],
        ],
    ) -> tuple[Float[Tensor, "batch width"], State]:
        q, (k, v, seen) = self._extend(x.unsqueeze(1), state)
        mixed = scan.attend(q, k, v, seen[:, None, None], None)  # (B, H, 1, P)
        return self.read(mixed.transpose(1, 2)).squeeze(1), (k, v, seen)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        first = state[2].shape[1] == 0  # nothing came before x
        q, (k, v, seen) = self._extend(x, state)
        mixed = scan.attention(q, k, v, None if first else self._past(seen, x.shape[1]))
        return self.read(mixed.transpose(1, 2)), (k, v, seen)

    def operator(self, x: Tensor) -> Operator:
        q, (k, v, seen) = self._extend(x, self.begin(len(x)))
        fit = torch.einsum("bhtp,bhsp->bhts", q, k) * q.shape[-1] ** -0.5
        weight = fit.masked_fill(~self._past(seen, x.shape[1]), -torch.inf).softmax(-1)
        return Operator(weight, v.transpose(1, 2))

    def read(self, mixed: Tensor) -> Tensor:
        return self.out(mixed.flatten(-2).to(self.out.weight.dtype))

    def _extend(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Queries of the new steps (B, H, T, P), and the state with their keys and values behind it."""
        keys, values, seen = state
        q, k, v = self.project(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, H, T, P)
        if self.rotary:
            place = seen.sum(1)[:, None] + torch.arange(x.shape[1], device=x.device)  # (B, T)
            q, k = rotary(q, place), rotary(k, place)
        seen = torch.cat([seen, seen.new_ones(x.shape[:2])], 1)
        return q, (torch.cat([keys, k], 2), torch.cat([values, v], 2), seen)

    @staticmethod
    def _past(seen: Tensor, time: int) -> Tensor:
        """Which places each of the last `time` steps may read, (B, 1, T, S)."""
        places = seen.shape[1]
        causal = torch.ones(time, places, dtype=torch.bool, device=seen.device).tril(places - time)
        return (seen[:, None] & causal)[:, None]
