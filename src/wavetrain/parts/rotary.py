"""Rotary positions: positions as angles by which queries and keys are turned."""

import torch
from jaxtyping import Float, Num
from torch import Tensor

from wavetrain.core import precision


@precision.door
def rotary(
    x: Float[Tensor, "batch heads time channels"], place: Num[Tensor, "batch time"] | Num[Tensor, "1 time"]
) -> Float[Tensor, "batch heads time channels"]:
    """Rotary positions: pairs of channels of x turned in proportion to their place.

    Angles are never in half precision, in which places 2001 to 2004 are one.
    """
    half = x.shape[-1] // 2
    rate = 10_000 ** (-torch.arange(half, dtype=x.dtype, device=x.device) / max(half, 1))
    angle = place[:, None, :, None].to(x.dtype) * rate  # (B, 1, T, half)
    a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos(), rest], -1)
