"""Rows as series: sorted, with rows of NaN in their gaps; what lies beside a step, or is there twice."""

from typing import Any

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.clock import DAY, Clock, moment
from wavetrain.tables.form import Form
from wavetrain.tables.read.asked import Earlier
from wavetrain.tables.read.moments import Moments
from wavetrain.tables.read.rows import Ids, Rows, series_of
from wavetrain.tables.read.steps import Written

ONE, NAN = Ids("", np.zeros(0, int), ("",)), np.nan
HOUR = DAY // 24


def line(row: int) -> int:
    return row + 2


def dated(*texts: str, **more: Any) -> Moments:
    return Moments("day", np.array([moment(one) for one in texts], np.int64), np.array(texts, object), **more)


def counts(*ticks: float) -> Moments:
    return Moments("t", np.array(ticks), np.array([f"{one:g}" for one in ticks], object), calendar=False)


def taken(when: Moments | None, codes: list[int] | None = None, **more: Any) -> Rows:
    """Of rows whose values number them."""
    count = len(codes) if when is None and codes else len(when.ticks) if when else 0
    kinds = [f"s{one}" for one in range(max(codes) + 1)] if codes else [""]
    ids = Ids("shop" if codes else "", np.array(codes or [0] * count), tuple(kinds))
    return series_of(np.arange(float(count))[:, None], ids, when, line, **more)


def values(rows: Rows) -> list[list[float]]:
    return [one.values[:, 0].tolist() for one in rows.series]


def same(one: Any, other: Any) -> None:
    for mine, wanted in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_rows_without_times_stay_in_their_order():
    rows = taken(None, [1, 0, 1, 0, 1])
    assert values(rows) == [[1, 3], [0, 2, 4]] and [one.name for one in rows.series] == ["s0", "s1"]
    assert rows[1:] == (None, 0, 0, (), 0.0) and rows.series[0].times is None


def test_rows_are_put_together_by_their_series_and_in_time():
    days = [f"2024-01-0{place}" for place in (1, 2, 3, 4)]
    same(values(taken(dated(*days), [0, 1, 0, 1])), [[0, 2], [1, 3]])
    same(values(taken(dated(*days[::-1]), [0, 1, 0, 1])), [[2, 0], [3, 1]])


def test_gaps_of_all_series_are_counted_and_dated():
    days = ["2024-01-01", "2024-01-02", "2024-01-05", "2024-01-06", "2024-01-08", "2024-02-01", "2024-02-03"]
    rows = taken(dated(*days), [0, 0, 0, 0, 0, 1, 1])
    same(values(rows), [[0, 1, NAN, NAN, 2, 3, NAN, 4], [5, NAN, 6]])
    assert (rows.gaps, rows.steps, rows.clock, rows.step) == (3, 4, Clock(1, "day"), 0.0)
    for one, first in zip(rows.series, ("2024-01-01", "2024-02-01"), strict=True):
        assert one.times is not None
        assert one.times.tolist() == [moment(first) + place * DAY for place in range(len(one))]
    whole = taken(dated(*days[:2]))
    assert (whole.gaps, whole.steps) == (0, 0) and whole.series[0].times.tolist() == [
        moment(one) for one in days[:2]
    ]


def test_the_order_of_rows_is_told_of_one_series_alone():
    days = ["2024-01-01", "2024-01-02", "2024-01-03"]
    for order, notes in (
        ([0, 1, 2], ()),
        ([2, 1, 0], ("newest first, turned round",)),
        ([1, 0, 2], ("out of order, sorted",)),
    ):
        rows = taken(dated(*(days[place] for place in order)))
        assert rows.notes == notes and values(rows) == [[float(order.index(place)) for place in range(3)]]
    assert taken(dated(*days[::-1]), [0, 0, 0]).notes == ()


TWICE = "expected each time once, got"


