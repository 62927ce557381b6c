"""The linear recurrence d_t = J_t d_{t-1} + b_t, d_0 = 0, with an S x S matrix for each channel.

    walk     on CPU: one fused walk over time; on a GPU `gpu.blocks` does the same
    reduce   on any device: recursive doubling. With shift = 1, 2, 4 ... below T, all t > shift at once:
             b_t <- b_t + J_t b_{t-shift},  J_t <- J_t J_{t-shift};  ceil(log2 T) rounds.

J is (B, T, S, S, D), row = part that is changed, column = part that changes it; b is (B, T, S, D). J_1 must
be zero, for there is nothing before it. No gradients: whoever needs one writes it as another such recurrence.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.scan.cpu import host


def walk(
    jacobian: Float[Tensor, "batch time states states channels"],
    b: Float[Tensor, "batch time states channels"],
) -> Float[Tensor, "batch time states channels"]:
    """d, step after step in numba."""
    from wavetrain.scan.cpu import blocks

    d = host.fresh(b.shape, b.dtype)
    arrays = host.array(jacobian), host.array(b), d.numpy()
    pieces = host.parts(len(b), 2 * torch.get_num_threads())
    host.spread(lambda piece: blocks.walk(*arrays, *piece), pieces, jacobian.numel())
    return d


def reduce(
    jacobian: Float[Tensor, "batch time states states channels"],
    b: Float[Tensor, "batch time states channels"],
) -> Float[Tensor, "batch time states channels"]:
    """d, in ceil(log2 T) rounds."""
    shift = 1
    while shift < b.shape[1]:
        here, there = jacobian[:, shift:], jacobian[:, :-shift]  # (B, T - shift, S, S, D)
        b = torch.cat([b[:, :shift], b[:, shift:] + (here * b[:, :-shift, None]).sum(3)], 1)
        product = (here.unsqueeze(4) * there.unsqueeze(2)).sum(3)
        # up to `shift` the products reach back to J_1 and are zero, as they should be
        jacobian = torch.cat([jacobian[:, :shift], product], 1)
        shift *= 2
    return b
