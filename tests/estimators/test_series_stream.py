"""What streams of all models share: times, gaps that are leapt over, and rows that are refused."""

import functools

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import BaselineForecaster, Forecaster
from wavetrain.estimators._series_stream import SeriesStream, missing
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series

HOUR = 3600 * 10**6
BEGIN = moment("2024-01-01")
WALK = np.random.default_rng(0).normal(size=(150, 2)).cumsum(0)
HOURS = Panel(
    columns=("y", "x"),
    series=(Series(name="a", values=WALK[:100], times=BEGIN + np.arange(100) * HOUR),),
    targets=("y",),
    clock=Clock(1, "hour"),
)


@functools.cache
def baseline() -> BaselineForecaster:
    """Once, for all who only ask it."""
    return BaselineForecaster("seasonal_naive", horizon=2, season=5).fit(HOURS)


@functools.cache
def network() -> Forecaster:
    return Forecaster("elman", horizon=2, width=2, depth=1, steps=0, context=7, origins=4).fit(HOURS)


def late(count: int, first: int = 100) -> np.ndarray:
    return BEGIN + np.arange(first, first + count) * HOUR


@pytest.mark.parametrize(
    ("steps", "holes"), [(0, 0), (1, 0), (2, 1), (9, 8), (0.95, 0), (1.05, 0), (2.09, 1), (1.91, 1)]
)
def test_steps_that_were_left_out_are_counted(steps: float, holes: int):
    """A tenth of a step beside is forgiven."""
    assert missing(Clock(1, "hour"), BEGIN, BEGIN + round(steps * HOUR)) == holes


@pytest.mark.parametrize("steps", [-1, 0.05, 0.5, 0.89, 1.11, 2.5])
def test_times_beside_their_step_are_told(steps: float):
    time = BEGIN + round(steps * HOUR)
    told = Clock(1, "hour").told(np.array([BEGIN, time]))
    with pytest.raises(BadInput, match=f"^expected times every hour, got {told[1]} behind {told[0]}$"):
        missing(Clock(1, "hour"), BEGIN, time)


@pytest.mark.parametrize("model", [baseline, network], ids=["baseline", "network"])
def test_no_rows_are_no_forecasts(model):  # type: ignore[no-untyped-def]
    stream = model().stream("a")
    found = stream.behind(np.zeros((0, 2)), np.zeros(0, np.int64))
    assert found.value.shape == (0, 2, 1) and found.scale.shape == (0, 1, 1)
    assert stream.time == late(1)[0] - HOUR and stream.count == 100


@pytest.mark.parametrize("model", [baseline, network], ids=["baseline", "network"])
@pytest.mark.parametrize("hole", [1, 14, 15, 16, 17, 18, 19, 20, 21, 300])
def test_a_gap_is_leapt_over_in_whole_blocks_and_counted(  # type: ignore[no-untyped-def]
    model, hole: int, monkeypatch: pytest.MonkeyPatch
):
    """What is left to read is no more than is ever read, and not a block less."""
    leaps, leapt = [], SeriesStream._leapt
    fresh: SeriesStream = model().stream()
    longest, block = (
        (15, 5) if model is baseline else (15, 4)
    )  # reach and two seasons; context and two blocks
    if model is baseline:
        assert baseline().reach == 5
    if hole > longest:
        left = fresh._leapt(hole)
        assert longest - block < left <= longest and (hole - left) % block == 0
        assert fresh.count == hole - left and fresh.time is None
    monkeypatch.setattr(SeriesStream, "_leapt", lambda *given: (leaps.append(given[1]), leapt(*given))[1])
    stream = model().stream("a")
    stream.extend(WALK[100:103], np.append(late(1), late(2, 101 + hole)))
    assert leaps == [hole] * (hole > longest)
    assert stream.count == 103 + hole and stream.time == late(1, 102 + hole)[0]
    numbered = model().stream("a")
    if model is baseline:  # without times
        found = numbered.behind(WALK[100:103], None, [0, hole, 0])
        assert numbered.count == 103 + hole and len(found.value) == 3


def test_rows_with_none_missing_before_can_be_read_beside_others():
    for stream in (baseline().stream("a"), baseline().stream()):
        rows, ahead = stream.steps(WALK[100:102], late(2), None)
        assert (rows == WALK[100:102]).all() and ahead.shape == (2, 2, 0)
        assert stream.time == late(1, 101)[0]
    gap = baseline().stream("a")
    assert gap.steps(WALK[100:102], late(2, 101), None) is None
    assert gap.steps(WALK[100:102], np.append(late(1), late(1, 102)), None) is None
    assert gap.time == late(1, 99)[0]  # nothing has come yet
    phased = network().stream("a")
    assert network().cycles_ == ("day",)
    rows, ahead = phased.steps(WALK[100:102], late(2), None)
    angle = 2 * np.pi * (np.arange(100, 104) % 24) / 24
    np.testing.assert_allclose(rows[:, 2:], np.stack([np.sin(angle), np.cos(angle)], 1)[:2], atol=1e-12)
    np.testing.assert_allclose(
        ahead, [[[np.sin(at), np.cos(at)] for at in angle[row + 1 : row + 3]] for row in (0, 1)], atol=1e-12
    )


def test_rows_that_do_not_fit_are_refused_and_change_nothing():
    stream = network().stream()
    stream.extend(WALK[:3], late(3, 0))
    for rows, times, message in (
        (WALK[:2, :1], late(2, 3), r"^expected rows of 2 columns, got \(2, 1\)$"),
        (WALK[0], late(2, 3), r"^expected rows of 2 columns, got \(2,\)$"),
        (np.array([[0, 0], [0, -np.inf]]), late(2, 3), "^row 5 is infinite$"),
        (WALK[:2], None, "^expected a time with each row, as in training$"),
        (WALK[:2], late(3, 3), r"^expected a time for each of 2 rows, got \(3,\)$"),
        (WALK[:2], late(2, 2), "^expected times that rise; one is out of order, or repeated$"),
        (WALK[:2], late(2, 3)[[0, 0]], "^expected times that rise; one is out of order, or repeated$"),
        (WALK[:2], late(2, 3)[::-1], "^expected times that rise; one is out of order, or repeated$"),
    ):
        with pytest.raises(BadInput, match=message):
            stream.extend(rows, times)
    assert (stream.count, stream.time) == (3, late(1, 2)[0])
    assert stream.push(WALK[3], int(late(1, 3)[0])).shape == (2, 1) and stream.count == 4


def test_rows_may_come_without_times_where_no_phase_is_read():
    stream = baseline().stream("a")
    assert stream.push(WALK[100]).ravel().tolist() == [WALK[96, 0], WALK[97, 0]]
    assert stream.count == 101 and stream.time == late(1, 99)[0]
