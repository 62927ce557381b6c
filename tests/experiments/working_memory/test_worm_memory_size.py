"""The predicate of worm_memory_size knows all three answers."""

import math

from tests.answers import answers
from wavetrain.experiments.working_memory.worm_memory_size import claim

SEEN = {"effect_lstm_narrow": 0.5, "effect_lstm_wide": 0.2, "right_lstm_wide": 0.9, "right_lstm_narrow": 0.8}


def test_predicate():
    assert claim.holds(SEEN) is True
    assert claim.holds(SEEN | {"effect_lstm_wide": 0.6}) is False
    assert claim.holds(SEEN | {"effect_lstm_wide": 0.01}) is False
    assert answers(claim, SEEN | {"effect_lstm_wide": 0.5}) == [False, True]
    assert answers(claim, SEEN | {"effect_lstm_wide": 0.019}) == [True, False]
    for width in ("narrow", "wide"):
        assert claim.holds(SEEN | {f"right_lstm_{width}": 0.8 - 0.001}) is None
        assert claim.holds(SEEN | {f"right_lstm_{width}": math.nan}) is None
