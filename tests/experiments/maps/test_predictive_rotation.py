"""The claim about rotating images: its predicate, and what no error and standing still come to."""

import math

import pytest

from tests.answers import answers, exact_answers
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


def test_turning_each_frame_meets_the_limit_and_turning_it_back_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("predictive_rotation") == [True]
    rule = module.turned
    monkeypatch.setattr(module, "turned", lambda x, degrees: rule(x, -degrees))
    assert exact_answers("predictive_rotation") == [None]  # it misses the bound on known images too
