"""Adding by waves: the predicate on either side of its limits, and what counts as solved."""

import dataclasses

import pytest

from wavetrain.evidence.claims import Measured
from wavetrain.experiments.waves.wave_rnn_adding import SOLVED, claim, full, small

SCALE = dataclasses.replace(small, lengths=(50,))
BOTH = {"wave_length50": 100, "identity_length50": 1000, "r2_wave_length50": 0.8, "r2_identity_length50": 0.8}


def answer(**changes: float) -> bool | None:
    (part,) = claim.parts
    return part.holds(Measured(BOTH | changes, SCALE))


def test_predicate():
    assert answer() is True
    assert answer(identity_length50=999) is False, "there too soon"
    assert answer(identity_length50=999, r2_identity_length50=0.0) is None, "given up too soon"
    assert answer(r2_identity_length50=0.0) is True
    assert answer(r2_wave_length50=0.69) is False, "the identity RNN alone has learned"


def test_at_chance_nobody_can_tell():
    assert answer(r2_wave_length50=0.0, r2_identity_length50=0.0) is None


def test_perfect_sums_refute_nothing():
    assert answer(r2_wave_length50=1.0) is True
    assert answer(r2_wave_length50=1.0, r2_identity_length50=1.0) is True


def test_the_published_table():
    """What was not solved in 60,000 iterations has an R² of 0."""
    figures: dict[str, float] = {}
    for name, value in claim.published.items():
        solved = isinstance(value, int)
        figures |= {name: value if isinstance(value, int) else 60_000, f"r2_{name}": 0.99 if solved else 0.0}
    assert claim.holds(Measured(figures, full)) is True
    assert claim.holds(Measured(figures | {"wave_length100": 1401}, full)) is False
    assert claim.holds(Measured(figures | {"r2_wave_length1000": 0.0}, full)) is None


def test_solved_means_the_published_error():
    """R² 0.7 is a mean squared error of 0.05, since the sum of two uniform numbers has variance 1/6."""
    assert pytest.approx(0.05) == (1 - SOLVED) / 6
