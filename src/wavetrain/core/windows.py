"""Windows that slide over an axis, as a copy: `Tensor.unfold` has no gradient inside torch.func.vmap."""

import torch
from jaxtyping import Shaped
from torch import Tensor


def sliding(x: Shaped[Tensor, "*axes"], size: int, dim: int) -> Shaped[Tensor, "*windows size"]:
    """The windows of an axis, the places of each in the last axis, as x.unfold(dim, size, 1) gives them."""
    count = x.shape[dim] - size + 1
    return torch.stack([x.narrow(dim, place, count) for place in range(size)], -1)
