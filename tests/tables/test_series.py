"""What only tells rows apart is left out and orders them; no time is there twice, and gaps are named."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from wavetrain.core import Recorded
from wavetrain.errors import BadInput
from wavetrain.tables.series import forecast

COUNT = 100
NOISE = np.random.default_rng(0).normal(size=COUNT).round(6)
DAYS = [str(np.datetime64("2023-11-20") + row) for row in range(COUNT)]
HOURS = [f"{np.datetime64('2023-11-20T00') + row}:00" for row in range(COUNT)]


def written(head: str, *columns: Sequence[object]) -> bytes:
    return "\n".join([head, *(",".join(map(str, row)) for row in zip(*columns, strict=True))]).encode()


def same(one: Recorded, other: Recorded) -> bool:
    parts = zip((one.train, one.valid(), one.test()), (other.train, other.valid(), other.test()), strict=True)
    return all(torch.equal(a.x, b.x) and torch.equal(a.y, b.y) for a, b in parts)


ALONE = forecast(written("noise", NOISE))[0]
COUNTS = {
    "row numbers": ("id", range(7, 7 + COUNT), "id, which numbers the rows"),
    "row numbers by another name": ("Unnamed: 0", range(COUNT), "Unnamed: 0, which numbers the rows"),
    "years": ("year", range(1900, 1900 + COUNT), "year, which numbers the rows"),
    "days in digits": ("day", [day.replace("-", "") for day in DAYS], "day, which dates the rows"),
    "months in digits": (
        "date",
        [f"{1990 + row // 12}{row % 12 + 1:02}" for row in range(COUNT)],
        "date, which dates the rows",
    ),
    "Unix time": ("time", range(1_577_836_800, 1_577_836_800 + 60 * COUNT, 60), "time, which dates"),
    "Unix time in ms, uneven": (
        "ts",
        [1_577_836_800_000 + 7 * row + row % 3 for row in range(COUNT)],
        "ts, which dates the rows",
    ),
    "seconds": ("t", [f"{0.04 * row:.2f}" for row in range(COUNT)], "t, which numbers the rows"),
    "uneven seconds": (
        "time",
        [f"{row + 0.3 * (row % 3):.2f}" for row in range(COUNT)],
        "time, which numbers",
    ),
    "months": (
        "month",
        [f"{1949 + row // 12}-{row % 12 + 1:02}" for row in range(COUNT)],
        "month, which dates",
    ),
    "hours": ("when", HOURS, "when, which dates the rows"),
}


@pytest.mark.parametrize("case", COUNTS)
@pytest.mark.parametrize("first", [True, False])
def test_what_only_counts_is_no_channel(case: str, first: bool):
    """The task is that of the measured column alone, wherever the other stands."""
    name, counts, said = COUNTS[case]
    columns = {name: counts, "noise": NOISE} if first else {"noise": NOISE, name: counts}
    task, what, _ = forecast(written(",".join(columns), *columns.values()))
    assert same(task, ALONE) and f"(left out: {said}" in what and "sorted" not in what and "gap" not in what


def test_columns_of_the_calendar():
    parts = list(
        zip(*(map(int, hour.replace("T", "-").replace(":", "-").split("-")) for hour in HOURS), strict=True)
    )
    task, what, _ = forecast(written("No,year,month,day,hour,noise", range(COUNT), *parts[:4], NOISE))
    assert same(task, ALONE) and "year, which dates the rows" in what and "hour, which dates" in what


def test_a_day_and_a_clock_in_columns_of_their_own():
    days, clocks = zip(*(hour.split("T") for hour in HOURS), strict=True)
    task, what, _ = forecast(written("Date,Time,noise", days, clocks, NOISE))
    assert same(task, ALONE) and "Time, which is the time of day" in what


def test_what_is_measured_stays():
    """Counts that are measured, and names that only look like an id."""
    rising = NOISE.__abs__().cumsum().round(3)
    for name in ("cases", "humid", "acid", "grid"):
        task, what, _ = forecast(written(f"{name},noise", rising, NOISE))
        assert task.inputs == 2 and f"{name} rises from row to row and is forecast like the others" in what
    task, what, _ = forecast(written("noise,meter", NOISE, rising))
    assert task.inputs == 2 and "rises" not in what
    task, _, _ = forecast(written("T,noise", NOISE[::-1], NOISE))
    assert task.inputs == 2


ORDERS = {
    "newest first": (np.arange(COUNT)[::-1], "newest first, turned round by day"),
    "shuffled": (np.random.default_rng(1).permutation(COUNT), "out of order, sorted by day"),
}


@pytest.mark.parametrize("case", ORDERS)
@pytest.mark.parametrize("days", [DAYS, [day.replace("-", "") for day in DAYS], list(range(COUNT))])
def test_rows_are_put_in_order(case: str, days: list):
    order, said = ORDERS[case]
    task, what, _ = forecast(written("day,noise", [days[row] for row in order], NOISE[order]))
    assert same(task, ALONE) and said in what


def test_rows_in_order_are_left_alone():
    task, what, _ = forecast(written("day,noise", DAYS, NOISE))
    assert same(task, ALONE)
    assert not any(word in what for word in ("sorted", "turned", "gap"))


def test_two_stacked_series_are_refused():
    days = DAYS[:50] * 2
    with pytest.raises(
        BadInput, match=r"line 52, day: expected each time once, got '2023-11-20' as in line 2, 50 such"
    ):
        forecast(written("day,noise", days, NOISE))
    with pytest.raises(BadInput, match="a long table of several series needs an id"):
        forecast(written("noise,day", NOISE, days))
    with pytest.raises(
        BadInput, match="store: expected a number, got 'a'; where it names one of several series"
    ):
        forecast(written("day,store,noise", days, ["a"] * 50 + ["b"] * 50, NOISE))
    for name in ("id", "store_id", "storeId", "unique ID"):
        with pytest.raises(BadInput, match=f"{name}: expected one series in a table, got 2 by their id"):
            forecast(written(f"{name},noise", [1] * 50 + [2] * 50, NOISE))


def test_one_time_twice_is_refused():
    days = [*DAYS[:-1], DAYS[40]]
    with pytest.raises(BadInput, match=r"line 101, day: .* got '2023-12-30' as in line 42, 1 such"):
        forecast(written("day,noise", days, NOISE))


def test_an_id_of_one_series_is_left_out():
    task, what, _ = forecast(written("id,noise", [7] * COUNT, NOISE))
    assert same(task, ALONE) and "id, which is the same throughout" in what
    ids = np.random.default_rng(2).permutation(10 * COUNT)[:COUNT]
    task, what, _ = forecast(written("noise,row_id", NOISE, ids))
    assert same(task, ALONE) and "row_id, which tells the rows apart" in what


def test_gaps_are_named():
    year = [day if row < 60 else str(np.datetime64(day) + 365) for row, day in enumerate(DAYS)]
    task, what, _ = forecast(written("day,noise", year, NOISE))
    assert same(task, ALONE) and "a gap of 366 days after 2024-01-18; rows on both sides" in what
    hours = [hour for row, hour in enumerate(HOURS) if row not in (13, 14, 15, 50)]
    _, what, _ = forecast(written("hour,noise", hours, NOISE[:96]))
    assert "2 gaps, the longest of 4 h after 2023-11-20T12:00" in what
    _, what, _ = forecast(written("id,noise", [*range(60), *range(70, 110)], NOISE))
    assert "a gap of 11 after 59" in what


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("begin", [320_000_000, 1_700_000_000, 4_000_000_000])
def test_unix_time_is_read_in_its_unit(unit: int, begin: int):
    """Seconds, or parts of them, from 1980 to 2096: a step is as long as it is, whatever it is counted in."""
    ticks = [unit * (begin + 60 * row + 7140 * (row > 59)) for row in range(COUNT)]
    task, what, _ = forecast(written("time,noise", ticks, NOISE))
    assert same(task, ALONE) and "time, which dates the rows" in what
    assert f"a gap of 2 h after {unit * (begin + 60 * 59)}" in what


def test_months_and_working_days_have_no_gaps():
    months = [f"{1990 + row // 12}-{row % 12 + 1:02}-01" for row in range(COUNT)]
    working = [str(np.busday_offset("2024-01-01", row)) for row in range(COUNT)]
    for days in (months, working):
        assert "gap" not in forecast(written("day,noise", days, NOISE))[1]
    _, what, _ = forecast(written("day,noise", [*months[:50], *months[51:]], NOISE[:99]))
    assert "a gap of 59 days after 1994-02-01" in what  # of 28 and 31; the usual step has 31


def test_nothing_but_counts_is_refused():
    for head, columns in {
        "id": [range(COUNT)],
        "day,id": [DAYS, range(COUNT)],
        "t": [[0.5 * row for row in range(COUNT)]],
    }.items():
        with pytest.raises(BadInput, match="expected a column of numbers that are measured"):
            forecast(written(head, *columns))


FILES = {
    "delimiters in quoted names": b'"speed, m/s; up";"height, m"\n',
    "byte order mark": "a;b\n".encode("utf-8-sig"),
    "declared": b"sep=;\r\na;b\n",
}


@pytest.mark.parametrize("case", FILES)
def test_headers(case: str):
    rows = "".join(f"{a};{b}\n" for a, b in zip(NOISE, NOISE[::-1], strict=True)).encode()
    assert forecast(FILES[case] + rows)[0].inputs == 2
    with pytest.raises(
        BadInput, match=f"line {102 + FILES[case].count(10) - 1}, .*: expected a number, got 'x'"
    ):
        forecast(FILES[case] + rows + b"1;x\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8", "cp1252"])
def test_encodings(encoding: str):
    text = "Grad °C\tµ\n" + "".join(f"{a}\t{b}\n" for a, b in zip(NOISE, NOISE[::-1], strict=True))
    assert "100 rows of Grad °C, µ;" in forecast(text.encode(encoding))[1]


def test_the_first_number_that_is_not_finite_is_named():
    rows = [f"{place % 7},{place % 5}" for place in range(80)]
    rows[30], rows[50] = "inf,1", "-inf,2"
    with pytest.raises(BadInput, match="line 32, a: expected a finite number, got 'inf'"):
        forecast(("a,b\n" + "\n".join(rows)).encode())


def test_a_table_is_a_forecast_of_numbers_at_every_step():
    assert (ALONE.tokens, ALONE.every_step, ALONE.inputs, ALONE.outputs) == (False, True, 1, 1)


@pytest.mark.parametrize(("count", "told"), [(6, "a, b, c, d, e, f; "), (7, "a, b, c, d, e, f, ...; ")])
def test_six_columns_are_named(count: int, told: str):
    columns = np.random.default_rng(0).normal(size=(count, COUNT)).round(6)
    assert forecast(written(",".join("abcdefg"[:count]), *columns))[1].startswith(f"100 rows of {told}")
