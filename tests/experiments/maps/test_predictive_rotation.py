"""The claim about rotating images: its predicate, and what no error and standing still come to."""

import math

from tests.answers import answers
from tests.promises import normal
from wavetrain.experiments.maps import predictive_rotation as module


def test_predicate():
    holds = module.claim.holds
    assert holds({"error_trained": 0.1, "error_new": 0.3}) is True
    assert holds({"error_trained": 0.1, "error_new": 0.8}) is False
    assert holds({"error_trained": 0.1, "error_new": math.nan}) is False
    assert holds({"error_trained": 0.9, "error_new": 0.95}) is None
    assert holds({"error_trained": math.nan, "error_new": math.nan}) is None


def test_the_exact_answer_and_the_present_frame():
    still, truth = normal(2, 5, 9), normal(2, 5, 9, seed=2)
    for answer, expected in ((truth, [True]), (still, [None])):
        error = module._share(answer, truth, still)
        assert answers(module.claim, {"error_trained": error, "error_new": error}) == expected
