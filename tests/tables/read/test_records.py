"""Text of JSON: a list, an object, or a record on each line."""

import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.read.records import _frame, _held


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
