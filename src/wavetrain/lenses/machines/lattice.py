"""Lattice: the order of who drives whom in a recurrent network, and which units its lattice needs.

Sengupta 2025, arXiv 2502.16525, who prunes the units that are not meet-irreducible. We know the abstract
alone, so the rest is our reconstruction. C[j, i] is what unit i gives to unit j: the size of d state_j /
d state_i over one step, in the mean over the steps of x. A unit is one entry of the state; where a state has
several parts of one size, as an LSTM's h and c, it is one entry of each, and the largest of its parts counts.

    order        i is below j where a path of strong connections leads from i to j
    cycles       there are always some: units on one are one element, or only connections to a higher index
                 count, or only those so strong that no cycle is left (`Acyclic`)
    completion   Dedekind and MacNeille's: the smallest lattice that holds the order
    kept         meet-irreducible in it: something is below all that is above the unit, and not below the unit
    upper        how many elements are right above it; in a lattice, those with one are the ones that are kept

A chain of n keeps n - 1, n units without order keep all, the subsets of k things keep the k that lack one.
More connections do not mean fewer units: with very few all are unordered and are kept, with many all are on
one cycle, and none is. The null exchanges the sizes of all connections, and asks whether the network keeps
more or fewer units than such networks do. So far random pruning does as well: see what it costs before you
prune by it.
"""

import enum
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from wavetrain.core import Card, Layer, leaves
from wavetrain.errors import BadInput
from wavetrain.lenses._weights import check_finite, check_sequences
from wavetrain.lenses.dynamics._map import Map, Scaled
from wavetrain.parts.nulls import DRAWS, rank

card = Card(
    title="Lattice-based pruning in recurrent neural networks via poset modeling",
    authors="Sengupta, Rakesh",
    year=2025,
    source="arXiv 2502.16525",
    family="machines",
    topic="Gates",
)

MOST = 10_000  # elements of a completion that are counted


class Acyclic(enum.Enum):
    """What is done about units that drive each other."""

    CONDENSE = "condense"  # units on a cycle are one element
    INDEX = "index"  # only connections from a unit to one of a higher index count; hangs on their order
    RAISE = "raise"  # only the strongest connections, as many as have no cycle


class Lattice(NamedTuple):
    """The order of a network's units, and what its lattice needs."""

    strength: Float[np.ndarray, "units units"]  # C: to the first from the second; change per change
    threshold: float  # connections above it count
    element: Int[np.ndarray, "units"]  # the element of the order that a unit is, numbered as they first come
    below: Bool[np.ndarray, "elements elements"]  # whether the first is below the second
    cover: Bool[np.ndarray, "elements elements"]  # whether the second is right above the first
    upper: Int[np.ndarray, "units"]  # elements right above the unit's
    kept: Bool[np.ndarray, "units"]  # whether the lattice needs the unit; the others it would prune
    completion: int  # elements of the completion; -1 where they are more than 10,000
    null: Float[np.ndarray, "draws"]  # units kept where the sizes of connections are exchanged
    p: float  # of how far their number is from that of the null, in either direction


def lattice(
    layer: Layer,
    x: Float[Tensor, "batch time inputs"],
    quantile: float | None = None,
    acyclic: Acyclic = Acyclic.CONDENSE,
    shuffles: int = DRAWS,
    seed: int = 0,
) -> Lattice:
    """The lattice of a layer with real states of one size, linearised along sequences x (B, T, inputs).

    Connections count whose size is above the `quantile` of all between different units; by default that is
    1 - 1 / units, where each unit has about one.

    Raises BadInput for a quantile outside 0 to 1, or for states that are not real or change their size.

    >>> from wavetrain.layers import Episodic
    >>> from wavetrain.lenses import lattice
    >>> from wavetrain.scan import Activation
    >>> layer = Episodic(1, hidden=4, activation=Activation.IDENTITY)
    >>> layer.recur.weight.data = torch.diag(torch.ones(3), 1)  # a chain: 3 drives 2 drives 1 drives 0
    >>> lattice(layer, torch.zeros(1, 1, 1), quantile=0.5).kept.tolist()  # all but its last
    [False, True, True, True]
    """
    check_sequences(layer, x)
    if quantile is not None and not 0 <= quantile <= 1:
        raise BadInput(f"lattice: expected a quantile from 0 to 1, got {quantile}")
    if shuffles < 0:
        raise BadInput(f"lattice: shuffles must be at least 0, got {shuffles}")
    strength = _strength(layer, x)
    units = len(strength)
    between = ~np.eye(units, dtype=bool)
    share = 1 - 1 / units if quantile is None else quantile
    first = float(np.quantile(strength[between], share, method="lower")) if units > 1 else 0.0
    element, below, threshold = _order(strength, first, acyclic)
    cover = _cover(below)
    kept = _irreducible(below)[element]
    null, dice = np.empty(shuffles), np.random.default_rng(seed)
    for draw in range(shuffles):
        moved = strength.copy()
        moved[between] = dice.permutation(strength[between])
        other, order, _ = _order(moved, first, acyclic)
        null[draw] = _irreducible(order)[other].sum()
    middle = np.median([kept.sum(), *null])
    far = rank(np.abs([kept.sum() - middle]), np.abs(null - middle)[:, None])
    return Lattice(
        strength=strength,
        threshold=threshold,
        element=element,
        below=below,
        cover=cover,
        upper=cover.sum(1)[element],
        kept=kept,
        completion=_completion(below),
        null=null,
        p=float(far[0]),
    )


