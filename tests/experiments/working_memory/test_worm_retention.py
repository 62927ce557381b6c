"""The predicate of worm_retention knows all three answers, and what people lose."""

import math

import numpy as np
import pytest

from tests.answers import answers
from wavetrain.experiments.working_memory.worm_retention import LOST, PEOPLE, _recency, claim

SEEN = {
    **{"lost_lstm": 0.05, "lost_transformer": -0.1, "right_lstm": 0.75, "right_transformer": 0.8},
    **{"recency_lstm": 0.06, "recency_transformer": 0.2},
}


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_predicate(name: str):
    assert claim.holds(SEEN) is True
    assert claim.holds(SEEN | {f"lost_{name}": 0.06, f"recency_{name}": 0.06}) is False
    assert claim.holds(SEEN | {f"lost_{name}": 0.06, f"recency_{name}": 0.05}) is True
    got = answers(claim, SEEN | {f"lost_{name}": 0.06, f"recency_{name}": 0.06})
    assert got == [name != "lstm", name != "transformer"]
    assert claim.holds(SEEN | {f"right_{name}": 0.74}) is None
    assert claim.holds(SEEN | {f"right_{name}": math.nan}) is None


def test_people_show_both():
    lost = _recency(np.array(PEOPLE[0])) - _recency(np.array(PEOPLE[5]))
    assert lost == pytest.approx(0.127, abs=5e-4) and lost >= LOST
    assert _recency(np.array(PEOPLE[0])) == pytest.approx(0.157, abs=5e-4)
    people = {"lost_lstm": lost, "recency_lstm": _recency(np.array(PEOPLE[0]))}
    assert answers(claim, SEEN | people) == [False, True]  # the pattern that is not found
