"""Where rows begin: headers, units and what stands before them, from the first rows alone."""

from collections.abc import Sequence

import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.read.layout import Layout, layout

DAYS = [["2024-01-01", "1.5"], ["2024-01-02", "2.5"], ["2024-01-03", "0.5"]]


def of(*lines: str, comment: Sequence[str] = ()) -> Layout:
    return layout([line.split(",") for line in lines], comment)


HEADS = {  # the first rows, the names of columns, and how many rows stand before the numbers
    "a header": ("a,b|1,2|3,4", "a,b", 1),
    "none": ("5,2|3,4", "column 1,column 2", 0),
    "one column": ("1|2", "y", 0),
    "a title": ("of Oslo|a,b|1,2|3,4", "a,b", 2),
    "a title of a spreadsheet": ("of Oslo,,|a,b,c|1,2,3|3,4,5", "a,b,c", 2),
    "two cells are no title": ("a,|1,2|3,4", "a,column 2", 1),
    "a first row that is longer": ("x,y,z|a,b|1,2|3,4", "x,y,z", 1),
    "a delimiter at the end of each row": ("a,b|1,2,|3,4,", "a,b", 1),
    "a last column without a name": ("a,b,|1,2,3|3,4,5", "a,b,column 3", 1),
    "places from zero": ("0,1|5,7|5,7", "0,1", 1),
    "places from one": ("1,2|5,7|5,7", "1,2", 1),
    "places behind an index": (",0,1|0,5,7|1,5,7", "column 1,0,1", 1),
    "one number is no place": ("1|5|7", "y", 0),
    "numbers apart behind an index": (",7,9|0,5,7|1,5,7", "column 1,7,9", 1),
    "one number behind an index": (",7|0,5|1,6", "column 1,column 2", 0),
    "a number twice behind an index": (",7,7|0,5,7|1,5,7", "column 1,column 2,column 3", 0),
    "a name and steps": ("kind,0,1,2,3|a,5,7,5,7|b,5,7,5,7", "kind,0,1,2,3", 1),
    "a name and years": ("land,2019,2020|Chad,5,7|Mali,5,7", "land,2019,2020", 1),
    "a name and a year": ("land,2019|5,5|7,7", "land,2019", 1),
    "a name and a year above names": ("land,2019|Chad,5|Mali,7", "column 1,column 2", 0),
    "years apart": ("land,2019,2021|Chad,5,7|Mali,5,7", "column 1,column 2,column 3", 0),
    "numbers that are no years": ("land,19,20|Chad,5,7|Mali,5,7", "column 1,column 2,column 3", 0),
    "a row of units": ("a,b|m,s|1,2|3,4", "a,b", 2),
    "a unit of one": ("a,b|m,1|1,2|3,4", "a,b", 2),
    "units and flags": ("a,b|m,s|-,|1,2", "a,b", 3),
    "units above text": ("a,b|m,s|x,x|1,2", "a,b", 1),
}


@pytest.mark.parametrize("case", HEADS)
def test_heads(case: str):
    lines, names, first = HEADS[case]
    found = of(*lines.split("|"))
    assert (",".join(found.names), found.first) == (names, first)


def test_a_comment_names_columns_where_it_has_as_many_words():
    assert of("5,2", "3,4", comment=["a ", "b"]).names == ["a", "b"]
    assert of("5,2", "3,4", comment=["a"]).names == of("5,2", "3,4", comment=["a", "7"]).names
    assert of("5,2", "3,4", comment=["a"]).names == ["column 1", "column 2"]


def test_units_are_told():
    assert of("a,b", "m,s", "1,2", "3,4").units == {"a": "m", "b": "s"}
    assert of("a,b", "m,1", "1,2", "3,4").units == {"a": "m", "b": "1"}
    assert of("a,b", "1,2", "3,4").units == {} == of("a,b", "m,s").units


@pytest.mark.parametrize("first", ["1,1", "1,", "1,NA"])
def test_a_first_row_of_ones_is_no_row_of_units(first: str):
    assert of("a,b", first, "2,3", "3,4")[1:] == (1, {})
    assert of("who,b", "x,1", "z,3", "x,4")[1:] == (1, {})


def test_nothing_is_no_table():
    with pytest.raises(BadInput, match="got blank lines"):
        layout([])


ENDS = {  # rows with a delimiter at their end: names, how many rows stand before the numbers
    "in the header, too": ("a,b,|1,2,|3,4,", "a,b,column 3", 1),
    "one name": ("a|1,|3,", "column 1,column 2", 1),
    "one row has a cell there": ("a,b|1,2,|3,4,5", "column 1,column 2,column 3", 1),
    "a blank there": ("a,b|1,2, |3,4,", "a,b", 1),
    "a title and two cells more": ("a|1,2,|3,4,", "column 1,column 2,column 3", 1),
}


@pytest.mark.parametrize("case", ENDS)
def test_delimiters_at_the_end_of_rows(case: str):
    lines, names, first = ENDS[case]
    found = of(*lines.split("|"))
    assert (",".join(found.names), found.first) == (names, first)
