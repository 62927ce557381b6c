"""One time by itself: in the form, the zone and the parts of its column, and in no other."""

import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.clock import DAY, SECOND, Clock, moment
from wavetrain.tables.read.stamp import EPOCH, Stamp

HOUR = 3600 * SECOND


def of(form: str, *cells: str, zone: str = "", columns: tuple[str, ...] = ("when",)) -> int:
    return Stamp(Clock(1, "day", form=form, zone=zone), columns)(cells)


@pytest.mark.parametrize(
    ("form", "cell", "zone", "time"),
    [
        ("%Y-%m-%d", "1970-01-02", "", "1970-01-02"),
        ("%Y-%m-%d", " 1970-01-02 ", "", "1970-01-02"),
        ("%Y-%m-%d %H:%M", "1970-01-02 03:04", "", "1970-01-02 03:04"),
        ("%Y-%m-%d %H:%M", "1970-01-02T03:04:05.25", "", "1970-01-02 03:04:05.25"),
        ("%Y-%m-%d %H:%M", "1970-01-02 03:04", "+02:00", "1970-01-02 01:04"),
        ("%Y-%m-%d %H:%M%:z", "1970-01-02 03:04+05:30", "+02:00", "1970-01-01 21:34"),
        ("%d.%m.%Y %H:%M%:z", "02.01.1970 03:04+01:00", "UTC", "1970-01-02 02:04"),
        ("%d.%m.%Y", "02.01.1970", "Europe/Oslo", "1970-01-01 23:00"),
        ("%Y-Q%q", "1970-Q2", "", "1970-04-01"),
        ("%b %Y", "Feb 1970", "", "1970-02-01"),
        ("", "1970-01-02 03:04", "", "1970-01-02 03:04"),
        ("%H:%M:%S.%f %d.%m.%Y", "00:00:01.5 02.01.1970", "", "1970-01-02 00:00:01.5"),
    ],
)
def test_a_time_in_the_form_of_its_column(form: str, cell: str, zone: str, time: str):
    assert of(form, cell, zone=zone) == moment(time)


def test_a_day_and_a_clock_in_two_columns():
    assert of("%d.%m.%Y %H:%M", "02.01.1970", "03:00", columns=("day", "clock")) == DAY + 3 * HOUR


PARTS = ("Year", "Quarter")


def test_parts_of_the_calendar():
    for quarter, month in ((1, "01"), (2, "04"), (3, "07"), (4, "10")):
        assert of("", "1970", str(quarter), columns=PARTS) == moment(f"1970-{month}-01")
    whole = ("year", "month", "day", "hour", "minute", "second")
    assert of("", "1970", "2", "3", "4", "5", "6", columns=whole) == moment("1970-02-03 04:05:06")
    for cells in (("1970", "5"), ("1970", "two"), ("1970", "1.5")):
        with pytest.raises(BadInput) as caught:
            of("", *cells, columns=PARTS)
        assert str(caught.value) == (
            f"Year, Quarter: expected a time like 1970-01-01, got '{' '.join(cells)}'"
        )
    assert of("%d.%m.%Y", "02.01.1970", columns=("month",)) == DAY  # one column is none of parts


SECONDS = {1: "s", 1e3: "ms", 1e6: "µs", 1e9: "ns"}


@pytest.mark.parametrize("unit", SECONDS)
def test_numbers_are_unix_time(unit: float):
    for seconds in (310_000_001, 4_099_999_999):
        assert of("", f"{int(unit * seconds)}") == seconds * SECOND
    assert of("", f"{1_700_000_000 * unit + unit / 4:.9f}") == 1_700_000_000 * SECOND + SECOND // 4


def test_numbers_are_days_of_a_spreadsheet():
    assert EPOCH == 25_569
    for number in (20_000, 25_569, 80_000):
        assert of("", str(number)) == (number - 25_569) * DAY
    assert of("", "25569.5") == DAY // 2
    assert of("", f"{25_569 + 1 / 24:.9f}") == HOUR  # right to a millisecond
    assert of("", f"{25_569 + 1.0006e-3 / 86400:.15f}") % 1000 == 0
    for number in ("19999.9", "80000.1", "310000000", "5"):
        with pytest.raises(BadInput, match=r"^when: expected a time like 1970-01-01, got "):
            of("", number)


@pytest.mark.parametrize(
    ("form", "cell"),
    [
        ("%d.%m.%Y", "2024-01-02"),
        ("%d.%m.%Y", "31.02.2024"),
        ("%Y-%m-%d", "2024-13-01"),
        ("%Y-%m-%d", "01.02.2024"),
        ("%Y-Q%q", "2024-Q5"),
        ("%Y-Q%q", "2024-01-01"),
        ("%m/%d/%Y", "13/01/2024"),
        ("", "soon"),
        ("", "01.02.2024"),
        ("%d.%m.%Y", "x" * 50),
    ],
)
def test_a_time_in_another_form_is_refused(form: str, cell: str):
    with pytest.raises(BadInput) as caught:
        of(form, cell)
    example = Clock(1, "day", form=form).told([0])[0]  # type: ignore[arg-type]
    assert str(caught.value) == f"when: expected a time like {example}, got {cell[:40]!r}"
