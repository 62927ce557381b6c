"""Gated attention inside chunks of time, which MEGA and TCNCA share."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import State


class GatedChunks(nn.Module):
    """Gated attention inside chunks of time, as in MEGA, for a stream x (B, T, D) and any context m of it.

    Ma et al. 2022, arXiv 2209.10655; Z channels of queries and keys, H of values:

        v = silu(W_v x);   u, (z, r), h = sigmoid, silu, identity of W m;   q, k = z * scale + shift, 2 pairs
        y = x + u * (silu(h + W_h (r * attention(q, k, v))) - x)

    Attention is softmax over the steps of the same chunk so far, with a bias for each distance. The state is
    the keys (B, C, Z) and values (B, C, H) of the chunk under way, and how far it is (B).
    """

    def __init__(self, width: int, hidden: int, shared: int, chunk: int):
        super().__init__()
        self.sizes = (width, shared + hidden, width)
        self.value = nn.Linear(width, hidden)
        self.base = nn.Linear(width, sum(self.sizes))
        self.mix = nn.Linear(hidden, width)
        self.scale = nn.Parameter(0.02 * torch.randn(2, shared))
        self.shift = nn.Parameter(torch.zeros(2, shared))
        self.bias = nn.Parameter(0.02 * torch.randn(chunk))
        for linear in (self.value, self.base, self.mix):
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.zeros_(linear.bias)

    def begin(self, batch: int) -> State:
        (chunk,), shared, hidden = self.bias.shape, self.scale.shape[1], self.mix.in_features
        none = self.bias.new_zeros(batch, chunk, shared), self.bias.new_zeros(batch, chunk, hidden)
        return *none, torch.zeros(batch, dtype=torch.long, device=self.bias.device)

    def step(
        self, x: Float[Tensor, "batch width"], context: Float[Tensor, "batch width"], state: State
    ) -> tuple[Float[Tensor, "batch width"], State]:
        """One step: x and its context give y."""
        q, k, v, *gates = self._gates(x, context)
        keys, values, count = state
        place = torch.arange(len(self.bias), device=x.device)
        now, known = place == count[:, None], place < count[:, None]  # (B, C)
        keys = _put(k[:, None], now, keys, known)
        values = _put(v[:, None], now, values, known)
        fit = torch.einsum("bz,bcz->bc", q, keys) * q.shape[-1] ** -0.5
        fit = fit + self.bias[(count[:, None] - place).clamp(min=0)]
        weight = fit.masked_fill(~(now | known), -torch.inf).softmax(-1)
        y = self._out(x, torch.einsum("bc,bch->bh", weight, values), *gates)
        return y, (keys, values, (count + 1) % len(self.bias))

    def forward(
        self, x: Float[Tensor, "batch time width"], context: Float[Tensor, "batch time width"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        """The whole sequence: x and its context give y."""
        q, k, v, *gates = self._gates(x, context)
        keys, values, count = state
        chunk, time = len(self.bias), x.shape[1]
        chunks = -(-(chunk - 1 + time) // chunk)  # enough wherever in its chunk a sequence starts
        place = torch.arange(chunk, device=x.device)
        known = place < count[:, None]
        line = (count[:, None] + torch.arange(time, device=x.device)).unsqueeze(-1)  # (B, T, 1)

        def laid(new: Tensor, old: Tensor) -> Tensor:
            """Old and new steps on a line of whole chunks, (B, N, C, channels)."""
            start = torch.where(known.unsqueeze(-1), old, 0.0)
            room = nn.functional.pad(start, (0, 0, 0, (chunks - 1) * chunk))
            return room.scatter(1, line.expand_as(new), new).unflatten(1, (chunks, chunk))

        q, k, v = laid(q, torch.zeros_like(keys)), laid(k, keys), laid(v, values)
        distance = place[:, None] - place
        fit = q @ k.mT * q.shape[-1] ** -0.5 + self.bias[distance.clamp(min=0)]  # (B, N, C, C)
        weight = fit.masked_fill(distance < 0, -torch.inf).softmax(-1)
        mixed = (weight @ v).flatten(1, 2)
        mixed = mixed.gather(1, line.expand(-1, -1, mixed.shape[-1]))  # (B, T, H)
        rows, last = torch.arange(len(x), device=x.device), (count + time - 1) // chunk
        return self._out(x, mixed, *gates), (k[rows, last], v[rows, last], (count + time) % chunk)

    def _gates(self, x: Tensor, context: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values, and the three parts that go round the attention."""
        u, zr, h = self.base(context).split(self.sizes, -1)
        z, r = nn.functional.silu(zr).split([self.scale.shape[1], self.mix.in_features], -1)
        q, k = (z.unsqueeze(-2) * self.scale + self.shift).unbind(-2)
        return q, k, nn.functional.silu(self.value(x)), u.sigmoid(), r, h

    def _out(self, x: Tensor, mixed: Tensor, u: Tensor, r: Tensor, h: Tensor) -> Tensor:
        return x + u * (nn.functional.silu(h + self.mix(r * mixed)) - x)


def _put(new: Tensor, now: Tensor, old: Tensor, known: Tensor) -> Tensor:
    """The places of a chunk (B, C, channels): the new step, those that are known, and zero in the rest."""
    return torch.where(now.unsqueeze(-1), new, torch.where(known.unsqueeze(-1), old, 0.0))