@pytest.mark.parametrize(
    ("when", "codes", "message"),
    [
        (
            dated("2024-01-02", "2024-01-01", "2024-01-02", "2024-01-02"),
            None,
            f"day: {TWICE} 2024-01-02 in line 2 and line 4, 2 such rows in all; "
            "a long table of several series needs the column of their ids",
        ),
        (
            dated("2024-01-02", "2024-01-03", "2024-01-03", "2024-01-02"),
            [0, 1, 1, 1],
            f"series 's1', day: {TWICE} 2024-01-03 in line 3 and line 4, 1 such rows in all",
        ),
        (counts(1, 2, 2), [0, 0, 0], f"series 's0', t: {TWICE} 2 in line 3 and line 4, 1 such rows in all"),
    ],
)
def test_a_time_that_is_there_twice_is_refused(when: Moments, codes: list[int] | None, message: str):
    with pytest.raises(BadInput) as caught:
        taken(when, codes)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("time", "hint"),
    [
        ("2022-10-30 02:00", True),
        ("2022-10-30 03:59:59", True),
        ("2022-10-30 04:00", False),
        ("2022-10-29 02:00", False),
        ("2022-10-31 02:00", False),
        ("2022-04-03 02:00", True),
        ("2022-09-25 00:00", True),
        ("2022-11-06 01:00", True),
        ("2022-03-27 02:00", False),
        ("2022-05-01 02:00", False),
        ("2022-08-28 02:00", False),
        ("2022-12-04 02:00", False),
    ],
)
def test_clocks_are_put_back_in_the_night_of_a_sunday(time: str, hint: bool):
    with pytest.raises(BadInput) as caught:
        taken(dated(time, time))
    assert ("clocks are put back then" in str(caught.value)) is hint
    if hint:
        for other in (
            dated(time, time, written=Written("UTC")),
            dated(time, time, calendar=False),
            dated(time, time, "2022-10-30 12:00", "2022-10-30 12:00"),
        ):
            with pytest.raises(BadInput) as caught:
                taken(other)
            assert "clocks are put back then" not in str(caught.value)


def test_an_infinite_number_is_told_by_its_row_of_the_series_and_its_line():
    numbers = np.array([[1.0, 2], [3, 4], [5, -np.inf], [np.inf, 7]])
    when = dated("2024-01-02", "2024-01-01", "2024-01-01", "2024-01-03")
    with pytest.raises(BadInput) as caught:
        series_of(numbers, Ids("shop", np.array([0, 1, 0, 0]), ("a", "b")), when, line)
    assert str(caught.value) == "series 'a': row 1 is infinite (line 4)"
    with pytest.raises(BadInput, match=r"^row 3 is infinite \(line 4\)$"):
        series_of(numbers, Ids("", np.zeros(4, int), ("",)), None, line)


UNEVEN, AFTER = "times are uneven", "rows are taken one after another"


def test_times_that_lie_beside_their_step():
    minutes = np.array([0, 60, 120, 180, 240, 300]) * 60 * 10**6
    for seconds, note in (
        (300, "times lie up to 8% of a step beside it"),
        (360, "times lie up to 10% of a step beside it"),
    ):
        ticks = minutes + np.array([0, 0, 0, 0, 0, seconds]) * 10**6
        found = taken(Moments("t", ticks, ticks.astype(str)))
        assert found.notes == (note,) and found.clock == Clock(1, "hour")
    ticks = minutes + np.array([0, 0, 0, 0, 0, 361]) * 10**6
    found = taken(Moments("t", ticks, ticks.astype(str)))
    assert found.notes == (f"{UNEVEN}, mostly every hour: {AFTER}, not resampled",) and found.clock is None
    assert values(found) == [[0, 1, 2, 3, 4, 5]] and found.series[0].times is None


def test_two_rows_of_one_step_are_uneven():
    found = taken(dated("2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 02:00", "2024-01-01 02:03"))
    assert found.notes == (f"{UNEVEN}, mostly every hour: {AFTER}, not resampled",)
    found = taken(counts(0, 1, 2, 2.05))
    assert found.notes == (f"{UNEVEN}: {AFTER}, not resampled",) and found.step == 0


def test_a_row_alone_has_no_step():
    assert taken(dated("2024-01-01")).notes == ("a single row has no step, so rows are numbered",)
    assert taken(counts(5.0)).notes == () and taken(counts(5.0)).step == 0


