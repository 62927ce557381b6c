"""Times that follow: the anchor of the series is kept, an hour is an hour, and what is written reads back."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.clock import Clock, moment


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
