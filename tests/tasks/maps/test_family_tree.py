"""Family tree: fifteen people, and relations that fit together."""

import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.tasks.maps.family_tree import RELATIONS, family_tree, relatives

FAMILY = relatives(3)
ALL = torch.arange(15)


def go(node: Tensor, *names: str) -> Tensor:
    for name in names:
        node = torch.where(node >= 0, FAMILY.successor[node, RELATIONS.index(name)], -1)
    return node


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("child 1", "parent"), ()),
        (("child 2", "parent"), ()),
        (("sibling", "sibling"), ()),
        (("grandparent",), ("parent", "parent")),
        (("uncle",), ("parent", "sibling")),
        (("niece 1",), ("sibling", "child 1")),
        (("niece 2",), ("sibling", "child 2")),
        (("niece 1", "parent"), ("sibling",)),
        (("niece 2", "uncle"), ()),
        (("cousin 1",), ("uncle", "child 1")),
        (("cousin 2",), ("uncle", "child 2")),
        (("cousin 1", "parent"), ("uncle",)),
    ],
)
def test_relations_fit_together(one: tuple[str, ...], other: tuple[str, ...]):
    first, second = go(ALL, *one), go(ALL, *other)
    there = first >= 0
    assert there.any() and torch.equal(first[there], second[there])


def test_who_has_which_relatives():
    assert FAMILY.nodes == 15
    assert [RELATIONS[k] for k in range(10) if FAMILY.successor[0, k] >= 0] == ["child 1", "child 2"]
    assert (go(ALL, "uncle") >= 0).tolist() == [False] * 3 + [True] * 12  # not where the parent is the root
    assert (go(ALL, "child 1") >= 0).tolist() == [True] * 7 + [False] * 8
    assert go(torch.tensor([3, 4, 7]), "cousin 2").tolist() == [6, 6, 10]
    # 14 parents, 14 children, 14 siblings, 12 grandparents, 12 uncles, 12 nieces, 24 cousins
    assert FAMILY.links == 14 + 14 + 14 + 12 + 12 + 12 + 24
    assert relatives(4).nodes == 31


def test_the_task_shows_ten_relations():
    task = family_tree(labels=45)
    assert task.inputs == 1 + 45 + 10 and task.outputs == 46
    with pytest.raises(BadInput, match="family tree: levels must be"):
        family_tree(0)


def test_defaults():
    """Three generations under one, which are 15 members; a label may stand at several of them."""
    task = family_tree()
    assert (task.length, task.labels, task.unique, len(task.world.successor)) == (64, 20, False, 15)
    assert family_tree(unique=True).unique
