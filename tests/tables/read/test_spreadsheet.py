"""Cells of a sheet as a table: its kinds stay, its lines are those of the sheet."""

import io

import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.read.spreadsheet import table_of_sheet

openpyxl = pytest.importorskip("openpyxl")


def sheet(*rows: list, before: int = 0) -> bytes:
    book = openpyxl.Workbook()
    for _ in range(before):
        book.create_sheet()
    there = book.worksheets[before]
    for row in rows:
        there.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_kinds_names_and_lines():
    table = table_of_sheet(
        sheet(
            [],
            [None, "day", "id", "y"],
            [None, None, None, None],
            [None, pd.Timestamp("2024-01-02"), "007", 2],
            [None, pd.Timestamp("2024-01-03"), "NA", 2.5],
        )
    )
    assert table.names == ["day", "id", "y"] and table.spreadsheet
    assert [table.line(row) for row in range(len(table.frame))] == [4, 5]
    assert table.texts("id").tolist() == ["007", "NA"] and table.texts("y").tolist() == ["2", "2.5"]
    assert table.frame["y"].dtype.kind == "f" and table.frame["day"].dtype.kind == "M"


def test_units_below_the_names():
    table = table_of_sheet(sheet(["t", "load"], ["h", "kW"], [1, 2.5], [2, 3.5]))
    assert table.units == {"t": "h", "load": "kW"} and table.frame["load"].tolist() == [2.5, 3.5]
    assert table.line(0) == 3 and table.texts("load").tolist() == ["2.5", "3.5"]


def test_the_first_sheet_with_cells_is_read():
    assert table_of_sheet(sheet(["y"], [1], [3], before=2)).frame["y"].tolist() == [1, 3]
    with pytest.raises(BadInput, match=r"^expected a sheet with cells, got empty ones$"):
        table_of_sheet(sheet())
    with pytest.raises(BadInput, match=r"^expected a whole file of Excel, got "):
        table_of_sheet(b"PK\x03\x04 and nothing else")
