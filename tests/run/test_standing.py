"""Where contestants stand: each figure of the table from forecasts that are off by known amounts."""

from dataclasses import replace

import numpy as np
import pytest

from wavetrain.run.contestants import Answers, Question
from wavetrain.run.standing import TAILS, Standing
from wavetrain.tables.panel import panel
from wavetrain.tables.rolling import Metric, Rolled
from wavetrain.tables.split import in_time

VALID, TEST = 3, 4  # windows


def windows(count: int, targets: tuple[str, ...] = ("y", "z")) -> Rolled:
    """Windows of two steps in which all that is measured is 10."""
    truth = np.full((count, 2, len(targets)), 10.0)
    return Rolled(
        names=("",),
        targets=targets,
        season=1,
        series=np.zeros(count, int),
        rows=np.arange(5, 5 + count),
        truth=truth,
        forecast=np.full_like(truth, np.nan),
        scale=np.full((count, len(targets)), 4.0),
    )


def standing(metric: Metric = Metric.MAE, targets: tuple[str, ...] = ("y", "z")) -> Standing:
    question = Question(horizon=2, metric=metric)
    return Standing(question=question, valid=windows(VALID, targets), test=windows(TEST, targets))


def answers(valid: list[float], test: list[float], sides: float = 1.0, targets: int = 2) -> Answers:
    """Forecasts above the truth by an amount for each seed, and by one more of the last target."""
    more = np.arange(targets) == targets - 1

    def of(count: int, off: list[float]) -> np.ndarray:
        each = np.array(off)[:, None, None, None] + more
        return 10 + np.broadcast_to(each, (len(off), count, 2, targets))

    forecast = of(TEST, test)
    return Answers(of(VALID, valid), forecast, forecast - sides, forecast + sides)


def test_each_part_is_scored_by_its_own_forecasts() -> None:
    found = standing()
    found.add("one", answers([1.0, 2.0], [3.0, 5.0]), baseline=True)
    one = found.candidates["one"]
    assert one.baseline and one.name == "one"
    assert [score.value for score in one.valid] == [1.5, 2.5]  # the mean of two targets
    assert [score.value for score in found.scores("one")] == [score.value for score in one.test] == [3.5, 5.5]
    assert found.told("one") == "MAE 4.5"
    assert found.columns("one") == {"y": 4.0, "z": 5.0}


def test_the_metric_that_is_asked_for_ranks() -> None:
    found = standing(Metric.MASE)
    found.add("one", answers([1.0], [3.0]), baseline=False)
    assert found.told("one") == "MASE (season 1) 0.875" and not found.candidates["one"].baseline


def test_the_score_of_a_single_column_is_not_told_twice() -> None:
    found = standing(targets=("y",))
    found.add("one", answers([1.0], [3.0], targets=1), baseline=False)
    assert found.columns("one") == {} and found.told("one") == "MAE 4"


def test_all_metrics_are_means_over_the_seeds() -> None:
    """Of forecasts 1 and 2 above, and 3 and 4; a side of an interval is 2 away, and is a quantile."""
    found = standing()
    found.add("one", answers([1.0, 1.0], [1.0, 3.0], sides=2.0), baseline=False)
    metrics = found.metrics("one")
    assert list(metrics) == [
        "MAE",
        "RMSE",
        "MASE (season 1)",
        "sMAPE (0 to 200)",
        "coverage of 90 % intervals",
        "quantile loss at 0.05",
        "quantile loss at 0.95",
    ]
    assert metrics["MAE"] == 2.5 and metrics["MASE (season 1)"] == 0.625
    assert metrics["RMSE"] == pytest.approx((np.sqrt(2.5) + np.sqrt(12.5)) / 2)
    assert metrics["coverage of 90 % intervals"] == 0.5  # of the first seed all, of the second none
    low, high = np.array([-1.0, 0.0, 1.0, 2.0]), np.array([3.0, 4.0, 5.0, 6.0])  # ends, less the truth
    assert metrics["quantile loss at 0.05"] == pytest.approx(np.maximum(-0.05 * low, 0.95 * low).mean())
    assert metrics["quantile loss at 0.95"] == pytest.approx(np.maximum(-0.95 * high, 0.05 * high).mean())
    assert pytest.approx((0.05, 0.95)) == TAILS


def test_what_is_not_known_is_no_number() -> None:
    found = standing()
    one = answers([1.0], [1.0])
    hollow = one.test.copy()
    hollow[0, 1, 0, 1] = np.nan
    found.add("one", replace(one, test=hollow), baseline=False)
    assert found.told("one") == "no forecast for some of the test part"
    assert found.columns("one") == {"y": 1.0, "z": None}
    assert found.metrics("one")["MAE"] is None
    assert found.metrics("one")["coverage of 90 % intervals"] == 0.5


def test_the_verdict_is_of_the_test_part_and_of_who_is_a_baseline() -> None:
    found = standing()
    found.add("plain", answers([1.0], [5.0]), baseline=True)
    found.add("layer", answers([2.0], [1.0]), baseline=False)
    verdict = found.verdict()
    assert verdict.baseline.name == "plain" and verdict.layer is not None and verdict.layer.name == "layer"
    assert verdict.difference is not None and verdict.difference.value == pytest.approx(-4)


def test_the_windows_of_both_parts_begin_where_those_of_the_contestants_do() -> None:
    """Of a hundred rows the last 15 are tested; of the 85 before, the last 13 are for choosing."""
    question = Question(horizon=3, season=4)
    found = Standing.of(in_time(panel(np.arange(100.0)), 3), question)
    assert found.test.rows.tolist() == list(range(85, 98)) and found.valid.rows.tolist() == list(
        range(72, 83)
    )
    assert found.test.season == 4 and not found.answers
    np.testing.assert_array_equal(found.test.forecast[:, 2, 0], found.test.rows - 1)  # the last value
    np.testing.assert_array_equal(found.valid.truth[:, 2, 0], found.valid.rows + 2)
