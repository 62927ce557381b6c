"""Attention of each step to the last n, its own among them, in blocks: the cost grows with T n, not T^2.

    y_t = sum_{j < n} p_{t,j} v_{t-j},   p_{t,.} = softmax_j(q_t . k_{t-j} / sqrt(P)) at a temperature

Keys and values begin n - 1 steps before the queries; those that are not there are never read. A block of n
queries sees 2 n - 1 keys, so nothing is built of all pairs of steps. At temperature 0 the key that fits best
wins alone, and those that fit exactly alike share.

sliding_attention, sharpened, winner
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain import scan


def sliding_attention(
    q: Float[Tensor, "batch time keys"],
    k: Float[Tensor, "batch past keys"],
    v: Float[Tensor, "batch past values"],
    there: Bool[Tensor, "batch past"],
    temperature: float,
) -> Float[Tensor, "batch time values"]:
    """What each query reads of its window; past = time + window - 1, and `there` says which keys count.

    The key of a query's own step must be there.
    """
    time = q.shape[1]
    window = k.shape[1] - time + 1
    size = min(window, time)  # of a block
    blocks = -(-time // size)
    more = blocks * size - time
    q, k, v = (F.pad(part, (0, 0, 0, more)) for part in (q, k, v))
    place = torch.arange(size + window - 1, device=q.device)
    rows = size * torch.arange(blocks, device=q.device)[:, None] + place  # keys that a block sees
    ahead = place - place[:size, None]  # of the oldest key in the window of a query
    mask = F.pad(there, (0, more))[:, rows].unsqueeze(2) & (ahead >= 0) & (ahead < window)
    mixed = sharpened(q.unflatten(1, (blocks, size)), k[:, rows], v[:, rows], mask, temperature)
    return mixed.flatten(1, 2)[:, :time]


def sharpened(
    q: Float[Tensor, "batch heads time keys"],
    k: Float[Tensor, "batch heads past keys"],
    v: Float[Tensor, "batch heads past values"],
    mask: Bool[Tensor, "*axes time past"] | None,
    temperature: float,
) -> Float[Tensor, "batch heads time values"]:
    """`scan.attention` at a temperature, which may be 0."""
    if temperature:
        return scan.attention(q, k, v, mask, q.shape[-1] ** -0.5 / temperature)
    if mask is None:
        mask = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril()
    return winner((q @ k.mT).masked_fill(~mask, -torch.inf)) @ v


def winner(fit: Float[Tensor, "*axes past"]) -> Float[Tensor, "*axes past"]:
    """The softmax at temperature 0: all for the best, in equal shares for those that are best alike.

    No gradient goes back through it.
    """
    best = (fit == fit.amax(-1, keepdim=True)).to(fit.dtype)
    return best / best.sum(-1, keepdim=True)
