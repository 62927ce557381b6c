"""Numbers and truths as people write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavetrain.tables.read.numbers import (
    are_there,
    has_marks,
    is_missing,
    kinds,
    numbers,
    style,
    told_numbers,
)

SIGNS = st.sampled_from(["", "", "-", "+", "−"])
WHOLE = st.one_of(
    st.integers(0, 10**7).map(str),
    st.builds("{:,}".format, st.integers(0, 10**9)),
    st.builds(lambda number: f"{number:,}".replace(",", "."), st.integers(0, 10**9)),
    st.builds(lambda number: f"{number:,}".replace(",", " "), st.integers(0, 10**9)),
    st.sampled_from(["", "007", "1,23", "1.2.3", "12,34,567", "x", "inf", "٣", "1_000", "e5"]),
)
REST = st.sampled_from(
    ["", ",", ".", ",5", ".25", ",125", ".125", "e3", ",5E-3", "%", " %", "%%", " ", "\n1"]
)
CELLS = st.builds("".join, st.tuples(SIGNS, WHOLE, REST))


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["yes", "No", "TRUE", "false"], [1, 0, 1, 0]),
        (["yes", "NA"], [1, np.nan]),
        (["yes", "5"], [None, 5]),  # not all of them are truths
        (["5", "red"], [5, None]),
        (["1,000.5", "−3", "12%"], [1000.5, -3, 12]),
        (["inf", "-Infinity"], [np.inf, -np.inf]),
        ([], []),
    ],
)
def test_cells_as_numbers(cells: list[str], wanted: list[float | None]):
    found = numbers(cells, ".")
    assert [one is None for one in found] == [one is None for one in wanted]
    np.testing.assert_array_equal(np.array(found, float), np.array(wanted, float))


def test_each_cell_is_counted():
    found = kinds(np.array(["b", "a", "b"], dtype=object))
    assert found.cells == ["b", "a"] and found.counts().tolist() == [2, 1]


@given(st.lists(CELLS, max_size=5), st.sampled_from(",."))
def test_cells_that_are_read_at_once_are_read_as_cell_by_cell(cells: list[str], decimal: str):
    """With a word among them, which is no number, each cell is read by itself."""
    assert told_numbers([*cells, "red"], decimal) == [*told_numbers(cells, decimal), None]
    assert style([*cells, "red"]) == style(cells)


@given(st.lists(st.sampled_from(["", "NA", "n.d.", "#VALUE!", "-999", "nano", "1", "off", "#value!s"])))
def test_which_cells_say_something(cells: list[str]):
    missing = ["-999", "off"]
    assert are_there(cells, missing).tolist() == [not is_missing(cell, missing) for cell in cells]


@pytest.mark.parametrize("cell", ["e5", "E5", ".e5", ",e5", "+", ".", ",", "-e-3", "%"])
def test_an_exponent_alone_is_no_number(cell: str):
    assert told_numbers([cell], ".") == told_numbers([cell], ",") == [None]


def test_a_line_break_in_a_cell_does_not_make_it_two():
    assert told_numbers(["1,5\n2,5", "3"], ",") == [None, 3.0]
    assert told_numbers(["1,5", "", "3"], ",") == [1.5, None, 3.0]


@pytest.mark.parametrize(
    ("cells", "point", "comma"),
    [
        (["1,234", "2"], True, True),
        (["1.5", "1,234"], True, False),
        (["1,5", "1.234"], False, True),
        (["1.5", "1,5"], False, False),
        (["0,844"], False, True),  # no mark of thousands stands behind a zero
        (["0.844"], True, False),
        (["1234,567"], False, True),  # nor behind four digits
        (["999,999"], True, True),
        (["1,23"], False, True),
        (["1,234,567"], True, False),
        (["1,234.5", "red"], True, False),  # words do not count
        (["1 234.5"], True, False),
        (["12%", "1,5 %"], False, True),
        (["−1.25"], True, False),
        (["inf", "7"], True, True),
    ],
)
def test_the_styles_that_read_all_numbers(cells: list[str], point: bool, comma: bool):
    assert style(cells) == (point, comma)


def test_cells_that_the_styles_read_differently():
    told = {"1,234": True, "1.234": True, "12": False, "1,234,567": True, "red": False, "0": False}
    assert {cell: has_marks([cell, "7"]) for cell in told} == told
