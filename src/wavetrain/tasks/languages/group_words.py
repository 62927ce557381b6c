"""Group words: elements of a finite group; say the product so far.

Merrill, Petty and Sabharwal 2024, arXiv 2404.08819. How hard it is hangs on the group: commutative ones
(cyclic) need counters, solvable ones (S3, A4, S4) layers of counters, and A5 and S5 are complete for NC1
(Barrington 1989).

    x  (12) (13) (12)      y  (12) (123) (23)      in S3, each permutation applied after those before it

Elements are numbers, 0 is the neutral one. Every product is uniform, so guessing is right once in |G|: 1/6
for S3, 1/60 for A5.
"""

from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class Group:
    """A finite group: `table[a][b]` is the product a b; element 0 is neutral."""

    name: str
    table: tuple[tuple[int, ...], ...] = field(repr=False)

    def __post_init__(self) -> None:
        order = len(self.table)
        if order == 0 or any(len(row) != order for row in self.table):
            raise BadInput(f"group {self.name}: expected a square table")
        table, all_of_them = np.array(self.table), np.arange(order)
        latin = (np.sort(table, 0) == all_of_them[:, None]).all() and (np.sort(table, 1) == all_of_them).all()
        if not (latin and (table[0] == all_of_them).all() and (table[:, 0] == all_of_them).all()):
            raise BadInput(f"group {self.name}: expected each element once in each row and column, 0 neutral")
        if not all((table[table[a]] == table[a][table]).all() for a in all_of_them):  # (a b) c = a (b c)
            raise BadInput(f"group {self.name}: the product is not associative")

    def __len__(self) -> int:
        return len(self.table)


def cyclic(order: int) -> Group:
    """C_k: the numbers below k, added modulo k."""
    at_least("cyclic group", 1, order=order)
    return Group(f"C{order}", tuple(tuple((a + b) % order for b in range(order)) for a in range(order)))


def symmetric(points: int) -> Group:
    """S_n: all permutations of n points, in lexicographic order."""
    at_least("symmetric group", 1, points=points)
    return _permutations(f"S{points}", list(permutations(range(points))))


def alternating(points: int) -> Group:
    """A_n: the even permutations of n points, in lexicographic order."""
    at_least("alternating group", 1, points=points)
    return _permutations(f"A{points}", [one for one in permutations(range(points)) if _even(one)])


def _even(one: tuple[int, ...]) -> bool:
    return sum(a > b for place, a in enumerate(one) for b in one[place + 1 :]) % 2 == 0


def _permutations(name: str, elements: list[tuple[int, ...]]) -> Group:
    """The product a b applies a first, then b."""
    number = {element: place for place, element in enumerate(elements)}
    table = tuple(tuple(number[tuple(b[point] for point in a)] for b in elements) for a in elements)
    return Group(name, table)


S3, S4 = symmetric(3), symmetric(4)
A4, A5 = alternating(4), alternating(5)


@dataclass(frozen=True)
class GroupWords(Generated):
    """x (B, length) elements, y (B, length) products.

    >>> from wavetrain.tasks import GroupWords
    >>> x, y = GroupWords(length=5).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [2, 3, 5, 0, 1]
    >>> y[0].tolist()  # in S3, the default; 0 is the neutral element
    [2, 5, 0, 0, 1]
    """

    group: Group = S3
    length: int = 20

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("group words", 1, length=self.length)
        at_least("group words", 2, order=len(self.group))
        order = len(self.group)
        self.set_facts(inputs=order, outputs=order, chance=1 / order)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        table = torch.tensor(self.group.table)
        x = torch.randint(len(self.group), (batch, self.length), generator=generator)
        y, product = torch.empty_like(x), torch.zeros(batch, dtype=torch.long)
        for step in range(self.length):
            product = y[:, step] = table[product, x[:, step]]
        return Batch(x, y)
