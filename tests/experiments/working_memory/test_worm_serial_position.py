"""The predicate of worm_serial_position knows all three answers."""

import math

from wavetrain.experiments.working_memory.worm_serial_position import claim

SEEN = {
    "primacy_lstm": 0.4,
    "recency_lstm": 0.2,
    "primacy_transformer": 0.1,
    "recency_transformer": 0.3,
    "recall_lstm": 0.81,
    "recall_transformer": 0.8,
}


def test_predicate():
    assert claim.holds(SEEN) is True
    assert claim.holds(SEEN | {"recency_lstm": 0.09}) is False
    assert claim.holds(SEEN | {"primacy_lstm": 0.0}) is False
    assert claim.holds(SEEN | {"recency_transformer": 0.6}) is False


def test_below_the_level_nothing_is_told():
    assert claim.holds(SEEN | {"recall_transformer": 0.79}) is None
    assert claim.holds(SEEN | {"recall_lstm": math.nan}) is None
