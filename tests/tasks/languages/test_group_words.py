"""Group words: products by composing permutations; the groups are groups, and which are solvable."""

import math
from itertools import permutations

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.group_words import (
    A4,
    A5,
    S3,
    S4,
    Group,
    GroupWords,
    alternating,
    cyclic,
    symmetric,
)


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def even(one: tuple[int, ...]) -> bool:
    """By its cycles: an even permutation of n points has n less an even number of them."""
    cycles, left = 0, set(range(len(one)))
    while left:
        cycles, point = cycles + 1, left.pop()
        while one[point] in left:
            point = one[point]
            left.remove(point)
    return (len(one) - cycles) % 2 == 0


def closure(group: Group, generators: set[int]) -> set[int]:
    """The subgroup that some elements generate."""
    reached = {0}
    while more := {group.table[a][b] for a in reached for b in generators} - reached:
        reached |= more
    return reached


def solvable(group: Group) -> bool:
    """Whether commutators of commutators end at the neutral element."""
    inverse = [row.index(0) for row in group.table]
    subgroup = set(range(len(group)))
    while True:
        product = group.table
        commutators = {
            product[product[inverse[a]][inverse[b]]][product[a][b]] for a in subgroup for b in subgroup
        }
        below = closure(group, commutators)
        if below == subgroup:
            return len(below) == 1
        subgroup = below


def test_orders_and_which_are_solvable():
    groups = {"C6": cyclic(6), "S3": S3, "A4": A4, "S4": S4, "A5": A5}
    orders = {name: len(group) for name, group in groups.items()}
    assert orders == {"C6": 6, "S3": 6, "A4": 12, "S4": 24, "A5": 60}
    assert all(group.name == name for name, group in groups.items())
    assert [name for name, group in groups.items() if not solvable(group)] == ["A5"]
    assert len(alternating(3)) == 3 and alternating(3).table == cyclic(3).table


def test_a_swap_and_a_cycle_generate_s5():
    elements = list(permutations(range(5)))
    two = {elements.index((1, 0, 2, 3, 4)), elements.index((1, 2, 3, 4, 0))}
    assert len(closure(symmetric(5), two)) == 120


@pytest.mark.parametrize(("group", "points", "only_even"), [(S3, 3, False), (A4, 4, True), (A5, 5, True)])
def test_products_are_compositions(group: Group, points: int, only_even: bool):
    elements = [one for one in permutations(range(points)) if even(one) or not only_even]
    x, y = GroupWords(group, 12).draw(30, generator())
    for word, products in zip(x.tolist(), y.tolist(), strict=True):
        row = list(range(points))  # where each point has been carried
        for element, product in zip(word, products, strict=True):
            row = [elements[element][point] for point in row]
            assert elements[product] == tuple(row)


def test_the_example():
    elements = list(permutations(range(3)))
    swap, far = elements.index((1, 0, 2)), elements.index((2, 1, 0))  # (12) and (13)
    one = S3.table[swap][far]
    assert elements[one] == (1, 2, 0), "(123)"
    assert elements[S3.table[one][swap]] == (0, 2, 1), "(23)"


def test_cyclic_words_add():
    x, y = GroupWords(cyclic(7), 15).draw(30, generator())
    assert torch.equal(y, x.cumsum(1) % 7)


def test_halves_of_a_word_multiply():
    """The product of a word is that of its halves, so that a scan is the loop."""
    x, y = GroupWords(A5, 20).draw(200, generator())
    table = torch.tensor(A5.table)
    back = torch.zeros(200, dtype=torch.long)
    for step in range(10, 20):
        back = table[back, x[:, step]]
    assert torch.equal(table[y[:, 9], back], y[:, 19])


def test_products_are_uniform():
    task = GroupWords(S3, 8)
    y = task.draw(20_000, generator()).y
    share = torch.stack([(y == element).double().mean(0) for element in range(6)])
    assert (share - task.chance).abs().max() < 5 * math.sqrt(5 / 36 / 20_000) and task.chance == 1 / 6


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ((), "square"),
        (((0, 1),), "square"),
        (((0, 1), (1, 1)), "each element once"),
        (((1, 0), (0, 1)), "0 neutral"),
        (
            (
                (0, 1, 2, 3, 4),
                (1, 0, 3, 4, 2),
                (2, 4, 0, 1, 3),
                (3, 2, 4, 0, 1),
                (4, 3, 1, 2, 0),
            ),
            "not associative",
        ),
    ],
)
def test_what_is_no_group(table: tuple[tuple[int, ...], ...], message: str):
    with pytest.raises(BadInput, match=message):
        Group("none", table)


def test_bad_sizes():
    with pytest.raises(BadInput, match="order must be"):
        GroupWords(cyclic(1))
    with pytest.raises(BadInput, match="length must be"):
        GroupWords(length=0)


@pytest.mark.parametrize(
    ("make", "word"), [(cyclic, "order"), (symmetric, "points"), (alternating, "points")]
)
def test_the_least_group_has_one_element_and_none_is_refused_by_its_argument(make, word: str):
    assert len(make(1)) == 1
    with pytest.raises(BadInput, match=f"{word} must be a whole number of at least 1, got 0"):
        make(0)
