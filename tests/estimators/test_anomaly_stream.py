"""One watched stream: what was left out, what is refused, and what each row is said to be, by hand."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import AnomalyDetector
from wavetrain.estimators import detector as detectors
from wavetrain.estimators._anomalies import (
    HISTORY,
    LEAST,
    RECENT,
    SAME,
    Recent,
    deviations,
    likelihood,
    shares,
)
from wavetrain.estimators._anomaly_stream import LONGEST
from wavetrain.estimators._foresight import Foreseen
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series

HOUR = 3600 * 10**6
BEGIN = moment("2024-01-01")
WALK = np.random.default_rng(0).normal(size=(200, 2)).cumsum(0)


def timed(rows: np.ndarray) -> Panel:
    one = Series(name="", values=rows, times=BEGIN + np.arange(len(rows)) * HOUR)
    return Panel(columns=("x", "y"), series=(one,), targets=("y",), clock=Clock(1, "hour"))


def watching(clock: bool = True) -> AnomalyDetector:
    model = AnomalyDetector("last_value", rate=0.1, calibration=0.25)
    return model.fit(timed(WALK) if clock else WALK)


def test_sizes_are_those_of_the_study():
    assert (HISTORY, RECENT, LEAST, SAME, LONGEST) == (8640, 10, 0.01, 1e-5, 100_000)
    assert (detectors.NORMAL, detectors.FLAT) == (1.4826, 1e-6)


def test_what_was_calibrated_by_hand():
    """The last value forecasts: errors are differences; the last quarter of 200 rows is calibrated on."""
    model = watching()
    errors = np.diff(WALK[:, 1])[149:]
    assert len(errors) == 50
    centre = np.median(errors)
    spread = 1.4826 * np.median(np.abs(errors - centre))
    assert model.centre_ == pytest.approx(centre) and model.spread_ == pytest.approx(spread)
    scores = np.abs(errors - centre) / spread
    np.testing.assert_allclose(model.held_, np.sort(scores))
    np.testing.assert_allclose(model.history_, scores)
    rank = int(np.ceil(51 * 0.9)) - 1
    assert model.threshold_ == pytest.approx(np.sort(scores)[rank] + 2e-5 * np.sort(scores)[rank], rel=1e-9)
    assert model.offset_ == -model.threshold_ and model.n_features_in_ == 2
    flat = AnomalyDetector("last_value", rate=0.1).fit(np.r_[-200.0, np.full(59, 100.0)])
    assert flat.spread_.item() == pytest.approx(200e-6) and flat.threshold_ == pytest.approx(2e-5)
    assert AnomalyDetector("last_value", rate=0.1).fit(np.zeros(60)).spread_.item() == 1e-30


def test_what_is_said_of_rows_by_hand():
    model = watching(clock=False)
    stream, rows = model.stream(), WALK[:30] * 3
    judged = stream.extend(rows)
    apart = np.abs(np.diff(rows, axis=0) - model.centre_[0]) / model.spread_[0]
    score = np.r_[np.nan, apart.max(1)]
    np.testing.assert_allclose(judged.score, score)
    np.testing.assert_array_equal(judged.expected[1:], rows[:-1])
    z = deviations(np.concatenate([model.history_, score[1:]]))[len(model.history_) :]
    np.testing.assert_allclose(judged.likelihood[1:], likelihood(z))
    np.testing.assert_array_equal(judged.unusual, judged.score)
    np.testing.assert_array_equal(judged.p, shares(model.held_, score))
    np.testing.assert_array_equal(judged.alarm, score > model.threshold_)
    assert 0 < judged.alarm.sum() < 30 and stream.count == 30
    surprise = np.linspace(0, 1, 30)  # of a memory alarms follow the likelihood
    other = model.stream()
    told = other.judge(rows, Foreseen(np.full((30, 2), np.nan), surprise))
    z = Recent(model.history_).extend(surprise)
    np.testing.assert_array_equal(told.score, surprise)
    np.testing.assert_array_equal(told.unusual, z)
    np.testing.assert_array_equal(told.alarm, z > model.threshold_)


def test_columns_that_are_not_watched_tell_nothing():
    model = watching()
    rows = np.stack([np.full(5, 1e9), np.arange(5.0)], 1)
    rows[3, 1], rows[2, 0] = np.nan, np.nan
    judged = model.stream().extend(rows, BEGIN + np.arange(5) * HOUR)
    score = np.abs(1 - model.centre_.item()) / model.spread_.item()
    np.testing.assert_allclose(judged.score[[1, 2]], score)
    assert np.isnan(judged.score[[0, 3]]).all() and not judged.alarm[[0, 3]].any()
    assert judged.score[4] == pytest.approx(np.abs(2 - model.centre_.item()) / model.spread_.item())


@pytest.mark.parametrize("hole", [0, 1, 30])
def test_steps_that_were_left_out_are_rows_without_values(hole: int):
    model = watching()
    times = BEGIN + np.r_[0, 1, 2 + hole + np.arange(4)] * HOUR
    stream = model.stream()
    found = stream.extend(WALK[:6], times)
    whole = np.full((6 + hole, 2), np.nan)
    kept = np.r_[0, 1, 2 + hole + np.arange(4)]
    whole[kept] = WALK[:6]
    plain = model.stream().extend(whole, BEGIN + np.arange(6 + hole) * HOUR)
    for one, other in zip(found, plain, strict=True):
        np.testing.assert_array_equal(one, other[kept])
    assert stream.count == 6 and stream.time == times[-1]
    later = stream.push(WALK[6], int(times[-1]) + (1 + hole) * HOUR)
    assert later.expected.tolist() == [WALK[5, 1]] and stream.count == 7


def test_rows_that_do_not_fit_are_refused_and_change_nothing():
    stream = watching().stream()
    first = stream.extend(WALK[:2], BEGIN + np.arange(2) * HOUR)
    assert len(first.score) == 2
    nothing = stream.extend(WALK[:0], np.zeros(0, np.int64))
    assert [len(part) for part in nothing] == [0] * 6 and stream.count == 2
    later = BEGIN + np.array([2, 3]) * HOUR
    for rows, times, message in (
        (WALK[:2, :1], later, r"^expected rows of 2 columns, got \(2, 1\)$"),
        (WALK[0], later, r"^expected rows of 2 columns, got \(2,\)$"),
        (np.array([[0, 0], [0, np.inf]]), later, r"^row 4 is infinite$"),
        (WALK[:2], None, r"^expected a time with each row, as in training$"),
        (WALK[:2], later[:1], r"^expected a time with each row, as in training$"),
        (WALK[:2], later - HOUR, r"^expected times that rise; one is out of order, or repeated$"),
        (WALK[:2], later[[0, 0]], r"^expected times that rise; one is out of order, or repeated$"),
        (WALK[:1], later[:1] + HOUR // 2, r"^expected times every hour, got "),
        (
            WALK[:1],
            later[:1] + 100_001 * HOUR,
            r"^100,001 steps are missing before a row; begin a new stream",
        ),
    ):
        with pytest.raises(BadInput, match=message):
            stream.extend(rows, times)
    assert stream.count == 2 and stream.time == BEGIN + HOUR


def test_a_hundred_thousand_steps_may_be_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wavetrain.estimators._anomaly_stream.LONGEST", 10)
    stream = watching().stream()
    stream.push(WALK[0], BEGIN)
    assert stream.push(WALK[1], BEGIN + 11 * HOUR).expected.item() == WALK[0, 1]
    with pytest.raises(BadInput, match="11 steps are missing before a row"):
        stream.push(WALK[1], BEGIN + 23 * HOUR)


def test_rows_without_a_clock_need_no_times():
    model = watching(clock=False)
    one, other = model.stream(), model.stream()
    a, b = one.extend(WALK[:5]), other.extend(WALK[:5], np.array([7, 3, 3, 1, 0]))  # which are not read
    np.testing.assert_array_equal(a.score, b.score)
    assert other.time is None and one.push(WALK[5]).expected.tolist() == WALK[4].tolist()
