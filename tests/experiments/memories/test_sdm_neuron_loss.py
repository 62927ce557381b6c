"""What theory expects of fewer neurons, and the predicate."""

import dataclasses
import math

import pytest
from scipy import special

from tests.answers import answers
from wavetrain.experiments.memories.sdm_neuron_loss import DEAD, claim, expected, small
from wavetrain.parts import balls

WHOLE = {f"{what}_{dead}": 0.97 for what in ("right", "theory", "completed") for dead in DEAD}


def test_fewer_neurons_are_a_smaller_memory():
    half = dataclasses.replace(small, neurons=small.neurons // 2)
    assert expected(small, 0.5) == pytest.approx(expected(half, 1.0))
    falling = [expected(small, 1 - dead / 100) for dead in DEAD]
    assert falling == sorted(falling, reverse=True) and falling[0] > 0.95 and falling[-1] > 0.5


def test_expected_is_what_the_formula_says_of_the_neurons_that_are_left():
    wrong, neurons = 20, small.neurons // 2
    shared, p = balls.circle(small.size, small.radius)[wrong], balls.fraction(small.size, small.radius)
    signal = neurons * (shared / 2**small.size)
    near = math.comb(small.size - 1, small.radius) / 2**small.size
    echo = small.patterns * neurons * near**2
    noise = math.sqrt(small.patterns * neurons * p**2 * (1 + p**2 * neurons))
    right = special.ndtr((signal + echo) / noise), special.ndtr((signal - echo) / noise)
    both = ((small.size - wrong) * right[0] + wrong * right[1]) / small.size
    assert expected(dataclasses.replace(small, wrong=wrong), 0.5) == pytest.approx(both)


def test_it_is_filled_to_a_fifth():
    share = balls.fraction(small.size, small.radius)
    assert small.patterns / balls.capacity(small.size, small.neurons, share) == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True]),
        ({"completed_60": 0.1}, [True, True]),
        ({"completed_50": 0.94}, [False, True]),
        ({"completed_0": 0.94}, [False, True]),
        ({"right_90": 0.91}, [True, False]),
        ({"theory_0": 1.03}, [True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, WHOLE | changed) == parts and claim.holds(WHOLE | changed) is all(parts)


@pytest.mark.parametrize(("completed", "right", "answer"), [(1.0, None, True), (0.0, 0.5, False)])
def test_theory_fulfils_both_parts_and_an_empty_memory_none(
    completed: float, right: float | None, answer: bool
):
    told = {f"theory_{dead}": expected(small, 1 - dead / 100) for dead in DEAD}
    told |= {f"right_{dead}": told[f"theory_{dead}"] if right is None else right for dead in DEAD}
    told |= {f"completed_{dead}": completed for dead in DEAD}
    assert answers(claim, told) == [answer, answer]
