"""Which columns are measured, in which style their numbers are, and why the others are left out."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.form import Form
from wavetrain.tables.read.asked import Asked, Earlier
from wavetrain.tables.read.frames import table_of_frame
from wavetrain.tables.read.measured import COUNTS, FEWEST, LEVELS, NONE, Measured, measured
from wavetrain.tables.read.table import Table

NAN = np.nan
Y = {"y": [1.5, 4.5, 2.5]}


def of(
    asked: Asked | None = None, dated: bool = False, delimiter: str = "", names: Any = None, **columns: Any
) -> Measured:
    table = table_of_frame(pd.DataFrame(columns))
    table = Table(table.frame, lambda row: row + 2, delimiter=delimiter)
    return measured(table, names or table.names, asked or Asked(), dated)


def values(found: Measured) -> dict[str, list[float]]:
    return {part: one.tolist() for parts in found.columns.values() for part, one in parts.items()}


def again(**form: Any) -> Asked:
    return Asked(earlier=Earlier(Form(columns=("y",), **form), None, False))


def test_numbers_and_truths_are_measured_as_they_are():
    found = of(a=[3, 1, 2], b=[True, False, True], c=["2", "", "NA"], d=["1.5", "-9", "2"], **Y)
    np.testing.assert_equal(
        values(found),
        {"a": [3, 1, 2], "b": [1, 0, 1], "d": [1.5, -9, 2], "y": [1.5, 4.5, 2.5]},
    )
    assert found.left_out == {"c": "is 2 throughout"}
    assert (found.levels, found.commas, found.strange, found.units) == ({}, [], [], {})


def test_what_else_says_that_nothing_was_measured():
    asked = Asked(missing=("-9", "none seen", "nan"))
    found = of(asked, a=[1.0, -9.0, 3.0], b=["-9.0", "2", "none seen"], c=["-9", "2", "3"], y=Y["y"])
    np.testing.assert_equal(values(found), {"a": [1, NAN, 3], "c": [NAN, 2, 3], "y": Y["y"]})
    assert found.left_out == {"b": "is 2 throughout"}


STYLES: list[tuple[dict[str, list[str]], str, dict[str, float], list[str]]] = [
    ({"a": ["1.5", "2"]}, ",", {"a": 1.5}, []),
    ({"a": ["1,5", "2"]}, ";", {"a": 1.5}, ["a"]),
    ({"a": ["1,234", "2"]}, ",", {"a": 1234}, []),  # both read it: what is the delimiter has no decimals
    ({"a": ["1,234", "2"], "b": ["5", "6"]}, ";", {"a": 1.234}, ["a", "b"]),
    ({"a": ["1.234", "2"], "b": ["5", "6"]}, ";", {"a": 1234}, ["a", "b"]),
    ({"a": ["1,234", "2"]}, ";", {"a": 1234}, []),  # one column alone has no delimiter
    ({"a": ["1,234", "2"], "b": ["1.5", "2"]}, ";", {"a": 1234, "b": 1.5}, []),  # as the column beside it
    ({"a": ["1,234", "2"], "b": ["1,5", "2"]}, ",", {"a": 1.234, "b": 1.5}, ["a", "b"]),
    ({"a": ["1,5", "2"], "b": ["1.5", "2"]}, "", {"a": 1.5, "b": 1.5}, ["a"]),  # each has its own
    ({"a": ["1,234", "2"], "b": ["1.234", "2"]}, "", {"a": 1234, "b": 1.234}, []),
]


@pytest.mark.parametrize(("columns", "delimiter", "first", "commas"), STYLES)
def test_the_mark_of_decimals(columns: dict, delimiter: str, first: dict[str, float], commas: list[str]):
    found = of(delimiter=delimiter, **columns)
    assert {name: values(found)[name][0] for name in first} == first
    assert found.commas == commas


def test_later_columns_have_the_marks_of_the_first():
    for commas, value in ((("a",), 1.234), ((), 1234)):
        found = of(again(commas=commas), delimiter=";", a=["1,234", "2"], b=["5", "6"])
        assert values(found)["a"][0] == value and values(found)["b"] == [5, 6]
        assert found.commas == list(commas)


def test_nine_tenths_of_numbers_make_a_column_of_numbers():
    cells = [str(one) for one in (5, 7, 1, 8, 2, 9, 3, 6, 4)]
    with pytest.raises(BadInput, match=r"^line 11, a: expected a number, got 'red'$"):
        of(a=[*cells, "red"], y=range(10))
    with pytest.raises(BadInput) as caught:
        of(a=["r" * 50, *cells], y=range(10))
    assert str(caught.value) == f"line 2, a: expected a number, got '{'r' * 40}'"
    assert of(a=["1"] * 8 + ["red"], b=range(9)).levels == {"a": ("1", "red")}
    with pytest.raises(BadInput, match="line 4, a: expected a number, got 'red'"):  # empty ones do not count
        of(a=["", "", "red", *["5"] * 9], y=range(12))
    for asked in (Asked(target=("a",)), again()):
        with pytest.raises(BadInput, match=r"^line 3, a: expected a number, got 'red'$"):
            of(asked, a=["1", "red", "red"], **Y)


def test_categories_are_zeros_and_ones():
    found = of(a=["sun", "rain", ""], **Y)
    assert found.levels == {"a": ("rain", "sun")} and list(found.columns) == ["a", "y"]
    np.testing.assert_equal(found.columns["a"], {"a=rain": [0, 1, NAN], "a=sun": [1, 0, NAN]})
    assert found.columns["a"]["a=sun"].dtype == np.float64


def test_the_levels_of_an_earlier_table_stay():
    found = of(again(levels={"a": ("rain", "sun")}), a=["sun", "snow", "snow"], b=["1", "2", "3"], **Y)
    np.testing.assert_equal(found.columns["a"], {"a=rain": [0, 0, 0], "a=sun": [1, 0, 0]})
    assert found.strange == ["a 'snow' is new (2 rows): it counts as none of rain, sun"]
    assert found.levels == {"a": ("rain", "sun")}
    found = of(again(levels={"a": ("1", "2")}), a=[1, 3, 2], **Y)  # numbers, too
    np.testing.assert_equal(found.columns["a"], {"a=1": [1, 0, 0], "a=2": [0, 0, 1]})
    assert found.strange == ["a '3' is new (1 row): it counts as none of 1, 2"]
    found = of(again(levels={"a": ("x", "z")}), a=["x", "NA", "x"], **Y)
    np.testing.assert_equal(found.columns["a"], {"a=x": [1, NAN, 1], "a=z": [0, NAN, 0]})
    assert found.strange == []


def kinds(count: int, rows: int) -> list[str]:
    return [f"w{place % count:02}" for place in range(rows)]


LEFT: dict[str, tuple[list, str]] = {
    "each once": (["x", "yy", "z"], "tells the rows apart"),
    "the same": (["x", "x", ""], "is x throughout"),
    "dates": (["2024-01-01", "2024-02-01", "2024-02-01"], "dates the rows, too"),
    "clocks": (["10:00", "11:00", "11:00"], "dates the rows, too"),
    "one number": ([2.5, 2.5, NAN], "is 2.5 throughout"),
    "nothing": ([NAN, NAN, NAN], NONE),
    "empty text": (["", "NA", "-"], NONE),
}


@pytest.mark.parametrize("case", LEFT)
def test_columns_that_are_no_measurements(case: str):
    cells, why = LEFT[case]
    found = of(a=cells, **Y)
    assert found.left_out == {"a": why} and list(found.columns) == ["y"]


def test_text_of_few_kinds_is_a_category():
    assert len(of(a=kinds(LEVELS, 40), y=range(40)).levels["a"]) == LEVELS == 20
    assert of(a=kinds(21, 40), y=range(40)).left_out == {"a": "is text of 21 kinds, more than 20"}
    assert of(a=["x", "z"], y=[1.5, 2.5]).levels == {"a": ("x", "z")}  # two rows tell nothing apart
    assert of(Asked(inputs=("a",)), a=["x", "yy", "z"], **Y).levels == {"a": ("x", "yy", "z")}
    assert of(Asked(known=("a",)), a=["x", "x", "x"], **Y).levels == {"a": ("x",)}
    mixed = ["10:00", *kinds(19, 40)]
    assert len(of(a=mixed, y=range(41)).levels["a"]) == 20  # not all are times


def test_what_is_asked_for_is_measured_however_dull():
    dull = {"a": [2.5] * 3, "year": [2001, 2002, 2001], "id": [1, 2, 3]}
    assert of(**dull, **Y).left_out == {
        "a": "is 2.5 throughout",
        "year": "dates the rows",
        "id": COUNTS,
    }
    assert list(of(Asked(inputs=tuple(dull)), **dull, **Y).columns) == ["a", "year", "id", "y"]
    with pytest.raises(BadInput, match=r"^a: expected numbers to forecast, got none in 3 rows$"):
        of(Asked(target=("a",)), a=[NAN] * 3, **Y)
    assert of(Asked(inputs=("a",)), a=[NAN] * 3, **Y).left_out == {}


def test_parts_of_the_calendar_date_the_rows_where_they_have_times():
    parts = {"Month": [1, 3, 2], "week": [5, 1, 2], "weekday": [1, 7, 1], "quarter": [1, 3, 1]}
    assert of(None, True, **parts, **Y).left_out == dict.fromkeys(parts, "dates the rows")
    assert list(of(**parts, **Y).columns) == [*parts, "y"]
    assert of(year=[2001, 2003, 2001], **Y).left_out == {"year": "dates the rows"}
    assert of(Year=[2001.5, 2003, 2001], **Y).left_out == {}


def counting(count: int, step: int = 1) -> list[int]:
    return list(range(5, 5 + step * count, step))


@pytest.mark.parametrize(
    ("name", "cells", "dated", "counts"),
    [
        ("a", counting(FEWEST + 1), False, True),
        ("a", counting(FEWEST), False, False),
        ("a", counting(FEWEST + 1, -1), True, True),
        ("a", counting(FEWEST + 1, 2), False, False),
        ("a", [*counting(FEWEST), 5], False, False),
        ("row", [1, 2, 3], False, True),
        ("row", [10, 30, 20], False, True),
        ("row", [1, 2, 4], False, False),
        ("row", [1, 2, NAN], False, False),
        ("user_id", [1, 2, 3], False, True),
        ("row", [1, 1, 2, 2, 3], True, True),  # goes on with the times
        ("row", [1, 1, 2, 2, 3], False, False),
        ("row", [1, 1, 2, 2, 4], True, False),
        ("row", [1, 2, 1, 2, 3], True, False),
    ],
)
def test_a_column_that_counts(name: str, cells: list[float], dated: bool, counts: bool):
    y = np.arange(len(cells)) % 2 + np.arange(len(cells)) % 3
    found = of(None, dated, **{name: cells, "y": y})
    assert found.left_out == ({name: COUNTS} if counts else {})


def test_what_counts_is_measured_where_there_is_nothing_else():
    long = counting(FEWEST + 1)
    assert values(of(a=long)) == {"a": long} and of(a=long).left_out == {}
    found = of(a=long, row=long, flat=[2.5] * len(long))
    assert list(found.columns) == ["a"] and found.left_out == {"row": COUNTS, "flat": "is 2.5 throughout"}
    found = of(a=long, sky=["sun", "rain", "sun"] * 7)  # a category is nothing to measure
    assert list(found.columns) == ["sky", "a"] and found.left_out == {}
    assert of(a=long, row=long, y=np.sqrt(long)).left_out == {"a": COUNTS, "row": COUNTS}


def test_units_in_cells_are_taken_off():
    found = of(a=["1.5 kW", "2 kW", ""], b=["(3)", "4", "5"], **Y)
    np.testing.assert_equal(values(found), {"a": [1.5, 2, NAN], "b": [-3, 4, 5], "y": Y["y"]})
    assert found.units == {"a": "kW"}


def test_only_the_columns_of_these_names_are_measured():
    assert list(of(names=["y"], a=[1, 5, 2], **Y).columns) == ["y"]
