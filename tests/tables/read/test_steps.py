"""The clock of times by the calendar: local days, the step that is found, and how far each row lies."""

import datetime

import numpy as np
import pytest

from wavetrain.tables.clock import DAY, SECOND, Clock, moment
from wavetrain.tables.read.steps import Written, clock_of, local, places

HOUR = 3600 * SECOND


def at(*texts: str) -> np.ndarray:
    return np.array([moment(text) for text in texts], np.int64)


@pytest.mark.parametrize(
    "text", ["1970-01-01", "1969-12-31 23:59:59.999999", "2024-02-29 06:30", "2023-02-28", "2100-12-31 01:00"]
)
def test_local_times_are_those_of_the_calendar(text: str):
    there = datetime.datetime.fromisoformat(text)
    here = local(at(text), "")
    assert here.day.tolist() == [there.toordinal() - datetime.date(1970, 1, 1).toordinal()]
    assert here.clock.tolist() == [moment(text) - int(here.day[0]) * DAY]
    assert here.month.tolist() == [12 * (there.year - 1970) + there.month - 1]
    first = there.replace(day=1)
    after = (first + datetime.timedelta(days=31)).replace(day=1)
    assert (here.of_month.tolist(), here.longest.tolist()) == ([there.day], [(after - first).days])


def test_a_zone_has_days_of_its_own():
    here = local(at("2024-01-31 23:30", "2024-06-30 22:30"), "Europe/Oslo")
    assert (here.of_month.tolist(), here.month.tolist()) == ([1, 1], [54 * 12 + 1, 54 * 12 + 6])
    assert here.clock.tolist() == [HOUR // 2, HOUR // 2]
    assert local(at("2024-02-01"), "-00:30").of_month.tolist() == [31]


FOUND: dict[str, tuple[list[str], Clock | None]] = {
    "hours": (["2024-01-01 00:00", "2024-01-01 02:00", "2024-01-01 04:00"], Clock(2, "hour")),
    "a minute and a half": (["2024-01-01 00:00", "2024-01-01 00:01:30"], Clock(90, "second")),
    "90 minutes": (["2024-01-01 00:00", "2024-01-01 01:30"], Clock(90, "minute")),
    "fractions": (["2024-01-01", "2024-01-01 00:00:00.25"], Clock(250_000, "microsecond")),
    "the commonest": (["2024-01-01", "2024-01-04", "2024-01-05", "2024-01-06"], Clock(1, "day")),
    "the shorter of two as common": (["2024-01-01", "2024-01-02", "2024-01-05"], Clock(1, "day")),
    "six days": (["2024-01-01", "2024-01-07"], Clock(6, "day")),
    "a week": (["2024-01-01", "2024-01-08"], Clock(1, "week")),
    "two weeks": (["2024-01-01", "2024-01-15"], Clock(2, "week")),
    "27 days": (["2024-02-03", "2024-03-01"], Clock(27, "day")),
    "four weeks, by the day": (["2023-02-01", "2023-03-01"], Clock(1, "month")),
    "four weeks, beside months": (["2024-01-01", "2024-01-29", "2024-02-26"], Clock(4, "week")),
    "two months": (["2024-01-05", "2024-03-05"], Clock(2, "month")),
    "three months": (["2024-01-05", "2024-04-05"], Clock(1, "quarter")),
    "six months": (["2024-01-31", "2024-07-31"], Clock(2, "quarter", day=31)),
    "ten months": (["2024-01-05", "2024-11-05"], Clock(10, "month")),
    "twelve months": (["2024-01-05", "2025-01-05"], Clock(1, "year")),
    "two years": (["2024-01-05", "2026-01-05"], Clock(2, "year")),
    "day 28": (["2023-01-28", "2023-02-28"], Clock(1, "month")),
    "day 29": (["2023-03-29", "2023-04-29"], Clock(1, "month", day=29)),
    "ends": (["2024-02-29", "2024-03-31", "2024-04-30"], Clock(1, "month", end=True)),
    "day 30 and a short month": (["2023-02-28", "2023-03-30"], Clock(1, "month", day=30)),
    "neither": (["2023-01-28", "2023-02-27"], Clock(30, "day")),
    "days beyond 28 that fit no month": (["2023-01-30", "2023-03-02"], Clock(31, "day")),
    "up to 28 days": (["2023-01-26", "2023-02-28"], Clock(33, "day")),
    "Friday to Monday": (["2024-03-07", "2024-03-08", "2024-03-11"], Clock(1, "working day")),
    "within a week": (["2024-03-04", "2024-03-05", "2024-03-06"], Clock(1, "day")),
    "a Saturday": (["2024-03-07", "2024-03-08", "2024-03-09", "2024-03-11"], Clock(1, "day")),
    "at noon": (["2024-03-07 12:00", "2024-03-08 12:00", "2024-03-11 12:00"], Clock(1, "working day")),
    "not at one hour": (["2024-03-07 12:00", "2024-03-08 13:00"], Clock(25, "hour")),
    "one row": (["2024-03-07"], None),
}


@pytest.mark.parametrize("case", FOUND)
def test_the_step_is_the_commonest_one_in_the_calendar(case: str):
    texts, clock = FOUND[case]
    assert clock_of(at(*texts), np.zeros(len(texts), int), Written()) == clock


@pytest.mark.parametrize("unit", ["2024-01-02 01:00", "2024-01-02", "2024-02-01", "2024-01-04"])
def test_the_zone_and_the_form_are_kept(unit: str):
    days = ["2024-01-03", "2024-01-05", "2024-01-08"] if unit == "2024-01-04" else ["2024-01-01"]
    found = clock_of(at(*sorted([*days, unit])), np.zeros(len(days) + 1, int), Written("UTC", "%d.%m.%Y"))
    assert found is not None and (found.zone, found.form) == ("UTC", "%d.%m.%Y")


def test_no_step_reaches_from_one_series_to_the_next():
    texts = ["2024-01-01", "2024-01-03", "2023-05-05 06:00", "2023-05-07 06:00", "2022-01-01 07:00"]
    assert clock_of(at(*texts), np.array([0, 0, 1, 1, 2]), Written()) == Clock(2, "day")
    assert clock_of(at(*texts), np.arange(5), Written()) is None
    months = at("2024-01-31", "2024-03-31", "2023-01-15", "2023-03-15")  # each series has a day of its own
    assert clock_of(months, np.array([0, 0, 1, 1]), Written()) == Clock(2, "month")


PLACES: list[tuple[Clock, list[str], list[float]]] = [
    (Clock(2, "hour"), ["2024-01-01 01:00", "2024-01-01 03:00", "2024-01-01 04:30"], [0, 1, 1.75]),
    (Clock(90, "second"), ["2024-01-01 00:00", "2024-01-01 00:03"], [0, 2]),
    (Clock(2, "day"), ["2024-01-01", "2024-01-05", "2024-01-06"], [0, 2, 2.5]),
    (Clock(1, "week"), ["2024-01-01", "2024-01-15", "2024-01-15 12:00"], [0, 2, 2.5]),
    (Clock(1, "working day"), ["2024-03-07 06:00", "2024-03-08 06:00", "2024-03-11 12:00"], [0, 1, 2.25]),
    (Clock(1, "month"), ["2023-11-30", "2024-02-29", "2024-03-30 18:00"], [0, 3, 4.75]),
    (Clock(2, "quarter"), ["2023-01-01", "2024-01-01"], [0, 2]),
    (Clock(1, "year"), ["2023-01-01", "2024-01-01", "2024-07-01"], [0, 1, 1.5]),
]


@pytest.mark.parametrize(("clock", "texts", "wanted"), PLACES)
def test_rows_lie_so_many_steps_behind_the_first(clock: Clock, texts: list[str], wanted: list[float]):
    found = places(at(*texts), clock)
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    first = moment(texts[0])
    np.testing.assert_allclose(found, [clock.between(first, moment(text)) for text in texts], atol=1e-12)


def test_days_of_a_zone_are_one_step_across_a_change_of_clocks():
    days = at("2024-03-30 00:00+01:00", "2024-03-31 00:00+01:00", "2024-04-01 00:00+02:00")
    assert places(days, Clock(1, "day", zone="Europe/Oslo")).tolist() == [0, 1, 2]
    assert clock_of(days, np.zeros(3, int), Written("Europe/Oslo")) == Clock(1, "day", zone="Europe/Oslo")
