"""Days and Unix time in digits alone, held against datetime; what is no day is none."""

from datetime import datetime

import numpy as np
import pytest

from wavetrain.tables import digits
from wavetrain.tables.times import SECOND

DAYS = {
    "202002": (2020, 2, 1),
    "20200229": (2020, 2, 29),
    "2020022923": (2020, 2, 29, 23),
    "202002292359": (2020, 2, 29, 23, 59),
    "20200229235958": (2020, 2, 29, 23, 59, 58),
    "10000101": (1000, 1, 1),
    "22001231": (2200, 12, 31),
}
NO_DAYS = (
    "2020",
    "20201301",
    "20200001",
    "20200132",
    "20200100",
    "2020013125",
    "202001310060",
    "20200131000061",
)
NO_DAYS += (
    "09991231",
    "22010101",
    "2020-1-1",
    "20210229",
    "2020010",
    "202001010",
    "20200101000",
    "2020010100000",
)


def seconds(*parts: int) -> int:
    return int((datetime(*parts) - datetime(1970, 1, 1)).total_seconds())  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", DAYS)
def test_days_in_digits(cell: str):
    assert digits.compact(cell) == seconds(*DAYS[cell]) * SECOND


@pytest.mark.parametrize("cell", NO_DAYS)
def test_what_is_no_day(cell: str):
    assert digits.compact(cell) is None


def test_the_last_of_each_unit():
    """An hour 24 and a second 60 are written, and are the next day and the next minute."""
    assert digits.at(2020, 12, 31, 24) == seconds(2021, 1, 1) * SECOND
    assert digits.at(2020, 1, 1, 0, 0, 60) == seconds(2020, 1, 1, 0, 1) * SECOND
    assert digits.at(2020, 1, 1, 0, 60) is None and digits.at(2020, 1, 1, -1) is None
    assert digits.at(2020, 1, 1, 0, -1) is None and digits.at(2020, 1, 1, 0, 0, -1) is None
    assert (
        digits.at(2020, 13) is None
        and digits.at(2020, 12, 31, 0, 59, 59) == seconds(2020, 12, 31, 0, 59, 59) * SECOND
    )
    assert digits.at(2020) == digits.at(2020, 1) == digits.at(2020, 1, 1) == seconds(2020, 1, 1) * SECOND


def test_moments_of_parts_of_the_calendar():
    assert digits.moment_of({"year": 2020, "month": 3}) == seconds(2020, 3, 1) * SECOND
    whole = {"year": 2020, "month": 3, "day": 4, "hour": 5, "minute": 6, "second": 7}
    assert digits.moment_of(whole) == seconds(2020, 3, 4, 5, 6, 7) * SECOND
    assert (
        digits.moment_of({**whole, "day": 4.5}) is None
        and digits.moment_of({"year": 2020, "month": 0}) is None
    )


def test_days_beyond_doubt_have_eight_digits():
    assert digits.are_days(["20200101", "2020010212"]) and not digits.are_days(["20200101", "202002"])
    assert not digits.are_days(["20200101", "20201301"])


def test_numbers_count_where_they_are_as_far_apart_to_a_thousandth():
    assert digits.is_even(np.array([3.0, 1.0, 2.0])) and digits.is_even(np.array([10.0, 10.5]))
    assert digits.is_even(1e-6 * np.arange(9.0)) and digits.is_even(1e6 * np.arange(9.0))
    assert digits.is_even(np.array([0.0, 1.0, 2.0, 3.0015])) and not digits.is_even(
        np.array([0.0, 1.0, 2.0, 3.003])
    )
    assert not digits.is_even(np.array([1.0])) and not digits.is_even(np.array([1.0, 1.0, 1.0]))
    assert not digits.is_even(np.array([1.0, 1.0, 2.0])) and not digits.is_even(np.array([0.0, np.inf, 1.0]))


def test_limits_of_what_counts_time():
    assert digits.COMPACT == {6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
    assert digits.UNIX == {1: "s", 10**3: "ms", 10**6: "µs", 10**9: "ns"}
    first, last = (datetime.fromtimestamp(one).year for one in (digits.SINCE, digits.UNTIL))
    assert (first, last) == (1979, 2099) and digits.YEARS == (1000, 2200)
    assert (digits.SINCE, digits.UNTIL) == (3.1e8, 4.1e9)
