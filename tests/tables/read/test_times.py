"""The clock that is found: its step, its anchor, its zone and its form, and the gaps in it."""

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.clock import Clock
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read
from wavetrain.tables.read.said import step


def table(times: object, name: str = "when") -> pd.DataFrame:
    count = len(list(times))  # type: ignore[call-overload]
    return pd.DataFrame({name: times, "y": np.arange(count) * 7 % 5 + 0.5})


def following(panel: Panel, steps: int = 3) -> list[str]:
    assert panel.clock is not None and panel.series[0].times is not None
    return panel.clock.told(panel.clock.after(int(panel.series[0].times[-1]), steps))


NEXT = {  # what is read, the step, and what comes next
    "first of months": (
        ["2014-10-01", "2014-11-01", "2014-12-01"],
        "month",
        ["2015-01-01", "2015-02-01", "2015-03-01"],
    ),
    "ends of months": (
        ["2023-01-31", "2023-02-28", "2023-03-31"],
        "month",
        ["2023-04-30", "2023-05-31", "2023-06-30"],
    ),
    "day 30": (
        ["2023-01-30", "2023-02-28", "2023-03-30"],
        "month",
        ["2023-04-30", "2023-05-30", "2023-06-30"],
    ),
    "Tuesdays": (
        ["2019-01-01", "2019-01-08", "2019-01-15"],
        "week",
        ["2019-01-22", "2019-01-29", "2019-02-05"],
    ),
    "quarters": (
        ["2019-01-01", "2019-04-01", "2019-07-01"],
        "quarter",
        ["2019-10-01", "2020-01-01", "2020-04-01"],
    ),
    "ends of quarters": (
        ["2019-03-31", "2019-06-30", "2019-09-30"],
        "quarter",
        ["2019-12-31", "2020-03-31", "2020-06-30"],
    ),
    "written quarters": (
        ["2019-Q1", "2019-Q2", "2019-Q3"],
        "quarter",
        ["2019-Q4", "2020-Q1", "2020-Q2"],
    ),
    "leap days": (
        ["2020-02-29", "2021-02-28", "2022-02-28"],
        "year",
        ["2023-02-28", "2024-02-29", "2025-02-28"],
    ),
    "years": (
        [2001, 2002, 2003],
        "year",
        ["2004", "2005", "2006"],
    ),
    "working days": (
        [
            "2024-02-28",
            "2024-02-29",
            "2024-03-01",
            "2024-03-04",
            "2024-03-05",
            "2024-03-06",
            "2024-03-07",
            "2024-03-08",
        ],
        "working day",
        ["2024-03-11", "2024-03-12", "2024-03-13"],
    ),
    "quarters of an hour": (
        ["2020-02-29 23:15", "2020-02-29 23:30", "2020-02-29 23:45"],
        "15 minutes",
        ["2020-03-01 00:00", "2020-03-01 00:15", "2020-03-01 00:30"],
    ),
    "12 hours": (
        ["01/13/2020 10:00 PM", "01/13/2020 11:00 PM", "01/14/2020 12:00 AM"],
        "hour",
        ["01/14/2020 01:00 AM", "01/14/2020 02:00 AM", "01/14/2020 03:00 AM"],
    ),
    "names of months": (
        ["29-Mar-1958", "30-Mar-1958", "31-Mar-1958"],
        "day",
        ["01-Apr-1958", "02-Apr-1958", "03-Apr-1958"],
    ),
    "two weeks": (
        ["2019-01-01", "2019-01-15", "2019-01-29"],
        "2 weeks",
        ["2019-02-12", "2019-02-26", "2019-03-12"],
    ),
    "days in digits": (
        ["20200130", "20200131", "20200201"],
        "day",
        ["20200202", "20200203", "20200204"],
    ),
    "UTC": (
        ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z"],
        "hour",
        ["2020-01-01T02:00:00Z", "2020-01-01T03:00:00Z"],
    ),
    "an offset": (
        ["2020-01-01T00:00+05:30", "2020-01-01T01:00+05:30"],
        "hour",
        ["2020-01-01T02:00+05:30"],
    ),
}


@pytest.mark.parametrize("case", NEXT)
def test_the_next_times(case: str):
    told, step, later = NEXT[case]
    panel = read(table(told, "year" if case == "years" else "when"))
    assert str(panel.clock) == step
    assert following(panel, len(later)) == later
    assert panel.clock.told(panel.series[0].times) == [str(one) for one in told]
    assert "no gaps" in panel.said[3] and f"every {step}" in panel.said[2]


def test_a_day_of_the_month_that_some_months_lack_is_said():
    said = read(table(["2023-01-30", "2023-02-28", "2023-03-30"])).said[2]
    assert "every month on day 30, or the last one of shorter months" in said


