"""Which columns are measured, and which say when or which row: one column beside `y` at a time."""

from collections.abc import Sequence

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.cells import Cells
from wavetrain.tables.columns import Columns, columns

COUNT = 12
DICE = np.random.default_rng(0)
Y = [f"{one:.3f}" for one in DICE.normal(size=COUNT)]
UNEVEN = np.cumsum(DICE.integers(1, 9, COUNT))


def beside_y(**others: Sequence[object]) -> Columns:
    told = [tuple(map(str, one)) for one in others.values()]
    return columns(Cells([*others, "y"], [*told, tuple(Y)], list(range(2, 2 + COUNT))))


@pytest.mark.parametrize(
    ("name", "cells", "why"),
    [
        ("year", [1000, 2200, *range(1990, 2000)], "dates the rows"),
        ("year", [1990, 999, *range(1991, 2001)], ""),
        ("year", [1990, 2201, *range(1991, 2001)], ""),
        ("Year ", [2000] * COUNT, "dates the rows"),
        ("id", [7] * COUNT, "is the same throughout"),
        ("id", UNEVEN[::-1] % 97 * 13 % 101, "tells the rows apart"),
        ("level", range(3, 3 + COUNT), "numbers the rows"),
        ("level", UNEVEN, ""),
        ("id", [0.5, *range(1, COUNT)], ""),
    ],
)
def test_a_second_column_that_tells_rows_apart_is_left_out(name: str, cells: Sequence[object], why: str):
    """A column of noise stands first, so that no order is looked for there."""
    found = beside_y(x=Y[::-1], **{name: cells})
    assert found.left_out.get(name, "") == why and found.names == ["x", *[name] * (not why), "y"]


@pytest.mark.parametrize("second", [1, 10**3, 10**6, 10**9])
def test_unix_time_orders_rows_where_it_rises_or_is_so_called(second: int):
    ticks = (1_577_836_800 + UNEVEN) * second
    shuffled = np.roll(ticks, 3)
    for name, cells in (("first", ticks), ("first", ticks[::-1]), ("time", shuffled)):
        found = beside_y(**{name: cells})
        assert found.ruler is not None and found.ruler.calendar and found.left_out == {name: "dates the rows"}
        assert found.ruler.ticks.tolist() == (np.asarray(cells) // second * 10**6).tolist()
    assert beside_y(first=shuffled).ruler is None
    small = beside_y(time=UNEVEN + 3.1e8)  # so called, and in range
    assert small.ruler is not None and small.ruler.calendar
    below = beside_y(time=3.1e8 - UNEVEN * 1e6)
    assert below.ruler is None or not below.ruler.calendar


def test_a_second_column_of_times_is_left_out_too():
    days = [f"2020-01-{day:02}" for day in range(1, 1 + COUNT)]
    found = beside_y(begin=days, end=[day.replace("2020", "2021") for day in days])
    assert found.left_out == {"begin": "dates the rows", "end": "dates the rows, too"}
    assert found.ruler is not None and found.ruler.name == "begin"


def test_the_first_clock_is_joined_to_the_day():
    days, hours = ["2020-01-01"] * COUNT, [f"{hour:02}:00" for hour in range(COUNT)]
    found = beside_y(day=days, clock=hours)
    assert found.left_out == {"day": "dates the rows", "clock": "is the time of day"}
    assert found.ruler is not None and np.diff(found.ruler.ticks).tolist() == [3600 * 10**6] * (COUNT - 1)


@pytest.mark.parametrize(
    ("cells", "more"),
    [
        (["red", "blue"] * (COUNT // 2), True),
        ([*("abcdef" * 2)], True),
        ([*"aabbccddeefg"], False),  # more than half as many names as rows
        (["red"] * COUNT, False),
        (["1", "blue"] * (COUNT // 2), False),
    ],
)
def test_names_of_several_series_are_told_as_such(cells: list[str], more: bool):
    with pytest.raises(BadInput, match=r"line [23], kind: expected a number, got '[a-z]+'") as caught:
        beside_y(kind=cells)
    assert ("one of several series" in str(caught.value)) == more


def test_several_ids_are_several_series():
    with pytest.raises(BadInput, match="id: expected one series in a table, got 2 by their id"):
        beside_y(x=Y[::-1], id=[1, 5] * (COUNT // 2))
