"""The predicate knows both answers; the figures of one draw are what Newton's method must give."""

from pathlib import Path

import pytest

from tests.answers import answers
from wavetrain.experiments.recurrences.para_rnn_iterations import Scale, claim, run
from wavetrain.train.lab import Lab

RIGHT = {"error_scale0.5": 1e-9, "error_scale4": 10.0, "missed": 0.0, "fallback": 0.0}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"error_scale0.5": 2e-3}, 0),
        ({"error_scale4": 1e-4}, 1),
        ({"missed": 1.0}, 2),
        ({"fallback": 0.1}, 3),
    ],
)
def test_predicates(changed: dict[str, float], wrong: int):
    assert answers(claim, RIGHT) == [True, True, True, True] and claim.holds(RIGHT) is True
    assert answers(claim, RIGHT | changed) == [part != wrong for part in range(4)]


def test_three_iterations_are_exact_on_three_steps(tmp_path: Path):
    """After k iterations the first k states are exact, however large the recurrent weights are."""
    three, four = (run(Scale(draws=2, time=time), Lab(tmp_path, seed=0)) for time in (3, 40))
    assert three["error_scale4"] < 1e-12 and three["residual_scale4"] < 1e-12 and three["lost_scale4"] == 0
    assert four["error_scale4"] > 1e-3 and four["residual_scale4"] > 1e-3
    assert four["error_scale0.5"] < four["error_scale2"]
    assert four["fallback"] == pytest.approx(0, abs=1e-9)
    assert answers(claim, four)[1:] == [True, True, True]
    assert answers(claim, three) == [True, False, True, True], "three steps need no more than three"
