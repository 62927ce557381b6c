"""Cells of lines, counted at once, against the reader of the standard library."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from wavetrain.tables.read.widths import are_even

CELLS = st.text('1a ",;\n', max_size=4)
TABLES = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=4)
)


def widths(body: str) -> set[int]:
    rows = list(csv.reader(io.StringIO(body, newline=""), skipinitialspace=True))
    return {len(row) for row in rows}


@given(TABLES)
def test_a_table_that_a_program_wrote_is_even(table: list[list[str]]):
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(table)
    assert are_even(stream.getvalue().rstrip("\n").encode(), ",", len(table[0]))


@given(st.text('1",\n', max_size=12), st.integers(1, 3))
def test_what_is_called_even_is(body: str, width: int):
    if are_even(body.encode(), ",", width):
        assert widths(body) == {width}


def test_long_and_short_lines_that_make_up_for_each_other():
    assert are_even(b"1,2\n3,4", ",", 2)
    assert not are_even(b"1,2,3\n4\n5,6", ",", 2)
    assert not are_even(b"1\n2,3,4\n5,6", ",", 2)
    assert not are_even(b"1,2\n\n3,4", ",", 2)
    assert not are_even(b"", ",", 1)
