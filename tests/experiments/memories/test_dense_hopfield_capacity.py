"""The predicate on the capacity of dense memories, part by part."""

from wavetrain.experiments.memories.dense_hopfield_capacity import claim

WHOLE = {
    "slope_2": 1.0,
    "slope_3": 2.34,
    "slope_4": 2.66,
    "rate_exp": 0.5,
    "proven_exp": 0.347,
    "line_exp": 0.05,
    "power_exp": 0.3,
    "rate_softmax": 0.7,
    "proven_softmax": 0.12,
    "line_softmax": 0.05,
    "power_softmax": 0.4,
    "error_one": 0.009,
}


def test_predicate():
    assert claim.holds(WHOLE) is True
    for wrong in (
        {"slope_2": 1.4},
        {"slope_4": 2.6},
        {"rate_exp": 0.3},
        {"line_exp": 0.4},
        {"rate_softmax": 0.1},
        {"power_softmax": 0.01},
        {"error_one": 0.02},
    ):
        assert claim.holds(WHOLE | wrong) is False
