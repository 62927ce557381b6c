"""Linear attention: weights that are products of features, so that the whole past is one matrix per head.

Katharopoulos, Vyas, Pappas and Fleuret 2020, arXiv 2006.16236.

    q_t, k_t, v_t = W x_t, in H heads of P channels;  phi(x) = elu(x) + 1 > 0, channel by channel
    S_t = g_t S_{t-1} + phi(k_t) v_t',   z_t = g_t z_{t-1} + phi(k_t)
    y_t = W_o (S_t' phi(q_t)) / (z_t . phi(q_t))

so that y_t is a mean of all past values, weighted by phi(q_t) . phi(k_s) times the decay from s to t. The
paper has no decay, g = 1. Two ways to forget are offered beside it: one fixed rate for each head, 1 - 2^-5,
1 - 2^-6 and so on, as in retention (Sun et al. 2023, arXiv 2307.08621), or one gate for each head, read from
the input, as in Mamba-2 and gated linear attention; the gates start near those rates. Without the feature
map there is no division: y_t = W_o S_t' q_t. `forward` is chunked. Features are at least exp(-40), 4e-18,
so that z . phi(q) is never zero. Left out: positions, and retention's norm.
"""

import enum
import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_heads, precision


class Feature(enum.Enum):
    """What queries and keys go through before they are multiplied."""

    POSITIVE = "elu + 1"  # weights are positive, and divided by their sum
    IDENTITY = "identity"  # weights have any sign, and are left as they are


class Decay(enum.Enum):
    """How the matrix fades from step to step."""

    NONE = "none"
    FIXED = "fixed"  # a rate for each head, not learned
    GATED = "gated"  # a rate for each head and step, read from the input


class LinearAttention(Layer):
    """x (B, T, inputs) to y (B, T, width).

    The state is the matrix of each head (B, H, P, P), with the sum of features z as one more column where
    weights are divided by their sum: (B, H, P, P + 1). `heads` divides `width`; by default a head has at
    least 32 channels.

    >>> from wavetrain.layers import LinearAttention
    >>> layer = LinearAttention(64, heads=2)
    >>> y, state = layer(torch.randn(1, 500, 64))
    >>> state.shape  # a matrix for each head, and the sum of the features
    torch.Size([1, 2, 32, 33])
    """

    mixed = True
    roundings = 3.0
    rate: Tensor  # the logarithms of the fixed rates, (H,)

    splits = True
    card = Card(
        title="Transformers are RNNs: fast autoregressive transformers with linear attention",
        authors="Katharopoulos, Angelos and Vyas, Apoorv and Pappas, Nikolaos and Fleuret, François",
        year=2020,
        source="ICML 2020, arXiv 2006.16236",
        family="attention",
        topic="Attention",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        heads: int | None = None,
        feature: Feature = Feature.POSITIVE,
        decay: Decay = Decay.NONE,
    ):
        super().__init__(width, inputs)
        heads = self.heads = check_heads("LinearAttention", width, heads)
        self.feature, self.decay = feature, decay
        self.project = nn.Linear(self.inputs, 3 * width)
        self.out = nn.Linear(width, width)
        rates = [1 - 2.0 ** -(5 + min(head, 40)) for head in range(heads)]
        if decay is Decay.GATED:
            self.gate = nn.Linear(self.inputs, heads)
            with torch.no_grad():
                self.gate.bias.copy_(torch.tensor([math.log(rate / (1 - rate)) for rate in rates]))
        elif decay is Decay.FIXED:
            self.register_buffer("rate", torch.tensor([math.log(rate) for rate in rates]))

    def begin(self, batch: int) -> Float[Tensor, "batch heads keys values"]:
        size = self.width // self.heads
        columns = size + (self.feature is Feature.POSITIVE)
        return self.out.weight.new_zeros(batch, self.heads, size, columns)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch heads keys values"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch heads keys values"]]:
        q, k, v = self._project(x)  # (B, H, P) each, v with the column of ones
        mixed, state = scan.chunked_step(q, k, v, self._log_decay(x), state)
        return self.read(self._divide(mixed)), state

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        mixed, state = scan.chunked(*self._project(x), self._log_decay(x), state)
        return self.read(self._divide(mixed)), state

    def operator(self, x: Tensor) -> Operator:
        q, k, v = self._project(x)  # (B, T, H, P)
        log_decay = self._log_decay(x)  # (B, T, H, 1)
        weight = scan.mixing(q.transpose(1, 2), k.transpose(1, 2), log_decay.transpose(1, 2))
        if self.feature is Feature.POSITIVE:
            weight, v = weight / weight.sum(-1, keepdim=True), v[..., :-1]
        return Operator(weight, v)

    def read(self, mixed: Tensor) -> Tensor:
        return self.out(mixed.flatten(-2).to(self.out.weight.dtype))

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features of queries and keys, and values, (..., H, P); a 1 stands behind those that are divided."""
        q, k, v = self.project(x).unflatten(-1, (3, self.heads, -1)).unbind(-3)
        q, k, v = precision.wide((q, k, v))
        if self.feature is Feature.IDENTITY:
            return q, k, v
        return _positive(q), _positive(k), F.pad(v, (0, 1), value=1.0)

    def _divide(self, mixed: Tensor) -> Tensor:
        return mixed[..., :-1] / mixed[..., -1:] if self.feature is Feature.POSITIVE else mixed

    def _log_decay(self, x: Tensor) -> Tensor:
        """The logarithm of g for each step and head, (..., H, 1)."""
        if self.decay is Decay.GATED:
            with precision.exactly(x):
                return F.logsigmoid(precision.wide(self.gate)(precision.wide(x))).unsqueeze(-1)
        if self.decay is Decay.FIXED:
            return self.rate.expand(*x.shape[:-1], -1).unsqueeze(-1)
        return x.new_zeros(*x.shape[:-1], self.heads, 1)


def _positive(x: Tensor) -> Tensor:
    """elu(x) + 1, without the difference that would round small values to zero, but at least exp(-40).

    The product of two such features is a normal number in float32, so that weights never sum to zero.
    """
    return x.clamp(-40, 0).exp() + x.relu()
