"""Numbers and truths as people write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavetrain.tables.read.numbers import are_there, is_missing, kinds, numbers, style, told_numbers

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