@pytest.mark.parametrize("name", ["date", "time"])
def test_days_come_before_months_where_steps_are_then_even(name: str):
    panel = read(table([f"{day:02}.02.2023" for day in range(1, 13)], name))
    assert str(panel.clock) == "day" and following(panel, 1) == ["13.02.2023"]
    assert "read as day.month.year, not month.day.year" in panel.said[2]


def test_one_form_is_taken_for_a_whole_column():
    panel = read(table(["12.01.2017", "01.02.2017", "15.04.2017"]))
    assert panel.said[2].startswith("12.01.2017 to 15.04.2017 by when") and "read as" not in panel.said[2]
    panel = read(table(["12.01.2017", "01.02.2017", "13.01.2017"]))
    assert panel.clock.told(panel.series[0].times[:2]) == ["12.01.2017", "13.01.2017"]


AUTUMN, SPRING = ("2022-10-30", 25), ("2023-03-26", 23)


@pytest.mark.parametrize("day, hours", [AUTUMN, SPRING])
@pytest.mark.parametrize("written", ["offsets", "frame"])
def test_days_on_which_clocks_are_changed(day: str, hours: int, written: str):
    times = pd.date_range(day, periods=hours, freq="h", tz="Europe/Amsterdam")
    told = [one.isoformat(timespec="minutes") for one in times] if written == "offsets" else times
    panel = read(table(told))
    assert len(panel.series[0]) == hours and "no gaps" in panel.said[3]
    assert str(panel.clock) == "hour"
    utc = read(table(times.tz_convert("UTC")))
    np.testing.assert_array_equal(utc.series[0].values, panel.series[0].values)
    np.testing.assert_array_equal(utc.series[0].times, panel.series[0].times)


def test_what_follows_a_change_of_clocks_is_written_with_the_new_offset():
    last = pd.Timestamp("2022-10-30T02:00+02:00").tz_convert("Europe/Amsterdam")
    times = pd.date_range(end=last, periods=5800, freq="h")
    told = [one.isoformat(timespec="minutes") for one in times]
    assert told[-1] == "2022-10-30T02:00+02:00"
    panel = read(table(told))
    assert following(panel) == ["2022-10-30T02:00+01:00", "2022-10-30T03:00+01:00", "2022-10-30T04:00+01:00"]
    assert following(read(table(times))) == [
        one.replace("T", " ").replace("+", ":00+") for one in following(panel)
    ]


def test_days_of_a_zone_are_days():
    times = pd.date_range("2022-10-25", periods=10, freq="D", tz="Europe/Amsterdam")
    panel = read(table(times))
    assert str(panel.clock) == "day" and "no gaps" in panel.said[3]


def test_an_hour_that_is_there_twice_without_an_offset_is_explained():
    local = pd.date_range("2022-10-30", periods=25, freq="h", tz="Europe/Amsterdam").tz_localize(None)
    with pytest.raises(
        BadInput, match=r"2022-10-30 02:00.*clocks are put back then: give times with their offset"
    ):
        read(table(local.strftime("%Y-%m-%d %H:%M")))


def test_zones_throughout_or_not_at_all():
    with pytest.raises(BadInput, match="with a time zone or without one throughout"):
        read(table(["2020-01-01 00:00Z", "2020-01-01 01:00", "2020-01-01 02:00Z"]))


def test_gaps_become_rows_without_numbers():
    hours = [f"2024-05-01 {hour:02}:00" for hour in range(24) if not 13 <= hour <= 15]
    panel = read(table(hours))
    values = panel.series[0].values[:, 0]
    assert len(values) == 24 and np.isnan(values[13:16]).all() and np.isnan(values).sum() == 3
    assert panel.said[3] == "1 gap, 3 steps; no cell is missing"
    assert np.diff(panel.series[0].times).tolist() == [3600 * 10**6] * 23
    assert values[16] == table(hours).y[13]


def test_months_stay_months_where_one_is_missing():
    months = [f"{2020 + place // 12}-{place % 12 + 1:02}-01" for place in range(24)]
    assert len(read(table(months)).series[0]) == 24
    panel = read(table([*months[:7], *months[8:]]))
    assert str(panel.clock) == "month" and len(panel.series[0]) == 24
    assert panel.said[3].startswith("1 gap, 1 step;")
    assert panel.clock.told(panel.series[0].times[7:8]) == [months[7]]


def test_a_holiday_is_a_gap_in_working_days():
    days = [str(np.busday_offset("2024-01-01", place)) for place in range(20)]
    panel = read(table([*days[:6], *days[7:]]))
    assert str(panel.clock) == "working day" and len(panel.series[0]) == 20


def test_no_row_comes_after_the_last_or_before_the_first():
    panel = read(table(["2020-01-05", "2020-01-06", "2020-01-08"]))
    assert panel.clock.told(panel.series[0].times[[0, -1]]) == ["2020-01-05", "2020-01-08"]


