"""What cells say as text, and names of columns, each once."""

import datetime

import numpy as np
import pandas as pd
import pytest

from wavetrain.tables.read.table import WORDS, Lines, Table, distinct, texts


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (pd.Series([2**53 + 1, -7]), ["9007199254740993", "-7"]),
        (pd.Series([1.0, 1.5, np.nan]), ["1", "1.5", ""]),
        (
            pd.Series([2.0**53 - 1, 2.0**53, -(2.0**53)]),
            ["9007199254740991", "9007199254740992.0", "-9007199254740992.0"],
        ),
        (pd.Series([np.float32(2), "2", " b ", None], dtype=object), ["2", "2", "b", ""]),
        (pd.Series([" 007", None, "x "], dtype="string"), ["007", "", "x"]),
        (pd.Series([np.inf, -np.inf]), ["inf", "-inf"]),
        (pd.Series([datetime.date(2024, 1, 2)]), ["2024-01-02"]),
        (pd.Series([True, False]), ["True", "False"]),
    ],
)
def test_cells_as_text(cells: pd.Series, said: list[str]):
    assert texts(cells).tolist() == said and texts(cells).dtype == object


def test_a_table_says_what_its_source_writes():
    frame = pd.DataFrame({"a": [7.0]})
    plain = Table(frame, lambda row: row)
    assert (plain.delimiter, plain.spreadsheet, plain.raw, plain.units, plain.file) == (
        "",
        False,
        None,
        {},
        "",
    )
    assert plain.names == ["a"] and plain.texts("a").tolist() == ["7"]
    assert Table(frame, lambda row: row, raw=lambda name: pd.Series([" 007"])).texts("a").tolist() == ["007"]
    assert not plain.units and plain.units is not Table(frame, lambda row: row).units


def test_names_are_there_once():
    assert distinct(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]
    assert distinct(["", " a ", 5, None]) == ["column 1", "a", "5", "None"]
    assert distinct(["a (2)", "a", "a"]) == ["a (2)", "a", "a (3)"]
    assert distinct(["column 2", " "]) == ["column 2", "column 2 (2)"]


def test_lines_are_found_when_they_are_asked_for():
    asked: list[int] = []
    lines = Lines(lambda row: asked.append(row) or row + 2, np.array([5, 7, 9]))  # type: ignore[func-returns-value]
    assert len(lines) == 3 and not asked
    assert lines[1] == 9 and asked == [7]
    assert list(lines[1:]) == [9, 11] and lines[:2][-1] == 9


def test_words_that_say_nothing_are_in_small_letters():
    assert all(word == word.lower() for word in WORDS) and len(set(WORDS)) == len(WORDS)
