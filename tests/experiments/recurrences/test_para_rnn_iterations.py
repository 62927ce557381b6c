"""The predicate knows both answers; the figures of one draw are what Newton's method must give."""

from pathlib import Path

import pytest

from wavetrain.experiments.recurrences.para_rnn_iterations import Scale, claim, run
from wavetrain.train.lab import Lab


def test_predicate():
    right = {"error_scale0.5": 1e-9, "error_scale4": 10.0, "missed": 0.0, "fallback": 0.0}
    assert claim.holds(right) is True
    assert claim.holds(right | {"error_scale0.5": 2e-3}) is False
    assert claim.holds(right | {"error_scale4": 1e-4}) is False
    assert claim.holds(right | {"missed": 1.0}) is False
    assert claim.holds(right | {"fallback": 0.1}) is False


def test_three_iterations_are_exact_on_three_steps(tmp_path: Path):
    """After k iterations the first k states are exact, however large the recurrent weights are."""
    three, four = (run(Scale(draws=2, time=time), Lab(tmp_path, seed=0)) for time in (3, 40))
    assert three["error_scale4"] < 1e-12 and three["residual_scale4"] < 1e-12 and three["lost_scale4"] == 0
    assert four["error_scale4"] > 1e-3 and four["residual_scale4"] > 1e-3
    assert four["error_scale0.5"] < four["error_scale2"]
    assert four["fallback"] == pytest.approx(0, abs=1e-9)
