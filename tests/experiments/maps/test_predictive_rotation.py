"""The claim about rotating images: its predicate."""

import math

from wavetrain.experiments.maps import predictive_rotation as module


def test_predicate():
    holds = module.claim.holds
    assert holds({"error_trained": 0.1, "error_new": 0.3}) is True
    assert holds({"error_trained": 0.1, "error_new": 0.8}) is False
    assert holds({"error_trained": 0.1, "error_new": math.nan}) is False
    assert holds({"error_trained": 0.9, "error_new": 0.95}) is None
    assert holds({"error_trained": math.nan, "error_new": math.nan}) is None
