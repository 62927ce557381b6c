"""Intervals: the ranks of the theory, no width from too few errors, and the coverage they promise."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.conformal import half_width, needed, rank


def test_the_rank_counts_the_new_error_too():
    assert half_width(np.arange(1.0, 10.0), 0.9) == 9.0  # a plain quantile says 8.2
    assert half_width(np.arange(1.0, 9.0), 0.9) == np.inf and needed(0.9) == 9
    assert needed(0.5) == 1 and needed(0.4) == 1 and needed(0.75) == 3
    assert rank(99, 0.55) == 55  # 100 * 0.55 is 55.00000000000001 in floats


def test_each_place_has_a_width_of_its_own():
    """A ramp forecast by its last value errs by h at step h."""
    errors = np.tile(np.arange(1.0, 6.0), (50, 1))
    assert half_width(errors, 0.9).tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_errors_that_were_not_measured_do_not_count():
    assert half_width(np.array([2.0, np.nan]), 0.5) == 2.0  # one is enough
    errors = np.r_[np.arange(1.0, 10.0), np.full(20, np.nan)]
    assert half_width(errors, 0.9) == 9.0
    assert half_width(np.full((5, 2), np.nan), 0.5).tolist() == [np.inf, np.inf]
    assert half_width(np.zeros((0, 3)), 0.5).tolist() == [np.inf] * 3


def test_the_coverage_is_that_asked_for():
    dice = np.random.default_rng(0)
    draws = np.abs(dice.normal(size=(20, 4000)))
    covered = draws[19] <= half_width(draws[:19], 0.9)
    assert abs(covered.mean() - 0.9) < 0.02


@pytest.mark.parametrize("coverage", [0.0, 1.0, 1.5, 90.0])
def test_a_coverage_outside_0_and_1_is_refused(coverage: float):
    with pytest.raises(BadInput, match="coverage between 0 and 1"):
        half_width(np.ones(3), coverage)
