"""An optimiser whose state is split over the processes: each keeps, and updates, a part of the parameters.

Rajbhandari, Rasley, Ruwase and He 2020, "ZeRO: Memory Optimizations Toward Training Trillion Parameter
Models", their first stage, as PyTorch has it. A process keeps the means of its own parameters alone, updates
these and sends them to the others; so weights come out as one optimiser makes them, bit for bit. What is kept
in a file is the whole state, put together, so that any number of processes goes on from it.
"""

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from wavetrain.errors import BadInput
from wavetrain.train.ranks import ALONE, Ranks


def sharded(
    parameters: Iterable[nn.Parameter], kind: type[torch.optim.Optimizer], settings: Mapping[str, Any]
) -> torch.optim.Optimizer:
    """An optimiser of a kind, in parts; raises BadInput for parameters of several types."""
    ours = list(parameters)
    if len(types := {one.dtype for one in ours}) > 1:
        named = " and ".join(sorted(map(str, types)))
        raise BadInput(f"a sharded optimiser: expected parameters of one type, got {named}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that PyTorch gives about itself
        from torch.distributed.optim import ZeroRedundancyOptimizer

        return ZeroRedundancyOptimizer(ours, kind, **settings)


def optimiser_of(
    parameters: Iterable[nn.Parameter],
    kind: type[torch.optim.Optimizer],
    settings: Mapping[str, Any],
    together: Ranks = ALONE,
) -> torch.optim.Optimizer:
    """An optimiser of a kind, in parts where these processes split theirs."""
    split = together.sharded and not together.alone
    return sharded(parameters, kind, settings) if split else kind(parameters, **settings)


def gather(optimiser: torch.optim.Optimizer) -> None:
    """Before its state is read: bring the parts together in the first process. Any other has its state."""
    if hasattr(optimiser, "consolidate_state_dict"):
        optimiser.consolidate_state_dict(to=0)
