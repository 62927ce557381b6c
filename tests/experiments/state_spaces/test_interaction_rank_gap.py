"""The predicate of the interaction rank gap, and that inputs of all sizes are looked at."""

from wavetrain.experiments.state_spaces.interaction_rank_gap import claim

FIGURES = {
    "together_softmax_1": 1,
    "together_softmax_4": 4,
    "together_linear_1": 1,
    "rank_lru": 7,
    "predicted_lru": 7,
    "left_by_one_head_lru": 0.4,
}


def test_predicate():
    assert claim.holds(FIGURES) is True
    assert claim.holds(FIGURES | {"together_softmax_4": 3}) is True  # at most
    assert claim.holds(FIGURES | {"together_softmax_4": 5}) is False
    assert claim.holds(FIGURES | {"together_linear_1": 2}) is False
    assert claim.holds(FIGURES | {"rank_lru": 6}) is False
    assert claim.holds(FIGURES | {"rank_lru": 1, "predicted_lru": 1}) is False
    assert claim.holds(FIGURES | {"left_by_one_head_lru": 0.001}) is False
