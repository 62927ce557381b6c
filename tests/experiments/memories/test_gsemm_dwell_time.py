"""Visits read from a path, the times of an ideal memory, and the predicate."""

import math

import numpy as np
import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.memories.gsemm_dwell_time import claim, starts, walk
from wavetrain.memories.general_sequential import Dynamics, GeneralSequential

WHOLE = {"worst_dwell": 0.1, "worst_first": 0.15, "in_order": 1.0, "moves_below": 0.0}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"in_order": 0.99}, 0),
        ({"worst_dwell": 0.21}, 1),
        ({"worst_dwell": math.nan}, 1),
        ({"worst_first": 0.21}, 2),
        ({"moves_below": 1.0}, 3),
    ],
)
def test_predicates(changed: dict[str, float], wrong: int):
    assert answers(claim, WHOLE) == [True] * 4 and claim.holds(WHOLE) is True
    assert answers(claim, WHOLE | changed) == [part != wrong for part in range(4)]
    assert claim.holds(WHOLE | changed) is False


def test_the_closed_form_itself_fulfils_all_parts():
    assert answers(claim, {"worst_dwell": 0, "worst_first": 0, "in_order": 1, "moves_below": 0}) == [True] * 4


def test_a_memory_that_never_moves_fulfils_none():
    still = dict.fromkeys(("worst_dwell", "worst_first", "in_order"), math.nan) | {"moves_below": 0.0}
    assert answers(claim, still) == [False, False, False, None] and claim.holds(still) is False


def test_visits_begin_where_the_nearest_memory_changes():
    np.testing.assert_array_equal(starts(np.array([2, 2, 0, 0, 0, 1])), [0, 2, 5])
    np.testing.assert_array_equal(starts(np.array([3])), [0])


def test_orthogonal_memories_are_walked_in_time():
    """Three of 4 units, A = 4, T_d = 60: 17.3 of the first, and then what a signal that comes round leaves.

    In a cycle of M, with q = exp(-D / T_d), A (1 - q)^2 = 1 - q^M: for M = 3 here q^2 + 5 q = 3.
    """
    rows = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1]]).double()
    memory = GeneralSequential(4, dynamics=Dynamics(1.0, 4.0, gain=1.0, gamma=100.0, slow=60.0)).double()
    held = -60 * math.log((37**0.5 - 5) / 2)
    (nearest,) = walk(memory, rows[None], 17.3 + 5.5 * 37)
    begins = starts(nearest)[:6]
    assert nearest[begins].tolist() == [0, 1, 2, 0, 1, 2]
    assert 0.1 * begins[1] == pytest.approx(-60 * math.log(3 / 4), abs=2)
    assert 0.1 * np.diff(begins)[-2:] == pytest.approx(held, abs=2)
