"""LightNet: a linear recurrence whose decay is additive, so that its weights are a running softmax over time.

Qin, Mao, Shen, Li, Zhang, Dai and Zhong 2024, arXiv 2405.21022.

    q_t = silu(W_q x_t),  k_t = W_k x_t,  v_t = W_v x_t;  H heads of P channels
    z_t = log sum_{s <= t} exp(k_s)                                                for each channel of k
    S_t = diag(exp(z_{t-1} - z_t)) S_{t-1} + exp(k_t - z_t) v_t',   o_t = S_t' q_t
    y_t = W_o norm(o_t * sigmoid(U_2 U_1 x_t))                                     the norm of each head

A step weighs exp(k_s) among all so far: nothing is forgotten, but a late step weighs as little as 1 / t.
Over all tokens at once this is one softmax, whatever the number of axes and the order of the tokens: that is
the paper's point, and `one_scan`. The layer is the causal form, along time.
`one_scan` knows no places. `TPE` filters the tokens along each axis before the first layer (MD-TPE), and
`lrpe` turns keys and queries so that their products hang on the distance along each axis (MD-LRPE); that
each axis has an equal part of the channels is our reading.
With `sink` the sum in z starts at 1, as if an empty token came first (both conventions are in use); without
it, the first step has the whole weight. Linear in its values up to the norm, which is part of `read`, so the
operator is exact; as the gate differs between channels, each channel is a head of its own in it. Left out:
places in the causal layer, and the layer around it.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_heads, check_width, precision
from wavetrain.errors import BadInput
from wavetrain.scan.over_slices import so_far


def one_scan(q: Tensor, k: Tensor, v: Tensor, places: bool = False) -> Tensor:
    """Every token reads all tokens: q and k (B, tokens..., K), v (B, tokens..., P) give (B, tokens..., P).

    Tokens may lie on any number of axes. For each channel of k there is one softmax over all of them, and
    one matrix K x P holds all that any token will read: the cost is that of one pass. With `places`, queries
    and weights carry `lrpe`, which makes that matrix 2K x P.
    """
    if q.shape != k.shape or q.shape[:-1] != v.shape[:-1] or q.ndim < 3:
        raise BadInput(
            "one_scan: expected q and k (batch, tokens..., keys) and v (batch, tokens..., values), "
            f"got {tuple(q.shape)}, {tuple(k.shape)} and {tuple(v.shape)}"
        )
    share = k.flatten(1, -2).softmax(1).view(k.shape)
    if places:
        q, share = lrpe(q), lrpe(share)
    return (q.flatten(1, -2) @ (share.flatten(1, -2).mT @ v.flatten(1, -2))).view(v.shape)


@precision.door
def lrpe(x: Tensor) -> Tensor:
    """MD-LRPE: queries or weights x (B, tokens..., K) to (B, tokens..., 2K).

    The K channels are dealt out to the axes of tokens. Channel j of the K' of one axis becomes x cos(t f) and
    x sin(t f) at place t, f = 10000^(-2 j / K'): in a product of two tokens, cos of f times their distance.
    """
    if x.ndim < 3 or x.shape[-1] < x.ndim - 2:
        raise BadInput(f"lrpe: expected x (batch, tokens..., a channel for each axis), got {tuple(x.shape)}")
    turned = []
    for axis, part in enumerate(x.tensor_split(x.ndim - 2, -1), 1):
        channels = torch.arange(part.shape[-1], dtype=x.dtype, device=x.device)
        place = torch.arange(x.shape[axis], dtype=x.dtype, device=x.device)
        angle = place[:, None] * 10_000 ** (-2 * channels / len(channels))
        angle = angle.view(-1, *[1] * (x.ndim - 2 - axis), len(channels))  # the axes after this one
        turned += [part * angle.cos(), part * angle.sin()]
    return torch.cat(turned, -1)


class TPE(nn.Module):
    """MD-TPE: tokens x (B, tokens..., width) to the same, over any number of axes.

    Along each axis, head h gives (q_h . k_h) sum_{s <= t} decay_h^(t - s) x_s, a Toeplitz matrix; then come a
    norm of each head and a linear map, and the axes are summed. The decays are sigmoids of what is learned.
    """

    def __init__(self, width: int, axes: int = 2, heads: int = 2):
        super().__init__()
        check_width("TPE", width=width, axes=axes, heads=heads)
        if width % heads:
            raise BadInput(f"TPE: heads must divide width {width}, got {heads}")
        size = width // heads
        self.q, self.k = (nn.Parameter(torch.randn(axes, heads, size)) for _ in range(2))
        self.decay = nn.Parameter(torch.randn(axes, heads))
        self.norms = nn.ModuleList(nn.RMSNorm(size, eps=1e-6) for _ in range(axes))
        self.outs = nn.ModuleList(nn.Linear(width, width) for _ in range(axes))

    def forward(self, x: Tensor) -> Tensor:
        axes, heads, size = self.q.shape
        if x.ndim != axes + 2 or x.shape[-1] != heads * size:
            raise BadInput(
                f"TPE: expected x (batch, {axes} axes of tokens, {heads * size}), got {tuple(x.shape)}"
            )
        total = torch.zeros_like(x)
        for axis, (norm, out) in enumerate(zip(self.norms, self.outs, strict=True)):
            total = total + out(norm(self.filtered(x, axis).unflatten(-1, (heads, size))).flatten(-2))
        return total

    def filtered(self, x: Tensor, axis: int) -> Tensor:
        """What the filters along one axis of tokens give, before the norm."""
        size = self.q.shape[-1]
        rows = x.movedim(axis + 1, -2)  # (B, other axes..., T, D)
        decay = self.decay[axis].sigmoid().repeat_interleave(size)
        y, _ = scan.linear(decay, rows.flatten(0, -3))
        strength = (self.q[axis] * self.k[axis]).sum(-1).repeat_interleave(size)
        return strength * y.view(rows.shape).movedim(-2, axis + 1)


class LightNet(Layer):
    """x (B, T, inputs) to y (B, T, width).

    The state is z (B, H, P) and S (B, H, P, P). `heads` divides `width`; by default a head has at least 32
    channels.

    >>> from wavetrain.layers import LightNet
    >>> layer = LightNet(64, heads=2)
    >>> y, (z, s) = layer(torch.randn(1, 500, 64))
    >>> s.shape  # a matrix for each head, however long the sequence
    torch.Size([1, 2, 32, 32])
    """

    splits = True
    card = Card(
        title="You only scan once: efficient multi-dimension sequential modeling with LightNet",
        authors="Qin, Zhen and Mao, Yuxin and Shen, Xuyang and Li, Dong and Zhang, Jing and Dai, Yuchao "
        "and Zhong, Yiran",
        year=2024,
        source="arXiv 2405.21022",
        family="attention",
        topic="Attention",
    )

    def __init__(self, width: int, inputs: int | None = None, heads: int | None = None, sink: bool = False):
        super().__init__(width, inputs)
        heads = check_heads("LightNet", width, heads)
        self.heads, self.sink = heads, sink
        self.project = nn.Linear(self.inputs, 3 * width)
        self.gate = nn.Sequential(nn.Linear(self.inputs, width // heads), nn.Linear(width // heads, width))
        self.norm = nn.RMSNorm(width // heads, eps=1e-6)
        self.out = nn.Linear(width, width)

    def begin(
        self, batch: int
    ) -> tuple[Float[Tensor, "batch heads keys"], Float[Tensor, "batch heads keys values"]]:
        size = self.width // self.heads
        zero = self.out.weight.new_zeros(batch, self.heads, size)
        return zero if self.sink else zero - torch.inf, zero.new_zeros(batch, self.heads, size, size)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch heads keys"], Float[Tensor, "batch heads keys values"]],
    ) -> tuple[
        Float[Tensor, "batch width"],
        tuple[Float[Tensor, "batch heads keys"], Float[Tensor, "batch heads keys values"]],
    ]:
        before, memory = state
        q, k, v, gate = self._project(x)  # (B, H, P) each
        z = torch.logaddexp(before, k)
        new = (k - z).exp().unsqueeze(-1) * v.unsqueeze(-2)  # (B, H, K, P)
        memory = (before - z).exp().unsqueeze(-1) * memory + new
        mixed = torch.einsum("bhk,bhkp->bhp", q, memory) * gate
        return self.read(mixed.flatten(-2).unsqueeze(-1)), (z, memory)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        before, memory = state
        q, k, v, gate = self._project(x)  # (B, T, H, P) each
        before, total = so_far("lightnet", before, lambda: k.logsumexp(1), torch.logaddexp)
        share, log_decay, z = _shares(k, before)
        mixed, memory = scan.chunked(q, share, v, log_decay, memory, size=8)
        return self.read((mixed * gate).flatten(-2).unsqueeze(-1)), (z if total is None else total, memory)

    def operator(self, x: Tensor) -> Operator:
        q, k, v, gate = self._project(x)
        share, log_decay, _ = _shares(k, self.begin(len(x))[0])
        weight = scan.mixing(*(part.transpose(1, 2) for part in (q, share, log_decay)))  # (B, H, T, T)
        weight = weight[:, :, None] * gate.permute(0, 2, 3, 1)[..., None]  # (B, H, P, T, T)
        return Operator(weight.flatten(1, 2), v.flatten(-2).unsqueeze(-1))

    def read(self, mixed: Tensor) -> Tensor:
        heads = mixed.squeeze(-1).unflatten(-1, (self.heads, -1))  # (..., H, P)
        return self.out(self.norm(heads).flatten(-2))

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        q, k, v = self.project(x).unflatten(-1, (3, self.heads, -1)).unbind(-3)
        return F.silu(q), k, v, self.gate(x).sigmoid().unflatten(-1, (self.heads, -1))


def _shares(k: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """exp(k_t - z_t) and z_{t-1} - z_t for k (B, T, H, P), and the last z (B, H, P)."""
    z = torch.logaddexp(before.unsqueeze(1), k.logcumsumexp(1))
    return (k - z).exp(), torch.cat([before.unsqueeze(1), z[:, :-1]], 1) - z, z[:, -1]
