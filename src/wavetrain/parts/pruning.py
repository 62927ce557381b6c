"""Fewer units: which are kept, and the same network without the others.

largest   the units with the largest sum of connections, those that come in and those that go out
some      units at random
without   a layer and its read-out with the units that are kept; the others are as if they were always at 0
"""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.parts.reader import Reader


def largest(strength: Float[np.ndarray, "units units"], count: int) -> Bool[np.ndarray, "units"]:
    """The `count` units with the largest sum of |connections| to and from other units."""
    size = np.abs(strength) * ~np.eye(len(strength), dtype=bool)
    return _first((-(size.sum(0) + size.sum(1))).argsort(kind="stable"), count)


def some(units: int, count: int, dice: np.random.Generator) -> Bool[np.ndarray, "units"]:
    """`count` of the units, all alike."""
    return _first(dice.permutation(units), count)


@torch.no_grad()
def without(network: Reader, kept: Bool[np.ndarray, "units"]) -> Reader:
    """A copy of a recurrent layer and its linear read-out with the units that are kept, and no others.

    The layer is built anew with a smaller width. Of each parameter, axes that change with the width lose the
    rows of the other units, in every block of `width` rows, as gates have them.

    Raises BadInput where no unit is kept, or where a layer has sizes that do not follow its width so.
    """
    layer, count = network.layer, int(kept.sum())
    if kept.shape != (layer.width,) or not count:
        raise BadInput(f"pruning: expected some of {layer.width} units, got {count} of {kept.shape}")
    if not isinstance(network.read, nn.Linear):
        raise BadInput(f"pruning: expected a linear read-out, got {type(network.read).__name__}")
    given = {**layer.given, "width": count, "inputs": layer.inputs}
    with torch.random.fork_rng(devices=[]):
        smaller = Reader(type(layer)(**given), network.read.out_features, network.every_step)
    smaller = smaller.to(network.read.weight)
    tensors = zip(layer.state_dict().items(), smaller.layer.state_dict().values(), strict=True)
    for (name, whole), part in tensors:
        part.copy_(_rows(type(layer), name, whole, part.shape, kept))
    assert isinstance(smaller.read, nn.Linear)
    smaller.read.weight.copy_(network.read.weight[:, torch.from_numpy(kept)])
    smaller.read.bias.copy_(network.read.bias)
    return smaller


def _first(order: np.ndarray, count: int) -> Bool[np.ndarray, "units"]:
    if not 1 <= count <= len(order):
        raise BadInput(f"pruning: expected to keep 1 to {len(order)} units, got {count}")
    kept = np.zeros(len(order), dtype=bool)
    kept[order[:count]] = True
    return kept


def _rows(
    kind: type[Layer], name: str, whole: Tensor, shape: torch.Size, kept: Bool[np.ndarray, "units"]
) -> Tensor:
    """The part of a parameter that belongs to units that are kept."""
    for axis, (before, after) in enumerate(zip(whole.shape, shape, strict=True)):
        if before == after:
            continue
        blocks, rest = divmod(before, len(kept))
        if rest or after != blocks * kept.sum():
            raise BadInput(f"pruning: {kind.__name__}'s {name} is not made of blocks of its width")
        rows = np.flatnonzero(np.tile(kept, blocks))
        whole = whole.index_select(axis, torch.from_numpy(rows).to(whole.device))
    return whole
