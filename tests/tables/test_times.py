"""Times as people write them, against days and hours counted by hand."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables import times


def read(*cells: str) -> list[str]:
    moments = times.read("when", cells, range(1, 1 + len(cells)))
    return (
        []
        if moments is None
        else [str(np.datetime64(int(one), "us").astype("datetime64[m]")) for one in moments]
    )


ONE = {
    "2020-03-04": "2020-03-04T00:00",
    "2020/03/04 05:06": "2020-03-04T05:06",
    "2020-03-04T05:06:07.123456789": "2020-03-04T05:06",
    "2020-03-04 05:06:07,5": "2020-03-04T05:06",
    "20200304 05:06": "2020-03-04T05:06",
    "1949-02": "1949-02-01T00:00",
    "02-1949": "1949-02-01T00:00",
    "Jan-14-1995": "1995-01-14T00:00",
    "Feb 1949": "1949-02-01T00:00",
    "February 1949": "1949-02-01T00:00",
    "Feb-49": "2049-02-01T00:00",
    "1949Q2": "1949-04-01T00:00",
    "Q4 1949": "1949-10-01T00:00",
    "4-Mar-2020": "2020-03-04T00:00",
    "Mar 4, 2020 5:06 pm": "2020-03-04T17:06",
    "03/14/2020 12:00 AM": "2020-03-14T00:00",
    "03/14/2020 12:00 PM": "2020-03-14T12:00",
    "14.03.2020 11:59 p.m.": "2020-03-14T23:59",
    "2020-03-04 24:00": "2020-03-05T00:00",
    "2020-03-04T05:06Z": "2020-03-04T05:06",
    "2020-03-04 05:06 UTC": "2020-03-04T05:06",
    "2020-03-04T05:06+02:00": "2020-03-04T03:06",
    "2020-03-04T05:06 -0530": "2020-03-04T10:36",
    "2020-03-04T05:06+02": "2020-03-04T03:06",
    "Wed, 04 Mar 2020": "2020-03-04T00:00",
    "2020-03-04 05:06:60": "2020-03-04T05:07",
    "2020-03-04 23:59:59": "2020-03-04T23:59",
}


@pytest.mark.parametrize("cell", ONE)
def test_forms(cell: str):
    assert read(cell) == [ONE[cell]] and times.is_time(cell)


@pytest.mark.parametrize("cell", ["red", "", "12:30", "Q5 2020", "2020-13", "31.02.2020", "3 apples", "2020"])
def test_what_is_no_day(cell: str):
    assert read(cell) == [] and not times.is_time(cell)


def test_numbers_are_no_times_in_writing():
    assert not times.is_time("20200304") and not times.is_time("1.5e3")


YEARS = [(2001, month) for month in range(1, 13)] + [(2002, month) for month in range(1, 13)]
SERIES = {  # cells of which all can be read in two ways, and the months of the right one
    "days of February": ([f"{day:02}.02.2023" for day in range(1, 13)], [2] * 12),
    "first days of months": (
        [f"01/{month:02}/{year}" for year, month in YEARS],
        [month for _, month in YEARS],
    ),
    "days of January": ([f"01/{day:02}/2020" for day in range(1, 12)], [1] * 11),
    "hours of two days": ([f"0{day}/02/2020 {hour}:00" for day in (1, 2) for hour in range(24)], [2] * 48),
}


@pytest.mark.parametrize("cells, months", SERIES.values(), ids=SERIES)
def test_day_and_month_are_told_by_even_steps(cells: list[str], months: list[int]):
    assert [int(cell[5:7]) for cell in read(*cells)] == months


def test_one_day_beyond_twelve_decides_for_all():
    assert read("01.02.2017", "12.01.2017", "15.04.2017") == [
        "2017-02-01T00:00",
        "2017-01-12T00:00",
        "2017-04-15T00:00",
    ]


def test_the_hour_that_clocks_show_twice():
    """25 hours of the day that summer time ends, 23 of the day that it begins: none lost, none twice."""
    autumn = [f"2022-10-30T{hour:02}:00+02:00" for hour in range(3)]
    autumn += [f"2022-10-30T{hour:02}:00+01:00" for hour in range(2, 24)]
    spring = [f"2023-03-26T{hour:02}:00+01:00" for hour in range(2)]
    spring += [f"2023-03-26T{hour:02}:00+02:00" for hour in range(3, 24)]
    for cells, count in ((autumn, 25), (spring, 23)):
        moments = times.read("when", cells, range(count))
        assert moments is not None and set(np.diff(moments)) == {3600 * times.SECOND}
        assert len(moments) == count


@pytest.mark.parametrize(
    "cells, said",
    [
        (["2020-01-01"] * 20 + ["soon"], "line 21, when: expected a time like the others, got 'soon'"),
        (["2020-01-01"] * 20 + [""], "line 21, when: expected a time like the others, got ''"),
        (["2020-01-01 05:00", "2020-01-01 25:00"], "line 2, when: expected a time of day"),
        (["2020-01-01 13:00 PM"], "line 1, when: expected a time of day"),
        (["2020-01-01 00:30 PM"], "line 1, when: expected a time of day"),
        (["2020-01-01 24:00:01"], "line 1, when: expected a time of day"),
        (["2020-01-01 24:01:01"], "line 1, when: expected a time of day"),
        (["2020-01-01 05:60"], "line 1, when: expected a time of day"),
        (["2020-01-01 05:06:61"], "line 1, when: expected a time of day"),
        (["2020-01-01 05:00Z", "2020-01-01 06:00"], "with a time zone or without one throughout"),
    ],
)
def test_what_is_refused(cells: list[str], said: str):
    with pytest.raises(BadInput, match=said):
        read(*cells)


def test_long_cells_are_no_times_and_take_no_time():
    assert read(" " * 100_000 + "x") == []


def test_span():
    spans = {times.DAY: "1 day", 365 * times.DAY: "365 days", 900 * 10**6: "15 min", 5 * 10**5: "0.5 s"}
    assert {length: times.span(length) for length in spans} == spans


CLOCKS = ("", " %H:%M", "T%H:%M:%S", " %I:%M %p", " %H:%M:%S.%f", " %H:%MZ", " %H:%M UTC")


@pytest.mark.parametrize("form", times.FORMS)
def test_many_at_once_are_read_as_one_by_one(form: str):
    generator, most = np.random.default_rng(0), 9 * 10**14  # 285 years: pandas 2 ends at 292
    for clock in CLOCKS:
        ticks = generator.integers(-most, most, 300) * 10 + 2
        cells = [tick.strftime(form + clock) for tick in ticks.astype("datetime64[us]").tolist()]
        whole = times.at_once(cells)
        one_by_one = times.reading("when", cells, range(300))
        assert one_by_one is not None
        if form == "%Y%m%d":
            assert whole is None
            continue
        assert whole is not None, clock
        assert whole.moments.tolist() == one_by_one.moments.tolist()
        assert whole[1:] == one_by_one[1:]


def test_at_once_what_is_not_written_alike_is_left_to_be_read_one_by_one():
    days = [f"{day:02}/01/2020" for day in range(1, 32)]
    assert times.at_once([*days, "1 February 2020"]) is None
    assert times.at_once([*days, "01/02/2020 00:30"]) is None
    assert times.at_once([*days, ""]) is None
    assert times.at_once(["red", "blue"]) is None


def test_at_once_the_usual_form_is_taken():
    days = [f"{day:02}/01/2020" for day in range(1, 13)]
    first = times.at_once(days)
    again = times.at_once(days, usual="%m/%d/%Y")
    assert first is not None and (first.form, first.rival) == ("%d/%m/%Y", "%m/%d/%Y")
    assert again is not None and (again.form, again.rival) == ("%m/%d/%Y", "")


@pytest.mark.parametrize(
    ("zone", "form"),
    [("+0200", "%z"), ("+02:00", "%:z"), ("-02", "%:z"), ("Z", "Z"), (" UTC", " UTC"), ("", "")],
)
def test_the_form_of_a_zone(zone: str, form: str):
    found = times.reading("when", [f"2020-03-04 05:06{zone}", f"2020-03-05 05:06{zone}"], range(2))
    assert found is not None and found.form == f"%Y-%m-%d %H:%M{form}"


@pytest.mark.parametrize(
    ("clock", "microseconds"),
    [
        ("05:06", 18_360_000_000),
        ("05:06:07", 18_367_000_000),
        ("05:06:07.5", 18_367_500_000),
        ("05:06:07,25", 18_367_250_000),
        ("05:06:07.000001", 18_367_000_001),
        ("05:06:07.1234569", 18_367_123_456),  # what is finer is left off
        ("05:06:60", 18_420_000_000),
        ("1:02:03 am", 3_723_000_000),
        ("12:02 a.m.", 120_000_000),
        ("1:02 PM", 46_920_000_000),
        ("05:06:07+00:30", 16_567_000_000),
        ("05:06:07-01:15", 22_867_000_000),
    ],
)
def test_a_clock_to_the_microsecond(clock: str, microseconds: int):
    found = times.read("when", [f"1970-01-03 {clock}"], [1])
    assert found is not None and found.tolist() == [2 * 86_400 * 10**6 + microseconds]


def test_a_clock_alone_is_no_day():
    clocks = {"05:06": True, "5:06:07 pm": True, "2020-01-01 05:06": False, "5": False, "": False}
    assert {cell: times.is_clock(cell) for cell in clocks} == clocks


def test_a_tenth_of_a_column_of_times_may_be_wrong_and_is_told():
    with pytest.raises(BadInput, match="line 3, when: expected a time like the others, got 'soon'"):
        read("2020-01-01", "2020-01-02", "soon", *["2020-01-03"] * 7)
    assert read("2020-01-01", "2020-01-02", "soon", *["2020-01-03"] * 6) == []


def test_a_time_has_sixty_four_characters_at_most():
    day = "4 March 2020"
    for length, there in ((64, True), (65, False)):
        cell = day + " " * (length - len(day) - 5) + "05:06"
        assert len(cell) == length and times.is_time(cell) == there == bool(read(cell))


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("1949Q2", "%YQ%q"),
        ("1949-Q2", "%Y-Q%q"),
        ("Q2 1949", "Q%q %Y"),
        ("2020-03-04T05:06:07.25", "%Y-%m-%dT%H:%M:%S.%f"),
        ("04.03.2020, 05:06", "%m.%d.%Y, %H:%M"),
        ("Mar 4, 2020 5:06 pm", "%b %d, %Y %I:%M %p"),
        ("4 March 2020", "%d %B %Y"),
    ],
)
def test_the_form_of_a_cell(cell: str, form: str):
    found = times.reading("when", [cell], [1], usual="%m.%d.%Y")
    assert found is not None and found.form == form


def test_the_usual_form_is_taken_where_it_reads_all():
    cells = [f"{day:02}/01/2020 05:00" for day in (3, 4, 5, 6)]
    assert [one[:10] for one in read(*cells)] == [f"2020-01-{day:02}" for day in (3, 4, 5, 6)]
    for usual, form, rival in (
        ("", "%d/%m/%Y %H:%M", "%m/%d/%Y"),
        ("%m/%d/%Y", "%m/%d/%Y %H:%M", ""),
        ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", ""),
        ("%m/%d/%YT%H:%M", "%m/%d/%Y %H:%M", ""),
        ("%Y-%m-%d", "%d/%m/%Y %H:%M", "%m/%d/%Y"),
    ):
        for found in (times.reading("when", cells, range(4), usual), times.at_once(cells, usual)):
            assert found is not None and (found.form, found.rival) == (form, rival)


def test_lengths_in_words_at_their_bounds():
    second = times.SECOND
    spans = {
        59 * second: "59 s",
        60 * second: "1 min",
        3599 * second: "59.98 min",
        3600 * second: "1 h",
        86_399 * second: "24 h",
        1.5 * times.DAY: "1.5 days",
    }
    assert second == 10**6 and {length: times.span(length) for length in spans} == spans
