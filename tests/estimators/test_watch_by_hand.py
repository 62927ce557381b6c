"""What is said of a watch, from rows and alarms that are given by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import AnomalyDetector, watch
from wavetrain.estimators._anomalies import Anomalies
from wavetrain.estimators.watch import Seen, Watch, check_share, labelled, usual_error
from wavetrain.tables.anomaly_metrics import point_adjusted, pointwise, stretches, windowed
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series

HOUR = 3600 * 10**6
ROWS = 70  # of a: 40, of b: 30
NAMES = np.array(["a"] * 40 + ["b"] * 30)
LEARNED = np.r_[np.arange(40) < 10, np.arange(30) < 2]


def found(*alarms: int) -> Anomalies:
    """Three columns: of the first nothing is expected, the others err by 1 and 100 but for some rows."""
    expected = np.tile([np.nan, 2.0, 30.0], (ROWS, 1))
    value = np.tile([7.0, 3.0, -70.0], (ROWS, 1))
    value[20, 1:], value[25, 1:], value[45, 1:], value[60, 1:] = (7, 330), (-8, 31), (4, 1030), (2, 30)
    expected[:2], value[33] = np.nan, np.nan
    score = np.linspace(0, 1, ROWS)
    score[:2], score[20], score[25], score[45] = np.nan, 4.0, 3.0, 5.0
    alarm = np.zeros(ROWS, bool)
    alarm[list(alarms)] = True
    return Anomalies(
        columns=("r", "p", "q"),
        series=NAMES.copy(),
        row=np.r_[np.arange(40), np.arange(30)],
        time=tuple(f"t{place}" for place in range(ROWS)),
        value=value,
        expected=expected,
        score=score,
        likelihood=score / 8,
        unusual=score.copy(),
        p=1 - score / 10,
        alarm=alarm,
    )


def seen() -> Seen:
    rules = {"near": (10, 55), "far": (9, 36, 39, 56), "after": (35, 40)}
    return Seen(
        found=found(5, 20, 25, 45),
        plain={name: found(*alarms) for name, alarms in rules.items()},
        learned=LEARNED.copy(),
        calibrated=LEARNED & (np.arange(ROWS) % 10 > 6),
        layer="net",
        errors={"net": 2.0, "near": 3.0, "far": 1.5, "after": 4.0},
        threshold=2.5,
        zone="",
        moments={},
    )


def test_an_alarm_of_a_rule_counts_within_ten_rows_of_the_same_series():
    """Events are the row 45 of b, and the rows 20 to 25; what is in rows that were learned from is none."""
    one = seen()
    assert [(event.first, event.last, event.peak) for event in one.events] == [(45, 45, 45), (20, 25, 20)]
    assert {name: one.marked(name) for name in one.plain} == {
        "near": [True, True],
        "far": [False, False],
        "after": [True, True],
    }
    assert one.alarms(one.found) == 3
    assert one.rules() == [
        {"name": "net", "events": 2, "alarms": 3, "error": 2.0},
        {"name": "near", "events": 2, "alarms": 2, "error": 3.0},
        {"name": "far", "events": 0, "alarms": 3, "error": 1.5},
        {"name": "after", "events": 2, "alarms": 1, "error": 4.0},
    ]


def test_the_column_that_is_furthest_against_how_far_it_usually_is():
    """Usual are 1 and 100; a column of which nothing is expected is never the one."""
    one = seen()
    assert [one._column(place) for place in (20, 25, 45, 60)] == [1, 1, 2, 1]
    tiny = replace(one.found, value=1e-9 * one.found.value, expected=1e-9 * one.found.expected)
    assert [replace(one, found=tiny)._column(place) for place in (20, 25, 45, 60)] == [1, 1, 2, 1]
    still = replace(one, found=replace(one.found, value=np.where(np.arange(3) == 1, 2.0, one.found.value)))
    assert still._column(45) == 2 and still._column(60) == 1  # a column that never errs


def test_a_table_of_events():
    told = seen().table()
    assert told == [
        {
            **{"series": "b", "time": "t45", "column": "q", "value": 1030.0, "expected": 30.0},
            **{"score": 5.0, "likelihood": 5 / 8, "alarms": 1, "plain": 2},
        },
        {
            **{"series": "a", "time": "t20", "column": "p", "value": 7.0, "expected": 2.0},
            **{"score": 4.0, "likelihood": 0.5, "alarms": 2, "plain": 2},
        },
    ]


def test_rows_as_a_table():
    header, *rows = seen().rows()
    assert header == [
        *("series", "time", "r", "r expected", "p", "p expected", "q", "q expected"),
        *("score", "likelihood", "p", "alarm", "part"),
    ]
    assert len(rows) == ROWS
    assert rows[0] == ["a", "t0", "7", "", "3", "", "-70", "", "", "", "", 0, "learned"]
    assert rows[20] == [*("a", "t20", "7", "", "7", "2", "330", "30", "4", "0.5", "0.6"), 1, "new"]
    assert rows[41][2:] == [
        *("7", "", "3", "2", "-70", "30", "0.594203", "0.0742754", "0.94058"),
        0,
        "learned",
    ]
    assert [row[-1] for row in rows] == [
        *(["learned"] * 7 + ["calibration"] * 3 + ["new"] * 30),
        *(["learned"] * 2 + ["new"] * 28),
    ]


@pytest.mark.parametrize(
    ("moments", "zone", "label"), [(False, "", "row"), (True, "", "time"), (True, "Z", "time (UTC)")]
)
def test_a_picture_of_the_series_with_the_most_unusual_event(moments: bool, zone: str, label: str):
    times = {"b": 100.0 + np.arange(30.0)} if moments else {}
    drawn = replace(seen(), moments=times, zone=zone).picture("mine.csv")
    assert drawn.title == "Alarms of net in mine.csv, series b"
    np.testing.assert_array_equal(drawn.x, np.arange(30) + 100 * moments)
    one = seen().found
    np.testing.assert_array_equal(drawn.value, one.value[40:, 2])
    np.testing.assert_array_equal(drawn.expected, one.expected[40:, 2])
    np.testing.assert_array_equal(drawn.unusual, one.unusual[40:])
    np.testing.assert_array_equal(drawn.alarm, np.arange(30) == 5)
    assert (drawn.threshold, drawn.learned, drawn.dates, drawn.xlabel) == (2.5, 2, moments, label)
    assert (drawn.ylabel, drawn.label) == ("q", "error (robust deviations)")


def test_a_picture_without_new_events_and_one_of_a_likelihood():
    """Then an event in rows that were learned from is drawn, and without any the first series."""
    one = replace(seen(), found=found(5), learned=np.ones(ROWS, bool))
    drawn = one.picture("x")
    assert drawn.title == "Alarms of net in x, series a" and drawn.alarm.tolist() == [
        i == 5 for i in range(40)
    ]
    assert drawn.learned == 40 and drawn.ylabel == "p"
    assert replace(one, found=found()).picture("x").title == "Alarms of net in x, series a"
    other = replace(one.found, unusual=one.found.unusual + 1, series=np.full(ROWS, ""))
    drawn = replace(one, found=other).picture("x")
    assert (drawn.title, drawn.label) == ("Alarms of net in x", "mean of ten scores (deviations)")
    assert drawn.learned == len(drawn.x) == ROWS


def test_labels_are_held_against_alarms_in_new_rows():
    one, labels = seen(), np.zeros(ROWS, bool)
    labels[[5, 20, 21, 46]] = True
    truth, alarm = labels[~LEARNED], one.found.alarm[~LEARNED]
    score = windowed(alarm=alarm, windows=stretches(truth))
    assert one.scores(labels) == [
        str(pointwise(truth=truth, alarm=alarm)),
        f"{point_adjusted(truth=truth, alarm=alarm)}: one alarm finds a whole stretch",
        f"windowed score {score:.3g} after the Numenta benchmark: 0 without an alarm, 100 at best",
    ]
    assert len(one.scores(labels & LEARNED)) == 1


def rule(name: str, events: int, alarms: int, error: float) -> dict[str, Any]:
    return {"name": name, "events": events, "alarms": alarms, "error": error}


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        (
            [rule("x", 9, 30, 2.0), rule("y", 10, 30, 1.0)],
            "the plain y would have done as well: it marks the",
        ),
        (
            [rule("x", 9, 30, 2.0), rule("y", 10, 31, 1.0)],
            "the plain x would have done as well: it marks the",
        ),
        (
            [rule("x", 9, 40, 2.0), rule("y", 10, 31, 3.0)],
            "the plain y marks the same events, with 31 alarms a",
        ),
        (
            [rule("x", 8, 1000, 2.0), rule("y", 7, 3, 1.0)],
            "x, which comes nearest, misses 2 of 10, with 1,000 ",
        ),
    ],
)
def test_nine_of_ten_events_and_three_alarms_for_two_are_as_good(rules: list[dict[str, Any]], word: str):
    assert (watch.AS_WELL, watch.MORE) == (0.9, 1.5)
    assert word in seen()._nearest(rule("net", 10, 20, 5.0), rules)


def test_a_rule_that_foresees_no_worse_is_told(monkeypatch: pytest.MonkeyPatch):
    for error, told in ((2.0, True), (2.0001, False), (1.5, True)):
        rules = [rule("net", 1, 1, 2.0), rule("x", 1, 1, 9.0), rule("y", 0, 0, error)]
        monkeypatch.setattr(Seen, "rules", lambda self, rules=rules: rules)
        end = f"; y foresees no worse than net: its usual error is {error:.4g}, that of net 2"
        assert seen().verdict() == (
            "the plain x would have done as well: it marks the same events" + end * told
        )


def test_what_was_learned_from_and_what_is_looked_at():
    """Shares of rows are rounded; a series that was not there is new."""
    begin = moment("2024-01-01")

    def rows(lengths: dict[str, int]) -> Panel:
        parts = tuple(
            Series(
                name=name,
                values=np.random.default_rng(len(name)).normal(size=(length, 1)) * 10 ** len(name),
                times=begin + np.arange(length) * HOUR,
            )
            for name, length in lengths.items()
        )
        return Panel(columns=("y",), series=parts, targets=("y",), clock=Clock(1, "hour", zone="UTC"))

    watching = Watch.learn(
        rows({"a": 93, "bb": 61}),
        AnomalyDetector("last_value", rate=0.1, calibration=0.37, season=4),
        share=0.63,
    )
    assert watching.ends == {"a": 59, "bb": 38} and watching.layer == "last_value"
    assert [one.foresight_.name for one in watching.plain] == ["seasonal naive (4)", "ridge on lags"]
    assert [one.rate for one in watching.plain] == [0.1, 0.1]
    model, errors = watching.model, []
    for one, end in zip(rows({"a": 93, "bb": 61}).series, (59, 38), strict=True):
        apart = np.diff(one.values[:, 0])[round(0.63 * end) - 1 : end - 1]
        errors.append(1.4826 * np.median(np.abs(apart - np.median(apart))))
    assert usual_error(model) == pytest.approx(np.sqrt(errors[0] * errors[1]))
    found = watching.look(rows({"bb": 50, "a": 93}))
    assert found.learned.tolist() == [
        *(place < 38 for place in range(50)),
        *(place < 59 for place in range(93)),
    ]
    assert found.calibrated.sum() == (38 - 24) + (59 - 37)
    assert found.calibrated[24:38].all() and found.calibrated[50 + 37 : 50 + 59].all()
    assert (found.layer, found.zone, found.threshold) == ("last value", "UTC", model.threshold_)
    assert found.errors["last value"] == usual_error(model) and len(found.errors) == 3
    np.testing.assert_array_equal(found.moments["bb"], begin / 1e6 + 3600.0 * np.arange(50))
    alone = Watch(model, watching.plain, {}).look(rows({"a": 50, "bb": 9}))
    assert not alone.learned.any() and not alone.calibrated.any()


def test_all_rows_may_be_learned_from_and_no_fewer_than_some():
    check_share(1)
    check_share(1e-9)
    for share in (0, -0.1, 1.001):
        with pytest.raises(BadInput, match=f"above 0 and up to 1, got {share}$"):
            check_share(share)


def test_labels_leave_the_panel():
    values = np.array([[1.0, 0.0, 5.0], [2.0, 1.0, np.nan], [3.0, np.nan, 7.0]])
    whole = Panel(
        columns=("y", "odd", "x"),
        series=(Series(name="a", values=values), Series(name="b", values=np.add(values[1:], [1, 0, 1]))),
        targets=("y", "odd"),
        known=("x",),
    )
    rest, labels = labelled(whole, "odd")
    assert (rest.columns, rest.targets, rest.known) == (("y", "x"), ("y",), ("x",))
    np.testing.assert_array_equal(rest.series[0].values, values[:, [0, 2]])
    np.testing.assert_array_equal(rest.series[1].values, values[1:, [0, 2]] + 1)
    assert labels.tolist() == [False, True, False, True, False]
    gone, _ = labelled(replace(whole, targets=("y",), known=("odd",)), "odd")
    assert gone.known == () and gone.targets == ("y",)
    values[2, 1] = 2.5
    with pytest.raises(BadInput, match=r"^expected labels 0 and 1 in odd, got 2\.5$"):
        labelled(whole, "odd")
