"""What an accuracy matrix is boiled down to: by hand, and identities that hold for every matrix."""

import math

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.parts.accuracy_matrix import AccuracyMatrix

AFTER = np.array([[0.80, 0.1, 0.2], [0.90, 0.85, 0.3], [0.70, 0.80, 0.95]])


def drawn(tasks: int, seed: int) -> AccuracyMatrix:
    return AccuracyMatrix(np.random.default_rng(seed).random((tasks, tasks)))


def test_by_hand():
    found = AccuracyMatrix(AFTER, np.array([0.5, 0.05, 0.1]), np.array([0.6, 0.45]))
    assert found.average == pytest.approx(2.45 / 3)
    assert found.backward == pytest.approx(-0.075)
    assert found.forgetting == pytest.approx(0.125)  # the first task was best after the second
    assert found.forward == pytest.approx((0.1 - 0.05 + 0.3 - 0.1) / 2)
    assert found.learned == pytest.approx(2.6 / 3)
    assert found.anytime == pytest.approx((0.8 + 0.875 + 2.45 / 3) / 3)
    assert found.gap == pytest.approx((0.8 - 0.6 + 0.9 - 0.45) / 2)


@pytest.mark.parametrize("tasks", [1, 2, 5, 10])
def test_identities(tasks: int):
    """T ACC = sum of the diagonal + (T - 1) BWT; forgetting is never below what backward transfer loses."""
    for seed in range(20):
        one = drawn(tasks, seed)
        assert tasks * one.average == pytest.approx(tasks * one.learned + (tasks - 1) * one.backward)
        assert one.forgetting >= -one.backward - 1e-12


def test_where_each_task_is_best_at_its_end_both_say_the_same():
    one = AccuracyMatrix(np.array([[0.9, 0.1, 0.1], [0.6, 0.8, 0.1], [0.5, 0.7, 0.9]]))
    assert one.forgetting == pytest.approx(-one.backward)


def test_a_network_that_is_frozen_loses_nothing():
    one = drawn(4, 0).frozen()
    assert one.backward == 0 and one.forgetting == 0
    assert one.average == pytest.approx(drawn(4, 0).after[0].mean())
    assert one.average == pytest.approx(one.learned)


def test_one_task_alone():
    one = AccuracyMatrix(np.array([[0.7]]), np.array([0.1]), np.array([]))
    assert (one.backward, one.forgetting, one.forward, one.gap) == (0, 0, 0, 0)
    assert one.average == one.learned == one.anytime == 0.7


def test_what_was_not_looked_for_is_nan():
    assert math.isnan(drawn(3, 0).forward) and math.isnan(drawn(3, 0).gap)


def test_words_and_back():
    one = AccuracyMatrix(AFTER, np.array([0.5, 0.05, 0.1]))
    two = AccuracyMatrix.of_words(one.words())
    assert np.array_equal(two.after, AFTER) and np.array_equal(two.untrained, one.untrained)
    assert two.lowest is None


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((np.zeros((2, 3)),), "a square matrix of scores"),
        ((np.zeros((0, 0)),), "a square matrix of scores"),
        ((AFTER, np.zeros(2)), "expected 3 scores of the untrained network, got"),
        ((AFTER, None, np.zeros(3)), "expected 2 lowest scores after a change of task, got"),
    ],
)
def test_other_shapes_are_refused(parts: tuple[np.ndarray, ...], said: str):
    with pytest.raises(BadInput, match=said):
        AccuracyMatrix(*parts)
