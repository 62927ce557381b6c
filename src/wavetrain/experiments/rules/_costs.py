"""What a step of learning costs: the bytes that it keeps for its way back, and the time that it takes."""

import time
import weakref
from typing import Any

import torch
from torch import Tensor, nn

from wavetrain.core import CLASSES, Batch, Rule

TRIES = 3  # of which the shortest counts


def took(rule: Rule, network: nn.Module, batch: Batch) -> float:
    """How long a step of learning classes takes, in ms."""
    times = []
    for _ in range(TRIES):
        network.zero_grad()
        begun = time.perf_counter()
        rule.learn(network, batch, CLASSES.loss)
        times.append(1000 * (time.perf_counter() - begun))
    return min(times)


def stored(rule: Rule, network: nn.Module, batch: Batch) -> float:
    """The most bytes that there are at once for a way back, parameters and the batch itself left out."""
    mine = {one.untyped_storage().data_ptr() for one in (*network.parameters(), batch.x)}
    held: dict[int, int] = {}
    size: dict[int, int] = {}
    most = 0

    class Kept:
        """A tensor that is kept."""

        def __init__(self, tensor: Tensor):
            self.tensor = tensor

    def pack(tensor: Tensor) -> Any:
        nonlocal most
        key, kept = tensor.untyped_storage().data_ptr(), Kept(tensor)
        if key not in mine:
            held[key], size[key] = held.get(key, 0) + 1, tensor.untyped_storage().nbytes()
            weakref.finalize(kept, gone, key)
            most = max(most, sum(size[one] for one, many in held.items() if many))
        return kept

    def gone(key: int) -> None:
        held[key] -= 1

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor):
        rule.learn(network, batch, CLASSES.loss)
    return float(most)