def test_ten_times_as_many_rows_are_the_most():
    for last, there in ((30, True), (31, False)):
        found = taken(counts(1, 2, last))
        assert (len(found.series[0]) == last) is there and (found.step == 1) is there
        notes = () if there else (f"with a step there would be {last} rows: {AFTER}",)
        assert found.notes == notes
    hours = ["2024-01-01 00:00", "2024-01-01 01:00", "2025-01-01 00:00"]
    assert taken(dated(*hours)).notes == (
        f"with a step, mostly every hour there would be 8,785 rows: {AFTER}",
    )


def test_numbers_of_rows_have_the_step_that_is_commonest_within_series():
    found = taken(counts(0.1, 0.2, 0.30000000001, 0.5, 100, 102), [0, 0, 0, 0, 1, 1])
    assert found.step == pytest.approx(0.1, abs=1e-12) and found.clock is None
    assert [len(one) for one in found.series] == [5, 21] and (found.gaps, found.steps) == (2, 20)
    assert found.notes == ()
    found = taken(counts(0, 5, 100, 101, 102), [0, 0, 1, 1, 1])
    assert found.step == 1 and [len(one) for one in found.series] == [6, 3]


def earlier(clock: Clock | None = None, step: float = 0.0) -> Earlier:
    return Earlier(Form(columns=("y",), step=step), clock, False)


def test_a_later_table_has_the_clock_of_the_first():
    found = taken(dated("2024-01-01", "2024-01-05"), earlier=earlier(Clock(2, "day")))
    same(values(found), [[0, NAN, 1]])
    assert found.clock == Clock(2, "day") and found.notes == () and (found.gaps, found.steps) == (1, 1)
    same(values(taken(counts(3, 4.5, 6), earlier=earlier(step=0.5))), [[0, NAN, NAN, 1, NAN, NAN, 2]])
    assert taken(counts(3, 4.5, 6), earlier=earlier(step=0.5)).step == 0.5
    assert values(taken(counts(3, 4.5, 60), earlier=earlier())) == [[0, 1, 2]]
    uneven = taken(dated("2024-01-01", "2024-01-05"), earlier=earlier())
    assert uneven.clock is None and values(uneven) == [[0, 1]]


@pytest.mark.parametrize(
    ("when", "before", "message"),
    [
        (counts(1, 2), earlier(Clock(1, "day")), "t: expected times, as in training, got '1' in line 2"),
        (
            dated("2024-01-01 00:00", "2024-01-02 00:00", "2024-01-03 03:00"),
            earlier(Clock(1, "day")),
            "line 4, day: expected times every day, as in training, "
            "got 2024-01-03 03:00 behind 2024-01-02 00:00",
        ),
        (
            counts(1, 2, 2.04),
            earlier(step=1.0),
            "line 4, t: expected times every 1, as in training, got 2.04 behind 2",
        ),
        (
            counts(0, 10_001 * 10),
            earlier(step=0.5),
            "t: with the step of training, 0.5, there would be 200,021 rows",
        ),
        (
            dated("2024-01-01", "2025-01-01"),
            earlier(Clock(1, "second")),
            "day: with the step of training, second, there would be 31,622,401 rows",
        ),
    ],
)
def test_a_later_table_beside_the_clock_is_refused(when: Moments, before: Earlier, message: str):
    with pytest.raises(BadInput) as caught:
        taken(when, earlier=before)
    assert str(caught.value) == message


def test_a_later_table_may_have_a_hundred_thousand_rows_or_ten_times_its_own():
    most = counts(0, 99_999)
    assert len(taken(most, earlier=earlier(step=1.0)).series[0]) == 100_000
    with pytest.raises(BadInput, match="there would be 100,001 rows"):
        taken(counts(0, 100_000), earlier=earlier(step=1.0))
    many = np.append(np.arange(10_100.0), 100_999)
    when = Moments("t", many, many.astype(str), calendar=False)
    assert len(taken(when, earlier=earlier(step=1.0)).series[0]) == 101_000


def test_a_tenth_of_a_step_is_near_enough_later_too():
    for off, there in ((0.0999, True), (0.1001, False)):
        when = dated("2024-01-01", "2024-01-02")._replace(ticks=np.array([0, DAY + int(off * DAY)], np.int64))
        if there:
            assert len(taken(when, earlier=earlier(Clock(1, "day"))).series[0]) == 2
        else:
            with pytest.raises(BadInput, match="expected times every day, as in training"):
                taken(when, earlier=earlier(Clock(1, "day")))
