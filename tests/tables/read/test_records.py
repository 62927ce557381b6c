"""Text of JSON: a list, an object, or a record on each line."""

import json

import numpy as np
import pandas as pd
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.read.records import _frame, _held, table_of_json


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ('[{"y": 1}, {"y": 2}]', [{"y": 1}, {"y": 2}]),
        ('{"y": 1}', [{"y": 1}]),
        ('{"y": [1, 2]}', {"y": [1, 2]}),
        ('{"y": 1}\n{"y": 2}', [{"y": 1}, {"y": 2}]),
        ('{"y": 1}\n\n {"y": 2}\n', [{"y": 1}, {"y": 2}]),
        ("[1]\n[2]\n3", [[1], [2], 3]),
    ],
)
def test_what_a_text_holds(text: str, held: object):
    assert _held(text) == held


@pytest.mark.parametrize(
    ("text", "line"),
    [('{"y": 1', 1), ("red\nblue", 1), ('{"y": 1}\nred', 2), ('{"y": 1}\n{"y": 2}\n{"y"', 3)],
)
def test_the_line_that_is_no_json_is_named(text: str, line: int):
    with pytest.raises(BadInput, match=f"line {line}: expected JSON"):
        _held(text)


def test_records_inside_of_an_object():
    rows = [{"y": 1}, {"y": 2}]
    assert _frame({"name": "Oslo", "rows": rows})["y"].tolist() == [1, 2]
    assert _frame({"rows": rows, "empty": [], "other": [3]})["y"].tolist() == [1, 2]
    assert _frame([1, 2])["y"].tolist() == [1, 2]
    assert _frame({"2024-01-01": {"y": 1}, "2024-01-02": {"y": 2}})["y"].tolist() == [1, 2]


def test_floats_of_records_stay_numbers_and_nothing_else_is_touched() -> None:
    """Written as text and read again, 200,000 rows of four took 8.6 s of processor time."""
    rows = [
        {"time": 1.5e9, "x": 1.5, "hole": None, "n": 2**53 + 1, "s": "1.5", "mix": 1.5},
        {"time": 1.6e9, "x": 2.0, "hole": 0.1, "n": 7, "s": "NA", "mix": 2**53 + 1},
    ]
    table = table_of_json("\n".join(json.dumps(row) for row in rows).encode())
    kinds = {name: table.frame[name].dtype.kind for name in table.names}
    assert kinds == {"time": "O", "x": "f", "hole": "f", "n": "O", "s": "O", "mix": "O"}
    assert table.frame["x"].tolist() == [1.5, 2.0]
    assert np.isnan(table.frame["hole"][0]) and table.frame["hole"][1] == 0.1
    assert table.texts("n").tolist() == [str(2**53 + 1), "7"]
    assert table.texts("x").tolist() == ["1.5", "2"] and table.texts("hole").tolist() == ["", "0.1"]


@pytest.mark.parametrize("first", ["1.5", "1", '"a"', "null"])
@pytest.mark.parametrize("second", ["[1]", '{"a": 1}'])
def test_a_list_in_a_cell_is_refused_whatever_stands_above(first: str, second: str) -> None:
    with pytest.raises(BadInput, match="record 2, x: expected a number or text"):
        table_of_json(f'[{{"x": {first}}}, {{"x": {second}}}]'.encode())


def test_frames_as_pandas_writes_them() -> None:
    split = _frame({"columns": ["a", "b"], "index": [5, 6], "data": [[1, 2], [3, 4]]})
    assert split.columns.tolist() == ["a", "b"] and split["b"].tolist() == [2, 4]
    counted = _frame({"y": {"0": 1, "1": 2}})
    assert isinstance(counted.index, pd.RangeIndex) and counted["y"].tolist() == [1, 2]
    named = _frame({"y": {"5": 1, "6": 2}})
    assert named.index.tolist() == ["5", "6"]
    two = _frame({"a": [{"y": 1}], "b": [{"y": 2}]})  # two lists of records are two columns
    assert two.columns.tolist() == ["a", "b"]
    for wrong in ({"a": [1, 2], "b": [1]}, 5):
        with pytest.raises(BadInput, match=r"^expected a list of records, or columns by name; .+$"):
            _frame(wrong)
