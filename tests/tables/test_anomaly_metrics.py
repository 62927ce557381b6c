"""The plain score counts rows; what is adjusted says so; a window is met best at its beginning."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from wavetrain.errors import BadInput
from wavetrain.tables.anomaly_metrics import (
    FEW_FALSE_ALARMS,
    FEW_MISSES,
    STANDARD,
    point_adjusted,
    pointwise,
    stretches,
    windowed,
)


def at(rows: int, *places: int) -> np.ndarray:
    marked = np.zeros(rows, bool)
    marked[list(places)] = True
    return marked


def test_rows_are_counted_as_scikit_learn_counts_them():
    dice = np.random.default_rng(0)
    truth, alarm = dice.random((2, 300)) < 0.2
    found = pointwise(truth=truth, alarm=alarm)
    precision, recall, f1, _ = precision_recall_fscore_support(truth, alarm, average="binary")
    assert (found.precision, found.recall, found.f1) == pytest.approx((precision, recall, f1))
    assert (found.rows, found.labelled, found.alarms) == (300, truth.sum(), alarm.sum())


def test_without_alarms_or_labels():
    some, none = at(10, 3), at(10)
    assert pointwise(truth=some, alarm=none).f1 == pointwise(truth=some, alarm=none).precision == 0
    assert np.isnan(pointwise(truth=none, alarm=some).f1) and pointwise(truth=none, alarm=some).precision == 0


def test_random_alarms_stay_low_in_the_headline_and_only_there():
    """Five stretches of 200 rows in 10,000, and 1 % of all rows drawn at random."""
    truth = np.zeros(10_000, bool)
    for first in range(1000, 10_000, 2000):
        truth[first : first + 200] = True
    alarm = np.random.default_rng(0).random(10_000) < 0.01
    plain, adjusted = pointwise(truth=truth, alarm=alarm), point_adjusted(truth=truth, alarm=alarm)
    assert plain.f1 < 0.05 and plain.name == "point-wise"
    assert adjusted.f1 > 0.8 and adjusted.name == "point-adjusted" and "point-adjusted" in str(adjusted)


def test_an_adjusted_stretch_is_found_whole_or_not_at_all():
    truth = at(10, 1, 2, 3, 7, 8)
    found = point_adjusted(truth=truth, alarm=at(10, 2, 5))
    assert (found.precision, found.recall, found.alarms) == (3 / 4, 3 / 5, 4)
    for edge in (1, 3):
        assert point_adjusted(truth=truth, alarm=at(10, edge)).alarms == 3


def test_the_first_alarm_of_a_window_counts_and_the_earlier_the_better():
    score = [windowed(alarm=at(100, first), windows=[(40, 59)]) for first in (40, 45, 50, 55, 59)]
    assert score[0] == 100 and all(np.diff(score) < 0) and score[-1] > 50
    assert windowed(alarm=at(100, 45, 50, 55), windows=[(40, 59)]) == score[1]
    middle = (2 / (1 + np.exp(-2.5)) - 1) / (2 / (1 + np.exp(-5)) - 1)
    assert score[2] == pytest.approx(100 * (1 + middle) / 2)  # s(-1/2) / s(-1), by hand
    assert windowed(alarm=at(100, 60), windows=[(40, 59)]) < 0  # one behind it is no hit


def test_windows_begin_with_the_first_row_and_may_be_of_one():
    both = [(0, 0), (1, 4)]
    assert windowed(alarm=at(9, 0, 1), windows=both) == 100
    assert windowed(alarm=at(9, 0), windows=both) == 50


def lost_behind(lengths: float) -> float:
    """What an alarm costs so many lengths of its window, 10 rows, behind it."""
    return (100 - windowed(alarm=at(99, 40, 49 + round(10 * lengths)), windows=[(40, 49)])) / 5.5


@pytest.mark.parametrize("lengths", [0.1, 1.0, 3.0])
def test_an_alarm_behind_a_window_costs_by_its_place_in_lengths_of_it(lengths: float):
    assert lost_behind(lengths) == pytest.approx(1 - 2 / (1 + np.exp(5 * lengths)))


def test_more_than_three_lengths_behind_an_alarm_is_as_wrong_as_can_be():
    assert 1 - lost_behind(3.0) == pytest.approx(2 * np.exp(-15), rel=1e-3)
    assert lost_behind(3.1) == pytest.approx(1, abs=1e-12)


def test_the_last_alarm_of_a_window_costs_nothing_and_belongs_to_it():
    assert windowed(alarm=at(99, 40, 49), windows=[(40, 49)]) == 100


def test_the_profiles_are_the_published_ones():
    profiles = [(one.tp, one.fn, one.fp) for one in (STANDARD, FEW_FALSE_ALARMS, FEW_MISSES)]
    assert profiles == [(1.0, 1.0, 0.11), (1.0, 1.0, 0.22), (1.0, 2.0, 0.11)]


def test_alarms_outside_cost_the_more_the_further_behind_a_window():
    hit, window = 40, [(40, 49)]
    lost = [100 - windowed(alarm=at(200, hit, other), windows=window) for other in (50, 55, 70, 150, 5)]
    assert lost[0] < lost[1] < lost[2] < lost[3] == pytest.approx(5.5) == lost[4]  # 0.11 / 2 at most
    lost = 100 - windowed(alarm=at(200, hit, 5), windows=window, profile=FEW_FALSE_ALARMS)
    assert lost == pytest.approx(11)
    assert lost_of_a_miss() == pytest.approx(50)


def lost_of_a_miss() -> float:
    return 100 - windowed(alarm=at(200, 40), windows=[(40, 49), (90, 99)], profile=FEW_MISSES)


def test_stretches():
    assert stretches(at(6, 0, 1, 3, 5)) == [(0, 1), (3, 3), (5, 5)] and stretches(at(4)) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pointwise(truth=at(3), alarm=at(4)), r"got \(3,\) of bool and \(4,\) of bool"),
        (lambda: pointwise(truth=np.zeros(3), alarm=at(3)), "of bool"),
        (lambda: point_adjusted(truth=at(0), alarm=at(0)), "labels and alarms"),
        (lambda: windowed(alarm=at(9), windows=[(5, 9)]), "inside 9 rows"),
        (lambda: windowed(alarm=at(9), windows=[(2, 5), (5, 6)]), "do not overlap"),
        (lambda: windowed(alarm=at(9), windows=[]), "at least one window"),
        (lambda: windowed(alarm=np.zeros(9), windows=[(1, 2)]), "alarms"),
    ],
)
def test_what_cannot_be_scored_is_refused(call: object, message: str):
    with pytest.raises(BadInput, match=message):
        call()  # type: ignore[operator]
