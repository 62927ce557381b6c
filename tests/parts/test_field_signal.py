"""The field of currents: by hand, its lag, and what is refused."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.parts.field_signal import field_signal


def test_excitatory_currents_count_six_milliseconds_later():
    dice = np.random.default_rng(0)
    e, i = dice.standard_normal((2, 3, 40, 2))
    for rate, lag in ((1000.0, 6), (500.0, 3)):
        found = field_signal(e, i, rate)
        assert found.shape == (3, 40 - lag, 2)
        assert found[1, 7, 1] == abs(e[1, 7, 1] - 1.65 * i[1, 7 + lag, 1])


def test_balanced_currents_that_do_not_change_cancel():
    assert not field_signal(np.full((10, 1), 1.65), np.ones((10, 1)), 1000.0).any()


@pytest.mark.parametrize(
    "time, rate, words",
    [(6, 1000.0, "got 6 at 1000 Hz"), (40, 250.0, "that whole, got 40 at 250 Hz"), (40, 50.0, "50 Hz")],
)
def test_a_lag_that_cannot_be_taken_is_refused(time, rate, words):
    with pytest.raises(BadInput, match=words):
        field_signal(np.zeros((time, 2)), np.zeros((time, 2)), rate)


def test_currents_of_two_shapes_are_refused():
    with pytest.raises(BadInput, match=r"one shape, got \(9, 2\) and \(9, 3\)"):
        field_signal(np.zeros((9, 2)), np.zeros((9, 3)), 1000.0)
