"""Times that follow: the anchor of the series is kept, an hour is an hour, and what is written reads back."""

from datetime import datetime

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.clock import Clock, moment, zone_of


@pytest.mark.parametrize(
    ("clock", "last", "following"),
    [
        (Clock(1, "month"), "2014-12-01", ["2015-01-01", "2015-02-01", "2015-03-01"]),
        (Clock(1, "month", end=True), "2023-03-31", ["2023-04-30", "2023-05-31", "2023-06-30"]),
        (Clock(1, "month", end=True), "2023-02-28", ["2023-03-31", "2023-04-30"]),
        (Clock(1, "month", day=30), "2023-02-28", ["2023-03-30", "2023-04-30"]),
        (Clock(1, "week"), "2019-01-01", ["2019-01-08", "2019-01-15"]),  # Tuesdays
        (Clock(1, "quarter"), "2019-10-01", ["2020-01-01", "2020-04-01"]),
        (Clock(1, "year"), "2019-02-28", ["2020-02-28"]),
        (Clock(1, "year", day=29), "2020-02-29", ["2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29"]),
        (Clock(1, "working day"), "2024-03-01", ["2024-03-04", "2024-03-05"]),  # after a Friday, a Monday
        (Clock(2, "day"), "2024-02-28", ["2024-03-01", "2024-03-03"]),
        (Clock(15, "minute"), "2020-02-29T23:45", ["2020-03-01 00:00:00", "2020-03-01 00:15:00"]),
        (
            Clock(1, "hour", zone="Europe/Amsterdam"),  # the hour from two to three is there twice
            "2022-10-30T02:00+02:00",
            ["2022-10-30 02:00:00+01:00", "2022-10-30 03:00:00+01:00", "2022-10-30 04:00:00+01:00"],
        ),
        (
            Clock(1, "day", zone="Europe/Amsterdam"),  # a day is then 25 hours
            "2022-10-29T00:00+02:00",
            ["2022-10-30 00:00:00+02:00", "2022-10-31 00:00:00+01:00"],
        ),
        (Clock(1, "day", form="%d.%m.%Y"), "2022-10-29", ["30.10.2022"]),
    ],
)
def test_the_next_times_keep_the_anchor(clock: Clock, last: str, following: list[str]):
    times = clock.after(moment(last), len(following))
    assert times.dtype == np.int64
    assert clock.told(times) == following
    assert [clock.later(moment(last), steps) for steps in range(1, len(following) + 1)] == times.tolist()


@pytest.mark.parametrize(
    ("clock", "before", "time", "steps"),
    [
        (Clock(2, "day"), "2024-02-28", "2024-03-03", 2.0),
        (Clock(2, "day"), "2024-02-28", "2024-02-29T12:00", 0.5 + 0.5),
        (Clock(1, "week"), "2024-01-01", "2024-01-22", 3.0),
        (Clock(2, "month"), "2023-11-30", "2024-03-30", 2.0),
        (Clock(1, "quarter"), "2023-10-01", "2024-04-01", 2.0),
        (Clock(2, "year"), "2020-01-01", "2024-01-01", 2.0),
        (Clock(1, "working day"), "2024-03-01", "2024-03-05", 2.0),
        (Clock(15, "minute"), "2024-03-01", "2024-03-01T00:45", 3.0),
        (Clock(1, "day"), "2024-03-01T06:00", "2024-03-02T12:00", 1.25),
    ],
)
def test_steps_between_two_times(clock: Clock, before: str, time: str, steps: float):
    assert clock.between(moment(before), moment(time)) == steps


def test_a_clock_says_no_more_than_it_is_told():
    plain = Clock(1, "month")
    assert (plain.end, plain.day, plain.zone, plain.form) == (False, 0, "", "")
    assert str(plain) == "month" and str(Clock(2, "month")) == "2 months"
    assert plain.told(np.array([moment("2024-01-01"), moment("2024-01-01T00:00:00.5")])) == [
        "2024-01-01 00:00:00",
        "2024-01-01 00:00:00.500000",
    ]
    assert Clock(1, "quarter", form="%Y-Q%q").told(
        np.array([moment("2024-03-31"), moment("2024-04-01")])
    ) == [
        "2024-Q1",
        "2024-Q2",
    ]


@pytest.mark.parametrize(("zone", "hours"), [("+02:00", 2.0), ("-03:30", -3.5), ("+5", 5.0), ("UTC", 0.0)])
def test_zones_by_their_offset(zone: str, hours: float):
    there = zone_of(zone).utcoffset(datetime(2024, 1, 1))
    assert there is not None and there.total_seconds() == 3600 * hours


def test_the_days_on_which_clocks_are_changed_have_25_and_23_hours():
    clock = Clock(1, "hour", zone="Europe/Amsterdam")
    for day, hours in (("2022-10-30", 25), ("2023-03-26", 23)):
        times = clock.after(moment(f"{day}T00:00") - 3 * 3600 * 10**6, 48)
        assert sum(one.startswith(day) for one in clock.told(times)) == hours


def test_one_after_another_is_as_many_at_once():
    clock, time, one_by_one = Clock(1, "month", end=True), moment("2023-01-31"), []
    for _ in range(14):
        time = int(clock.after(time, 1)[0])
        one_by_one.append(time)
    assert clock.after(moment("2023-01-31"), 14).tolist() == one_by_one


@pytest.mark.parametrize(("count", "unit"), [(0, "hour"), (1, "fortnight")])
def test_a_step_that_is_none_is_refused(count: int, unit: str):
    with pytest.raises(BadInput, match="expected a count of"):
        Clock(count, unit)
