"""What a rule leaves in `.grad`, of all parameters in one vector."""

import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Rule


def grads(rule: Rule, network: nn.Module, batch: Batch, loss=nn.functional.mse_loss) -> Tensor:
    network.zero_grad()
    rule.learn(network, batch, loss)
    parts = [one.grad for one in network.parameters() if one.requires_grad]
    return torch.cat([(torch.view_as_real(one) if one.is_complex() else one).flatten() for one in parts])


def off(one: Tensor, other: Tensor) -> float:
    """The relative distance of two vectors."""
    return float((one - other).norm() / other.norm())


def cosine(one: Tensor, other: Tensor) -> float:
    return float(nn.functional.cosine_similarity(one, other, dim=0))
