"""Family tree: go from one relative to another, and say who it is.

Whittington et al. 2020, Cell 183:1249. People are the labels of a binary tree, new for each sequence; a step
names a relation, and the label of that relative is asked where it was met before. Node i has the children
2i + 1 and 2i + 2; a niece is a child of the sibling, an uncle the sibling of the parent, a cousin a child of
the uncle. The way to a grandparent has no way back, and the root has nobody but children.

    person    A        B        C        A ...
    relation  parent   child 2  sibling  cousin 1 ...
    y         -        -        A        - ...      - (class 0) is not asked

`levels` generations live under the root: 15 people for 3. All relatives of a person are as likely to be next.
"""

import torch

from wavetrain.parts import worlds
from wavetrain.tasks._draws import at_least
from wavetrain.tasks.maps._shared import Walking

RELATIONS = (
    *("parent", "child 1", "child 2", "sibling", "grandparent", "uncle"),
    *("niece 1", "niece 2", "cousin 1", "cousin 2"),
)


def relatives(levels: int) -> worlds.World:
    """Who stands in which relation to whom."""
    nodes = 2 ** (levels + 1) - 1

    def child(node: int, which: int) -> int:
        below = 2 * node + which
        return below if node >= 0 and below < nodes else -1

    def parent(node: int) -> int:
        return (node - 1) // 2 if node > 0 else -1

    def sibling(node: int) -> int:
        return (node + 1 if node % 2 else node - 1) if node > 0 else -1

    rows = [
        (
            *(parent(node), child(node, 1), child(node, 2), sibling(node)),
            *(parent(parent(node)), sibling(parent(node))),
            *(child(sibling(node), which) for which in (1, 2)),
            *(child(sibling(parent(node)), which) for which in (1, 2)),
        )
        for node in range(nodes)
    ]
    return worlds.World(torch.tensor(rows), RELATIONS, worlds.layers(2, levels))


def family_tree(levels: int = 3, length: int = 64, labels: int = 20, unique: bool = False) -> Walking:
    """Sequences of `length` relations in a family of `levels` generations under one; see `Walking`.

    >>> from wavetrain.tasks import family_tree
    >>> task = family_tree(levels=2, length=8)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> x[0, :, :21].argmax(-1).tolist()  # who is met
    [1, 5, 14, 8, 5, 20, 1, 4]
    >>> y[0].tolist()  # who is met next; 0 is not asked
    [0, 0, 0, 5, 0, 1, 0, 14]
    """
    at_least("family tree", 1, levels=levels)
    return Walking(relatives(levels), length, labels, unique=unique)
