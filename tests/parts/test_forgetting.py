"""What is lost over a series of tasks, by hand."""

import pytest

from wavetrain.errors import BadInput
from wavetrain.parts.forgetting import backward_transfer, forgetting, kept

AFTER = [[0.80, 0.1, 0.1], [0.90, 0.85, 0.1], [0.70, 0.80, 0.95]]


def test_by_hand():
    """The best of the first task came after the second, so forgetting is more than what was lost."""
    assert forgetting(AFTER) == pytest.approx(0.125, abs=1e-12)
    assert backward_transfer(AFTER) == pytest.approx(-0.075, abs=1e-12)
    assert kept(AFTER) == pytest.approx(2.45 / 3, abs=1e-12)


def test_a_triangle_says_the_same():
    triangle = [row[: task + 1] for task, row in enumerate(AFTER)]
    for measure in (forgetting, backward_transfer, kept):
        assert measure(triangle) == measure(AFTER)


def test_where_each_task_is_best_at_its_end_both_say_the_same():
    after = [[0.9], [0.6, 0.8], [0.5, 0.7, 0.9]]
    assert forgetting(after) == pytest.approx(-backward_transfer(after))


def test_one_task_alone_loses_nothing():
    assert (forgetting([[0.5]]), backward_transfer([[0.5]]), kept([[0.5]])) == (0.0, 0.0, 0.5)


def test_the_last_task_counts_only_for_what_is_kept():
    other = [*AFTER[:2], [0.70, 0.80, 0.05]]
    assert forgetting(other) == forgetting(AFTER) and backward_transfer(other) == backward_transfer(AFTER)
    assert kept(other) == pytest.approx(kept(AFTER) - 0.3)


@pytest.mark.parametrize("after", [[], [[0.1], [0.2]], [[]]])
def test_a_score_that_is_missing_is_refused(after: list[list[float]]):
    with pytest.raises(BadInput, match=r"after task i scores on at least i \+ 1 tasks, got rows of"):
        backward_transfer(after)
