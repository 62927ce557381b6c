"""Mamba-2: a selective state space with one decay for a whole head, which makes it a masked attention.

Dao and Gu, ICML 2024, arXiv 2405.21060. Width d, E = expand d channels inside in H heads of P, N states:

    z, (u, B, C), dt = parts of W_in x;   u, B, C = SiLU(conv(u, B, C)), a causal convolution, 4 taps
    dt = softplus(dt + b_dt), one for each head;   a_t = -dt_t exp(A_log)
    S_t = exp(a_t) S_{t-1} + dt_t B_t u_t'   (N x P for each head),   y_t = C_t' S_t + D u_t
    out_t = W_out RMSNorm(y_t SiLU(z_t)), the norm that of the channels of each group

Written out over time this is Y = (L o C B') (dt u) with L_ts = exp(a_{s+1} + ... + a_t): attention without
softmax, under a mask that fades (state space duality). `forward` does that inside chunks, by matrix products,
and carries S from one chunk to the next; any chunk gives the same. B and C are shared by the heads of a
group. exp(A_log) starts uniform in 1 to 16, the steps dt over 0.001 to 0.1. Parameters have the names and
shapes of the published checkpoints.

Given dt, B, C and z the mixture is linear in the convolved u, which are the operator's values. The gate
SiLU(z_t) has a number for each channel, so it makes each channel a head and stands in the rows; the norm acts
on what is mixed at the present step, so it is part of `read`.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_width, divisor, precision
from wavetrain.errors import BadInput


class Variant(NamedTuple):
    """What published models differ in, beside their sizes; `chunk` changes the speed alone."""

    projection_bias: bool = False  # of W_in and W_out
    convolution_bias: bool = True
    kernel: int = 4  # taps of the convolution
    limit: tuple[float, float] = (0.0, math.inf)  # dt below and above is set to these
    chunk: int = 64


PUBLISHED = Variant()


class GroupedNorm(nn.RMSNorm):
    """RMSNorm of each of `groups` equal parts of the channels, with one weight a channel."""

    def __init__(self, channels: int, groups: int):
        super().__init__(channels, eps=1e-5)
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        parts = x.unflatten(-1, (self.groups, -1))
        return F.rms_norm(parts, parts.shape[-1:], eps=self.eps).flatten(-2) * self.weight


class Mamba2(Layer):
    """x (B, T, inputs) to y (B, T, width).

    The state is the last inputs of the convolution (B, kernel - 1, E + 2 G N), oldest first, and
    S (B, H, N, P).
    `heads` divides expand * width, by default into heads of at most 64 channels; `groups` divides `heads`.

    >>> from wavetrain.layers import Mamba2
    >>> layer = Mamba2(64, states=16, heads=4)
    >>> y, (past, s) = layer(torch.randn(1, 50, 64))
    >>> s.shape  # a matrix of 16 x 32 for each of 4 heads
    torch.Size([1, 4, 16, 32])
    """

    mixed = True
    roundings = 4.0
    splits = True
    card = Card(
        title="Transformers are SSMs: Generalized models and efficient algorithms through structured state "
        "space duality",
        authors="Dao, Tri and Gu, Albert",
        year=2024,
        source="ICML 2024, arXiv 2405.21060",
        family="state space",
        topic="Selective state spaces",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        states: int = 64,
        expand: int = 2,
        heads: int | None = None,
        groups: int = 1,
        variant: Variant = PUBLISHED,
    ):
        super().__init__(width, inputs)
        check_width("Mamba2", states=states, expand=expand)
        inner = expand * width
        heads = inner // divisor(inner, 64) if heads is None else heads
        check_width("Mamba2", heads=heads, groups=groups, kernel=variant.kernel, chunk=variant.chunk)
        if inner % heads:
            raise BadInput(f"Mamba2: heads must divide {expand} times width {width}, got {heads}")
        if heads % groups:
            raise BadInput(f"Mamba2: groups must divide the {heads} heads, got {groups}")
        least, most = variant.limit
        if not 0 <= least <= most:
            raise BadInput(f"Mamba2: expected a limit of dt from 0 up, least first, got {variant.limit}")
        self.states, self.variant = states, variant
        self.heads, self.groups, self.inner = heads, groups, inner
        mixed = inner + 2 * groups * states
        self.in_proj = nn.Linear(self.inputs, inner + mixed + heads, bias=variant.projection_bias)
        self.conv1d = nn.Conv1d(mixed, mixed, variant.kernel, groups=mixed, bias=variant.convolution_bias)
        self.A_log = nn.Parameter(torch.empty(heads).uniform_(1, 16).log())
        self.D = nn.Parameter(torch.ones(heads))
        dt = torch.empty(heads).uniform_(math.log(0.001), math.log(0.1)).exp()
        self.dt_bias = nn.Parameter(dt + torch.log(-torch.expm1(-dt)))  # the inverse of softplus
        self.norm = GroupedNorm(inner, groups)
        self.out_proj = nn.Linear(inner, width, bias=variant.projection_bias)

    def begin(
        self, batch: int
    ) -> tuple[Float[Tensor, "batch past _"], Float[Tensor, "batch heads states channels"]]:
        past = self.D.new_zeros(batch, self.variant.kernel - 1, len(self.conv1d.weight))
        return past, self.D.new_zeros(batch, self.heads, self.states, self.inner // self.heads)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch past _"], Float[Tensor, "batch heads states channels"]],
    ) -> tuple[
        Float[Tensor, "batch width"],
        tuple[Float[Tensor, "batch past _"], Float[Tensor, "batch heads states channels"]],
    ]:
        past, h = state
        *now, past = self._select(x.unsqueeze(1), past)
        u, log_decay, b, c, gate = (part.squeeze(1) for part in now)
        y, h = scan.chunked_step(c, b, u, log_decay, h)
        return self._out(y, u, gate), (past, h)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        past, h = state
        u, log_decay, b, c, gate, past = self._select(x, past)
        y, h = scan.chunked(c, b, u, log_decay, h, self.variant.chunk)
        return self._out(y, u, gate), (past, h)

    def operator(self, x: Tensor) -> Operator:
        u, log_decay, b, c, gate, _ = self._select(x, self.begin(len(x))[0])
        weight = scan.mixing(*(part.transpose(1, 2) for part in (c, b, log_decay)))  # (B, H, T, T)
        weight = weight + torch.diag_embed(self.D[:, None].expand(-1, x.shape[1]))
        weight = weight.repeat_interleave(u.shape[-1], 1)  # (B, E, T, T)
        return Operator(gate.transpose(1, 2).unsqueeze(-1) * weight, u.flatten(-2).unsqueeze(-1))

    def read(self, mixed: Tensor) -> Tensor:
        return self.out_proj(self.norm(mixed.squeeze(-1)).to(self.out_proj.weight.dtype))

    def _out(self, y: Tensor, u: Tensor, gate: Tensor) -> Tensor:
        """From what the heads have read (..., H, P) to the output (..., D)."""
        return self.read(((y + precision.wide(self.D)[:, None] * u).flatten(-2) * gate).unsqueeze(-1))

    def _select(self, x: Tensor, past: Tensor) -> tuple[Tensor, ...]:
        """u (B, T, H, P), a (B, T, H, 1), dt B, C (B, T, H, N), the gate (B, T, E), and the next past."""
        mixed = len(self.conv1d.weight)
        z, ubc, dt = self.in_proj(x).split([self.inner, mixed, self.heads], -1)
        ubc, past = scan.short(ubc, past, self.conv1d.weight.squeeze(1).flip(-1), self.conv1d.bias)
        shared = self.groups * self.states
        u, b, c = ubc.split([self.inner, shared, shared], -1)
        dt = (
            F.softplus(precision.wide(dt) + self.dt_bias).clamp(*self.variant.limit).unsqueeze(-1)
        )  # (B, T, H, 1)
        b, c = (
            part.unflatten(-1, (self.groups, -1)).repeat_interleave(self.heads // self.groups, -2)
            for part in (b, c)
        )
        rate = precision.wide(self.A_log).exp()[:, None]  # (H, 1)
        return u.unflatten(-1, (self.heads, -1)), -dt * rate, dt * b, c, F.silu(z), past
