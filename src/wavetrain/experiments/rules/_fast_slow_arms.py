"""What arms of fast and slow weights share: how they begin, how they step, and how one setting is chosen."""

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import nn

from wavetrain.errors import BadInput
from wavetrain.networks.fast_slow import FastSlow
from wavetrain.parts.task_sequence import TaskSequence


def begun(body: nn.Module, features: int, outputs: int, frozen: bool) -> FastSlow:
    """A copy of a base network, in both fast and slow weights, with new heads; frozen, they learn alone."""
    network = FastSlow(copy.deepcopy(body), features, outputs)
    network.body.requires_grad_(not frozen)
    return network


def copies(network: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The fast body and the slow one."""
    if not isinstance(network, FastSlow):
        raise BadInput(f"expected a FastSlow, got {type(network).__name__}")
    return network.body, network.slow


def adam(
    parameters: Iterable[nn.Parameter], *, rate: float, heads: float, decay: float
) -> torch.optim.Optimizer:
    """Of a `FastSlow`, whose last two parameters are those of its head."""
    every = list(parameters)
    groups = [{"params": every[:-2], "lr": rate}, {"params": every[-2:], "lr": heads}]
    return torch.optim.AdamW(groups, weight_decay=decay)


def at_once(sequence: TaskSequence) -> TaskSequence:
    """All tasks as the only one."""
    return replace(sequence, tasks=(sequence.joint(),))


def best(scores: Mapping[float, float]) -> float:
    """The one that scores best, and of equals the first; a training that diverged counts least."""
    return max(scores, key=lambda one: -math.inf if math.isnan(scores[one]) else scores[one])