@torch.no_grad()
def _strength(layer: Layer, x: Float[Tensor, "batch time inputs"]) -> Float[np.ndarray, "units units"]:
    """C: the mean size of the derivatives of the state over one step, to the first from the second."""
    step, x = Map("lattice", layer), x.detach().double().cpu()
    rows = step.first.expand(len(x), -1)
    total = torch.zeros(rows.shape[1], rows.shape[1], dtype=torch.float64)
    for now in x.unbind(1):
        scaled = Scaled(step, rows)
        total = total + scaled.jacobian(rows / scaled.size, now).abs().mean(0)
        rows = step(rows, now)
    strength = total / x.shape[1]
    check_finite(layer, "gradients", strength)
    sizes = {part[0].numel() for part in leaves(layer.begin(1)) if part.is_floating_point()}
    if len(sizes) == 1:  # the parts of a unit
        (size,) = sizes
        strength = strength.unflatten(0, (-1, size)).unflatten(2, (-1, size)).amax((0, 2))
    return strength.numpy()


def _order(
    strength: Float[np.ndarray, "units units"], threshold: float, acyclic: Acyclic
) -> tuple[Int[np.ndarray, "units"], Bool[np.ndarray, "elements elements"], float]:
    """The element of each unit, which element is below which, and the threshold that was taken."""
    gives = strength.T  # from the first to the second
    drives = gives > threshold
    np.fill_diagonal(drives, False)
    units = np.arange(len(strength))
    if acyclic is Acyclic.INDEX:
        return units, _paths(np.triu(drives, 1)), threshold
    if acyclic is Acyclic.RAISE:
        sizes = np.unique(gives[drives])
        few, many = 0, len(sizes)  # how many of the sizes are left out: `many` leaves no cycle
        while few < many:
            middle = (few + many) // 2
            left = drives & (gives > (sizes[middle - 1] if middle else threshold))
            few, many = (few, middle) if not _paths(left).diagonal().any() else (middle + 1, many)
        threshold = float(sizes[many - 1]) if many else threshold
        return units, _paths(drives & (gives > threshold)), threshold
    _, found = connected_components(drives, directed=True, connection="strong")
    _, first, place = np.unique(found, return_index=True, return_inverse=True)
    element = first.argsort().argsort()[place]
    between = np.zeros((len(first), len(first)), dtype=bool)
    source, goal = np.nonzero(drives)
    between[element[source], element[goal]] = True
    np.fill_diagonal(between, False)
    return element, _paths(between), threshold


def _paths(drives: Bool[np.ndarray, "elements elements"]) -> Bool[np.ndarray, "elements elements"]:
    """Whether a path of one connection or more leads from the first to the second."""
    paths = drives
    while True:
        longer = paths | (paths.astype(np.float32) @ paths.astype(np.float32) > 0)
        if (longer == paths).all():
            return paths
        paths = longer


def _cover(below: Bool[np.ndarray, "elements elements"]) -> Bool[np.ndarray, "elements elements"]:
    """The transitive reduction: the second is above the first, and nothing is between."""
    return below & ~(below.astype(np.float32) @ below.astype(np.float32) > 0)


def _irreducible(below: Bool[np.ndarray, "elements elements"]) -> Bool[np.ndarray, "elements"]:
    """Whether something is below all that is above an element, and is not below the element itself."""
    at_most = below | np.eye(len(below), dtype=bool)
    missed = (~at_most).astype(np.float32) @ below.T.astype(np.float32)  # [z, p]: of those above p
    return ((missed == 0) & ~at_most).any(0)


def _completion(below: Bool[np.ndarray, "elements elements"]) -> int:
    """Elements of the completion: all and every intersection of down-sets of one element."""
    at_most = below | np.eye(len(below), dtype=bool)
    everything = (1 << len(below)) - 1
    cuts = {everything}
    for down in at_most.T:  # what is at most one element, as the bits of a number
        bits = sum(1 << int(one) for one in np.flatnonzero(down))
        cuts |= {bits & one for one in cuts}
        if len(cuts) > MOST:
            return -1
    return len(cuts)
