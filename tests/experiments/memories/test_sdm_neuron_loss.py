"""What theory expects of fewer neurons, and the predicate."""

import dataclasses
import math

import pytest
from scipy import special

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


def test_predicate():
    assert claim.holds(WHOLE) is True
    assert claim.holds(WHOLE | {"completed_60": 0.1}) is True
    for wrong in ({"completed_50": 0.94}, {"right_90": 0.91}, {"theory_0": 1.03}):
        assert claim.holds(WHOLE | wrong) is False
