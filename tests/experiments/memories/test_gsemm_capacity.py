"""Memories that are all different, transitions that are right or wrong, and the predicate."""

import math

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.memories.gsemm_capacity import KINDS, claim, distinct, followed
from wavetrain.memories.general_sequential import GeneralSequential

WHOLE = {
    "bits_per_unit_dsem": 0.4,
    "bits_per_unit_proportional": 0.11,
    "largest_share_dsem": 30.0,
    "largest_share_lisem": 0.2,
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"bits_per_unit_dsem": 0.21}, 0),
        ({"largest_share_dsem": 0.9}, 1),
        ({"largest_share_lisem": 0.3}, 2),
    ],
)
def test_predicates(changed: dict[str, float], wrong: int):
    assert answers(claim, WHOLE) == [True] * 3 and claim.holds(WHOLE) is True
    assert answers(claim, WHOLE | changed) == [part != wrong for part in range(3)]
    assert claim.holds(WHOLE | changed) is False


def test_nothing_is_decided_where_a_capacity_was_not_found():
    """As where all transitions are wrong, or all right, whatever is stored."""
    assert answers(claim, WHOLE | {"capacity_dsem_18": math.nan}) == [None] * 3
    assert answers(claim, WHOLE | {"largest_share_dsem": 0.1, "capacity_lisem_50": math.nan}) == [None] * 3


def test_memories_are_different():
    """Half of all that there are, too."""
    for count, size in ((32, 6), (5, 40)):
        rows = distinct(3, count, size, torch.Generator().manual_seed(1))
        assert rows.shape == (3, count, size) and (rows.abs() == 1).all()
        assert all(len(torch.unique(draw, dim=0)) == count for draw in rows)
        assert not torch.equal(rows[0], rows[1])


@pytest.mark.parametrize("name", KINDS)
def test_few_memories_are_all_followed(name: str):
    patterns = distinct(2, 4, 100, torch.Generator().manual_seed(1))
    assert followed(GeneralSequential(100, KINDS[name]), patterns, 4) == 1


def test_a_memory_that_stays_is_not_followed():
    """It is left after 4.6; only 2 are watched."""
    memory = GeneralSequential(100)
    patterns = distinct(2, 4, 100, torch.Generator().manual_seed(1))
    memory.first_dwell = memory.dwell = lambda: 1.0  # type: ignore[method-assign]
    assert followed(memory, patterns, 4) == 0


def test_another_memory_met_first_is_wrong():
    """a, b, and a with one of 60 signs changed: from a the third is met at once, the two others go right."""
    a, b = distinct(1, 2, 60, torch.Generator().manual_seed(1))[0]
    near = a.clone()
    near[0] *= -1
    share = followed(GeneralSequential(60), torch.stack([a, b, near])[None], 3)
    assert share == pytest.approx(2 / 3)