def test_uneven_times_are_said_and_rows_numbered():
    panel = read(table(["2020-01-01 00:00", "2020-01-01 00:07", "2020-01-01 00:31", "2020-01-01 02:00"]))
    assert panel.clock is None and panel.series[0].times is None
    assert "times are uneven" in panel.said[2]


def test_a_step_that_would_make_far_too_many_rows_is_said():
    panel = read(
        table(["2020-01-01 00:00:00", "2020-01-01 00:00:01", "2020-01-01 00:00:02", "2021-01-01 00:00:00"])
    )
    assert panel.clock is None and "rows are taken one after another" in panel.said[2]


def test_times_a_little_off_are_taken_for_their_step():
    seconds = [0, 61, 119, 180, 241]
    panel = read(table(pd.Timestamp("2020-01-01") + pd.to_timedelta([0, 60, 121, 180, 240], unit="s")))
    assert len(seconds) == len(panel.series[0]) and str(panel.clock) == "minute"
    assert "of a step beside it" in panel.said[2]


def test_serial_days_of_spreadsheets():
    panel = read(table([42008, 42015, 42022, 42029], "date"))
    assert str(panel.clock) == "week"
    assert panel.clock.told(panel.series[0].times[:1]) == ["2015-01-04"]
    hours = [41551 + hour / 24 - 2e-10 for hour in range(48)]
    panel = read(table(hours, "date"))
    assert str(panel.clock) == "hour" and "no gaps" in panel.said[3]
    assert not (panel.series[0].times % (3600 * 10**6)).any()


def test_spreadsheets_with_times_a_fraction_off(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["when", "y"])
    for hour in range(48):
        book.active.append([41551 + hour / 24 - 2e-10, hour % 5])
        book.active.cell(hour + 2, 1).number_format = "yyyy-mm-dd hh:mm"
    book.save(tmp_path / "hours.xlsx")
    panel = read(tmp_path / "hours.xlsx")
    assert str(panel.clock) == "hour" and "no gaps" in panel.said[3]
    assert panel.clock.told(panel.series[0].times[:2]) == ["2013-10-04 00:00:00", "2013-10-04 01:00:00"]


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_unix_time(unit: int):
    panel = read(table([unit * (1_700_000_000 + 60 * place) for place in range(10)], "timestamp"))
    assert str(panel.clock) == "minute"
    assert panel.series[0].times[0] == 1_700_000_000 * 10**6


def test_days_and_clocks_in_columns_of_their_own():
    frame = pd.DataFrame(
        {"Date": ["13/05/2020"] * 3, "Time": ["10:00", "10:30", "11:00"], "y": [1.0, 3.0, 2.0]}
    )
    for panel in (read(frame), read(frame, time=["Date", "Time"])):
        assert str(panel.clock) == "30 minutes" and following(panel, 1) == ["13/05/2020 11:30"]
        assert panel.columns == ("y",)


def test_columns_of_the_calendar():
    frame = pd.DataFrame({"Year": [2020] * 3, "Month": [1, 2, 3], "y": [1.0, 3.0, 2.0]})
    assert following(read(frame), 1) == ["2020-04-01"]
    frame = pd.DataFrame({"year": [2020] * 3, "quarter": [1, 2, 3], "y": [1.0, 3.0, 2.0]})
    assert str(read(frame).clock) == "quarter"


def test_newest_first_and_out_of_order_are_said():
    days = ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"]
    plain = read(table(days))
    frame = table(days)
    for order, word in (([3, 2, 1, 0], "newest first"), ([2, 0, 3, 1], "out of order")):
        panel = read(frame.iloc[order])
        np.testing.assert_array_equal(panel.series[0].values, plain.series[0].values)
        assert word in panel.said[2]


def test_numbers_that_count_rows_order_them():
    panel = read(pd.DataFrame({"t": [0.0, 0.04, 0.12, 0.08, 0.2], "y": [1.0, 2, 4, 3, 6]}), time="t")
    values = panel.series[0].values[:, 0].tolist()
    assert values[:4] == [1, 2, 3, 4] and np.isnan(values[4]) and panel.clock is None
    assert panel.said[3].startswith("1 gap, 1 step")


def test_a_row_without_a_time_is_refused():
    with pytest.raises(BadInput, match="line 2, when: expected a time, got none"):
        read(table(["2020-01-01", "", "2020-01-03"]))
    with pytest.raises(BadInput, match="line 3, when: expected a time like the others, got 'soon'"):
        read(table(["2020-01-01", "2020-01-02", "soon", *[f"2020-02-{day:02}" for day in range(1, 20)]]))


@pytest.mark.parametrize(
    ("clock", "told"),
    [
        (Clock(1, "month"), "month"),
        (Clock(1, "month", end=True), "month on the last day"),
        (Clock(3, "month", day=30), "3 months on day 30, or the last one of shorter months"),
        (Clock(2, "day"), "2 days"),
    ],
)
def test_a_step_is_told_with_its_anchor(clock: Clock, told: str):
    assert step(clock) == told
