"""What theory expects of fewer neurons, and the predicate."""

import dataclasses

import pytest

from wavetrain import balls
from wavetrain.experiments.sdm_neuron_loss import DEAD, claim, expected, small

WHOLE = {f"{what}_{dead}": 0.97 for what in ("right", "theory", "completed") for dead in DEAD}


def test_fewer_neurons_are_a_smaller_memory():
    half = dataclasses.replace(small, neurons=small.neurons // 2)
    assert expected(small, 0.5) == pytest.approx(expected(half, 1.0))
    falling = [expected(small, 1 - dead / 100) for dead in DEAD]
    assert falling == sorted(falling, reverse=True) and falling[0] > 0.95 and falling[-1] > 0.5


def test_at_the_critical_distance_reading_leaves_as_many_wrong_bits():
    """Up to it fewer bits are wrong after a read than before, and at the next one more."""
    many = balls.critical_distance(small.size, small.neurons, small.patterns, small.radius, echo=True)
    for wrong, better in ((many, True), (many + 1, False)):
        scale = dataclasses.replace(small, wrong=wrong)
        assert (small.size * (1 - expected(scale, 1.0)) < wrong) is better


def test_it_is_filled_to_a_fifth():
    share = balls.fraction(small.size, small.radius)
    assert small.patterns / balls.capacity(small.size, small.neurons, share) == pytest.approx(0.2, abs=0.01)


def test_predicate():
    assert claim.holds(WHOLE) is True
    assert claim.holds(WHOLE | {"completed_60": 0.1}) is True
    for wrong in ({"completed_50": 0.94}, {"right_90": 0.91}, {"theory_0": 1.03}):
        assert claim.holds(WHOLE | wrong) is False
