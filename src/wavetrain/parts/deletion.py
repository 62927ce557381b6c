"""Synapses that are lost, and what the others make up for.

Each connection is lost by itself with one probability. Where the sums are restored, what is left of a unit's
weights is scaled so that they add up to what they did before; a weight may then lie above its bound. A unit
that has lost all has none to scale, and stays without.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.errors import BadInput


def deleted(
    weight: Float[Tensor, "post pre"], share: float, *, generator: torch.Generator, restored: bool = True
) -> Float[Tensor, "post pre"]:
    """The weights without a `share` of them, drawn at random; sums over `pre` are as before, if `restored`.

    Raises BadInput for a share that is not from 0 to 1, and for weights below 0, whose sums say little.

    >>> from wavetrain.parts.deletion import deleted
    >>> weight = torch.ones(2, 1000)
    >>> less = deleted(weight, 0.8, generator=torch.Generator().manual_seed(0))
    >>> bool(less.count_nonzero() < 500), less.sum(1).round().tolist()
    (True, [1000.0, 1000.0])
    """
    if not 0 <= share <= 1:
        raise BadInput(f"deleted: expected a share of synapses from 0 to 1, got {share!r}")
    if bool((weight < 0).any()):
        raise BadInput(f"deleted: expected weights of 0 or more, got {float(weight.min()):g}")
    stays = torch.rand(weight.shape, generator=generator, device=generator.device) >= share
    left = weight * stays.to(weight.device)
    if not restored:
        return left
    before, after = weight.sum(1, keepdim=True), left.sum(1, keepdim=True)
    return left * torch.where(after > 0, before / after, 0.0)
