"""The predicate on the capacity of dense memories, part by part."""

import math

import numpy as np
import pytest
from scipy import special

from tests.answers import answers
from wavetrain.experiments.memories.dense_hopfield_capacity import POWERS, _line, claim, small

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


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"slope_2": 1.4}, 0),
        ({"slope_3": 1.6}, 0),
        ({"slope_4": 2.6}, 0),
        ({"rate_exp": 0.3}, 1),
        ({"line_exp": 0.4}, 1),
        ({"rate_softmax": 0.1}, 2),
        ({"power_softmax": 0.01}, 2),
        ({"error_one": 0.02}, 3),
    ],
)
def test_predicates(changed: dict[str, float], wrong: int):
    assert answers(claim, WHOLE) == [True] * 4 and claim.holds(WHOLE) is True
    assert answers(claim, WHOLE | changed) == [part != wrong for part in range(4)]
    assert claim.holds(WHOLE | changed) is False


def test_closed_forms_fulfil_all_parts():
    """Powers hold N^(n-1) / ((2 n - 3)!! z^2); exp makes noise of K cosh(2)^N beside a signal of exp(2 N)."""
    exact = {"error_one": 0.0}
    noise = np.array([float(special.ndtri(0.5 ** (1 / size))) ** 2 for size in small.sizes])
    for n in POWERS:
        held = np.array(small.sizes, dtype=float) ** (n - 1) / (special.factorial2(2 * n - 3) * noise)
        exact[f"slope_{n}"] = _line(np.log(small.sizes), np.log(held * noise))[0]
    held = [math.exp(size * (2 - math.log(math.cosh(2)))) for size in small.bits]
    exact["rate_exp"], exact["line_exp"] = _line(np.array(small.bits, dtype=float), np.log(held))
    exact["power_exp"] = _line(np.log(small.bits), np.log(held))[1]
    exact["proven_exp"] = math.log(2) / 2
    assert answers(claim, WHOLE | exact) == [True] * 4


def test_a_memory_that_holds_one_pattern_whatever_its_size_fulfils_none():
    flat = dict.fromkeys(WHOLE, 0.0) | {"proven_exp": 0.347, "proven_softmax": 0.12, "error_one": 1.0}
    assert answers(claim, flat) == [False] * 4
