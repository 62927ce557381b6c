"""The predicate of worm_integration knows all three answers."""

import math

import pytest

from tests.answers import answers
from wavetrain.experiments.working_memory.worm_integration import claim

SEEN = {"effect_lstm": 0.02, "effect_transformer": 0.4, "right_lstm": 0.9, "right_transformer": 0.85}


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_predicate(name: str):
    assert claim.holds(SEEN) is True
    assert claim.holds(SEEN | {f"effect_{name}": 0.02 - 0.001}) is False
    got = answers(claim, SEEN | {f"effect_{name}": 0.02 - 0.001})
    assert got == [name != "lstm", name != "transformer"]
    assert claim.holds(SEEN | {f"effect_{name}": -0.5}) is False


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_where_one_has_not_learned_nothing_is_told(name: str):
    assert claim.holds(SEEN | {f"right_{name}": 0.85 - 0.001}) is None
    assert claim.holds(SEEN | {f"right_{name}": math.nan}) is None
    assert answers(claim, SEEN | {f"right_{name}": 0.5}) == [None, None]  # chance
