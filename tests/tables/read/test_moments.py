"""Times of a column: objects of Python, zones, offsets, and days as spreadsheets count them."""

import datetime

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.read import moments
from wavetrain.tables.read.frames import table_of_frame
from wavetrain.tables.times import DAY, SECOND

DAYS = [datetime.date(2024, 1, day) for day in (1, 2, 3)]
EAST = datetime.timezone(datetime.timedelta(hours=2))


def of(cells: list) -> moments.Moments | None:
    return moments.moments(table_of_frame(pd.DataFrame({"when": pd.Series(cells, dtype=object)})), "when")


def test_dates_and_times_of_python():
    found = of(DAYS)
    assert found is not None and np.diff(found.ticks).tolist() == [DAY, DAY] and found.written.zone == ""
    assert found.ticks[0] == 19_723 * DAY and found.calendar
    aware = of([datetime.datetime(2024, 1, day, 2, tzinfo=EAST) for day in (1, 2)])
    assert aware is not None and aware.ticks[0] == 19_723 * DAY and aware.written.zone == "+02:00"
    mixed = of(
        [datetime.datetime(2024, 1, 1, 2, tzinfo=EAST), datetime.datetime(2024, 1, 1, 1, tzinfo=datetime.UTC)]
    )
    assert (
        mixed is not None and np.diff(mixed.ticks).tolist() == [3600 * SECOND] and mixed.written.zone == "UTC"
    )
    with pytest.raises(BadInput, match="with a time zone or without one throughout, got both"):
        of([datetime.datetime(2024, 1, 1, tzinfo=EAST), datetime.datetime(2024, 1, 2)])
    with pytest.raises(BadInput, match="line 2, when: expected a time, got none"):
        of([DAYS[0], None, DAYS[2]])
    assert of([3, 4]) is None and of([None, None]) is None


@pytest.mark.parametrize(
    ("zone", "minutes"), [("+02:00", 120), ("-0330", -210), ("+05", 300), ("-5", -3000), ("Z", 0), ("", 0)]
)
def test_offsets_in_minutes(zone: str, minutes: int):
    assert moments._offset(zone) == minutes


@pytest.mark.parametrize("offset", ["+02:00", "-03:30", "-00:01"])
def test_one_offset_throughout_is_the_zone(offset: str):
    found = of([f"2024-01-0{day} 05:00{offset}" for day in (1, 2, 3)])
    assert found is not None and (found.written.zone, found.written.form) == (offset, "%Y-%m-%d %H:%M%:z")


def test_days_of_a_spreadsheet_are_right_to_a_millisecond():
    ticks = np.array([-1500, -500, 499, 500, 1499, 1500])
    assert moments._to_milliseconds(ticks).tolist() == [-1000, 0, 0, 1000, 1000, 2000]
    assert (moments.SERIAL, moments.EPOCH, moments.MANY) == ((20_000, 80_000), 25_569, 1000)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("%d.%m.%Y %H:%M", "day.month.year"),
        ("%Y-%m-%dT%H:%M:%S", "year-month-day"),
        ("%b %d, %y %I:%M %p", "month day, year"),
    ],
)
def test_a_form_in_words(form: str, words: str):
    assert moments._plain(form) == words


@pytest.mark.parametrize(("column", "dated"), [("date", True), ("x", False)])
def test_days_as_spreadsheets_count_them(column: str, dated: bool):
    numbers = np.array([20_000.0, 80_000.0])
    table = table_of_frame(pd.DataFrame({column: numbers}))
    found = moments._ticks(table, column, numbers)
    assert (found is not None) == dated
    if found is not None:
        assert found[0].tolist() == [(20_000 - 25_569) * DAY, (80_000 - 25_569) * DAY]
    for outside in ([19_999.0, 30_000.0], [30_000.0, 80_001.0]):
        assert moments._ticks(table, column, np.array(outside)) is None
