"""What the measures of the circuit say where it is known, and each part on either side."""

import math

import numpy as np
import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.experiments.memories._tones import (
    RIVALS,
    Course,
    Rival,
    chosen,
    law,
    moved,
    presentations,
    trained,
)
from wavetrain.experiments.memories.cerebellum_circuit import LOADS, RADII, _apart, _fits, claim, small

WHOLE = {f"same_{radius}_{load}": 1.0 for radius in RADII for load in LOADS}
WHOLE |= {"outside": 0.0, "law": 1e-9}
for _tones, _few in {"apart": 0.05, "alike": 0.2}.items():
    WHOLE |= {f"moved_few_{_tones}": _few, f"moved_many_{_tones}": 0.8, f"moved_trained_{_tones}": 3 * _few}
WHOLE |= {"arcsine": 0.005, "straight_half": 0.9995, "exponent_half": 0.99, "beta_half": 0.8}
WHOLE |= {"straight_116": 0.93, "exponent_116": 0.945, "beta_116": 4.0}
WHOLE |= {"straight_112": 0.85, "exponent_112": 0.93, "beta_112": 6.0}


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        ({}, set()),
        ({"same_middle_loaded": 0.9999}, {0}),
        ({"outside": 1.0}, {1}),
        ({"law": 2e-6}, {1}),
        ({"moved_few_apart": 0.11, "moved_trained_apart": 0.4}, {2}),
        ({"moved_trained_apart": 0.14}, {3}),
        ({"moved_many_alike": 0.59}, {3}),
        ({"moved_trained_alike": math.nan}, {3}),
        ({"arcsine": 0.011}, {4}),
        ({"straight_half": 0.998, "exponent_half": 0.98}, {4}),
        ({"exponent_half": 0.9996}, {5}),
        ({"exponent_112": 0.84}, {5}),
        ({"straight_112": 0.935, "exponent_112": 0.99}, {5}),
        ({"beta_112": 2.0}, {5}),
    ],
)
def test_each_part_on_either_side(change: dict[str, float], fails: set[int]):
    assert answers(claim, WHOLE | change) == [part not in fails for part in range(6)]


def test_the_exact_count_of_shared_addresses_is_a_line_and_then_an_exponential():
    known = exact_answers("cerebellum_circuit")
    assert known[4:] == [True, True] and known[:4] == [None] * 4


def test_fits_tell_a_line_from_an_exponential():
    cosine = 1 - 2 * np.array(_apart(small)) / small.bits
    assert cosine[0] == 1 and cosine[-1] == -1
    line, curve = _fits("a", small, 2 + cosine), _fits("b", small, np.exp(3 * cosine))
    assert line["straight_a"] == pytest.approx(1) and line["exponent_a"] < 0.9999
    assert curve["exponent_b"] == pytest.approx(1) and curve["beta_b"] == pytest.approx(3)
    assert math.isnan(_fits("c", small, 0 * cosine)["straight_c"])


def answered(*phases: list[tuple[float, float]]) -> Course:
    """Answers of one pair of tones."""
    return Course(torch.tensor(phases, dtype=torch.float64).unsqueeze(2))


def test_a_tone_is_learned_when_it_stays_near():
    course = answered(
        [(0.0, 0.0), (1.0, -0.9), (1.0, -0.5), (1.0, -0.9)],  # near, away, near: three
        [(1.0, -0.9), (1.0, -0.1), (1.0, 0.1), (1.0, 0.0)],
        [(1.0, 0.9), (0.9, 0.9), (0.8, 1.1), (0.7, 1.0)],
    )
    assert presentations(course) == [3, 1, 0]
    assert moved(course) == pytest.approx(0.3)
    never = answered(*[[(0.0, 5.0)] * 3 + [(0.0, math.nan)]] * 3)
    assert presentations(never) == [4, 4, 4]


def test_the_law_is_of_shared_cells():
    course = answered([(0.0, 0.0)] * 2, [(1.0, -1.0), (1.25, 0.0)], [(1.25, 0.0), (1.5, 1.0)])
    assert law(course, torch.tensor([0.25])) == pytest.approx(0)
    assert law(course, torch.tensor([0.5])) == pytest.approx(0.25)


def test_backpropagation_learns_tones_and_its_rate_is_chosen_by_how_fast():
    tones = torch.randn(3, 2, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    slow = trained(tones, 50, 20, Rival("sgd", 0.1), 0)
    assert slow.answers.shape == (3, 21, 3, 2) and not slow.answers[0, 0].any()
    torch.testing.assert_close(slow.answers[0, -1], slow.answers[1, 0])
    rival = chosen(tones, 50, 20, 0)
    best = trained(tones, 50, 20, rival, 0)
    assert rival in RIVALS and sum(presentations(best)) <= sum(presentations(slow))
    assert sum(presentations(best)) < 3 * 10
