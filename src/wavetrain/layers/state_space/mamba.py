"""Mamba: a diagonal state space whose step size and input and output maps are read from the present input.

Gu and Dao 2023, arXiv 2312.00752. Width d, E = expand d channels inside, N states for each of them:

    u, z = two halves of W_in x;   u = SiLU(conv(u)), a causal convolution of each channel, 4 taps
    r, B, C = W_x u;   dt = softplus(W_dt r + b_dt);   A = -exp(A_log)
    h_t[e, n] = exp(dt_t[e] A[e, n]) h_{t-1}[e, n] + dt_t[e] B_t[n] u_t[e]
    y_t = W_out ((sum_n C_t[n] h_t[., n] + D u_t) SiLU(z_t))

so that a large dt forgets the past and takes the input, and a small one holds the past and ignores it. With
one state, A = -1 and B = 1 the decay is a gate, 1 - sigmoid(s) for dt = softplus(s). A starts at -1, ..., -N;
the steps dt are spread over 0.001 to 0.1. Parameters have the names and shapes of the published checkpoints.

FalconMamba (Zuo et al. 2024, arXiv 2410.05355) divides r, B and C by their root mean squares; see `Variant`.

Given dt, B, C and z the output is linear in the convolved u, which are the operator's values: one head for
each inner channel, the skip D on the diagonal, and the gate SiLU(z_t) in the rows, as it belongs to the
present alone. Left out: what stands around the block in the paper (norms, residual stream, the division of
W_out's start by the root of the depth).
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_width, precision


class Variant(NamedTuple):
    """What published models differ in, beside their sizes: biases, and the norms of FalconMamba."""

    projection_bias: bool = False  # of W_in and W_out
    convolution_bias: bool = True
    inner_eps: float | None = None  # RMS norms without weights of r, B and C, with this epsilon


PUBLISHED = Variant()


class Mamba(Layer):
    """x (B, T, inputs) to y (B, T, width).

    The state is the last inputs of the convolution (B, kernel - 1, E), oldest first, and h (B, E, N). `rank`
    is that of the map to dt, by default a sixteenth of the width.

    >>> from wavetrain.layers import Mamba
    >>> layer = Mamba(8, states=4)
    >>> x = torch.randn(1, 50, 8)
    >>> y, (past, h) = layer(x)
    >>> h.shape  # 16 channels inside, of 4 states each
    torch.Size([1, 16, 4])
    >>> operator = layer.operator(x)
    >>> torch.allclose(layer.read(operator.mix()), y, atol=1e-5)  # the output from the operator
    True
    """

    mixed = True
    roundings = 4.0
    splits = True
    card = Card(
        title="Mamba: Linear-time sequence modeling with selective state spaces",
        authors="Gu, Albert and Dao, Tri",
        year=2023,
        source="arXiv 2312.00752",
        family="state space",
        topic="Selective state spaces",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        states: int = 16,
        expand: int = 2,
        kernel: int = 4,
        rank: int | None = None,
        variant: Variant = PUBLISHED,
    ):
        super().__init__(width, inputs)
        check_width("Mamba", states=states, expand=expand, kernel=kernel)
        rank = -(-width // 16) if rank is None else rank
        check_width("Mamba", rank=rank)
        self.states, self.rank = states, rank
        self.variant = variant
        inner = expand * width
        self.in_proj = nn.Linear(self.inputs, 2 * inner, bias=variant.projection_bias)
        self.conv1d = nn.Conv1d(inner, inner, kernel, groups=inner, bias=variant.convolution_bias)
        self.x_proj = nn.Linear(inner, rank + 2 * states, bias=False)
        self.dt_proj = nn.Linear(rank, inner)
        self.A_log = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, width, bias=variant.projection_bias)
        with torch.no_grad():
            self.dt_proj.weight.uniform_(-(rank**-0.5), rank**-0.5)
            dt = self.dt_proj.bias.uniform_(math.log(0.001), math.log(0.1)).exp()
            self.dt_proj.bias.copy_(dt + torch.log(-torch.expm1(-dt)))  # the inverse of softplus

    def begin(
        self, batch: int
    ) -> tuple[Float[Tensor, "batch past channels"], Float[Tensor, "batch channels states"]]:
        inner, _, taps = self.conv1d.weight.shape
        return self.D.new_zeros(batch, taps - 1, inner), self.D.new_zeros(batch, inner, self.states)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch past channels"], Float[Tensor, "batch channels states"]],
    ) -> tuple[
        Float[Tensor, "batch width"],
        tuple[Float[Tensor, "batch past channels"], Float[Tensor, "batch channels states"]],
    ]:
        past, h = state
        *now, past = self._select(x.unsqueeze(1), past)
        u, dt, b, c, z = (part.squeeze(1) for part in now)
        y, h = scan.selective_step(u, dt, -precision.wide(self.A_log).exp(), b, c, h)
        return self._out((y + precision.wide(self.D) * u) * F.silu(precision.wide(z))), (past, h)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        past, h = state
        u, dt, b, c, z, past = self._select(x, past)
        y, h = scan.selective(u, dt, -precision.wide(self.A_log).exp(), b, c, h, self.D, z)
        return self._out(y), (past, h)

    def operator(self, x: Tensor) -> Operator:
        u, dt, b, c, z, _ = self._select(x, self.begin(len(x))[0])
        dt = dt.transpose(1, 2).unsqueeze(-1)  # (B, E, T, 1)
        weight = torch.diag_embed(self.D[:, None].expand(-1, x.shape[1]))  # (E, T, T)
        for n, rate in enumerate(-self.A_log.exp().T):  # state by state: (B, E, T, T, N) would be large
            q, k = (part[:, None, :, n : n + 1] for part in (c, b))  # (B, 1, T, 1)
            weight = weight + scan.mixing(q.expand_as(dt), k * dt, dt * rate[:, None, None])
        return Operator(F.silu(z).transpose(1, 2).unsqueeze(-1) * weight, u.unsqueeze(-1))

    def read(self, mixed: Tensor) -> Tensor:
        return self._out(mixed.squeeze(-1))

    def _out(self, y: Tensor) -> Tensor:
        return self.out_proj(y.to(self.out_proj.weight.dtype))

    def _select(self, x: Tensor, past: Tensor) -> tuple[Tensor, ...]:
        """u, dt (B, T, E), B, C (B, T, N), the gate z (B, T, E), and the convolution's next state."""
        u, z = self.in_proj(x).chunk(2, -1)
        u, past = scan.short(u, past, self.conv1d.weight.squeeze(1).flip(-1), self.conv1d.bias)
        low, b, c = self.x_proj(u).split([self.rank, self.states, self.states], -1)
        if (eps := self.variant.inner_eps) is not None:
            low, b, c = (F.rms_norm(part, part.shape[-1:], eps=eps) for part in (low, b, c))
        with precision.exactly(low):
            dt = F.softplus(precision.wide(self.dt_proj)(precision.wide(low)))
        return u, dt, b, c, z, past
