"""Arguments as JSON and back: numbers, records, members of an enum, tuples of any length."""

import enum
import math
from typing import Any, NamedTuple

import pytest

from wavetrain.errors import BadInput
from wavetrain.formats import _values as values


class Kind(enum.Enum):
    FIRST = 1
    SECOND = 2


class Pair(NamedTuple):
    size: int
    kind: Kind | None = None


CASES: list[tuple[Any, Any, Any]] = [
    (int, 5, 5),
    (int, 9, 9),
    (int, -9, -9),
    (float, 5, 5.0),
    (bool, True, True),
    (str, "a", "a"),
    (int | None, None, None),
    (int | None, 5, 5),
    (Kind, "SECOND", Kind.SECOND),
    (Pair, {"size": 3, "kind": "FIRST"}, Pair(3, Kind.FIRST)),
    (Pair, {"size": 3}, Pair(3)),
    (tuple[int, ...], [1, 2, 3], (1, 2, 3)),
    (tuple[int, ...], [], ()),
    (tuple[int, float], [1, 2], (1, 2.0)),
    (tuple[Kind, ...], ["FIRST"], (Kind.FIRST,)),
]


@pytest.mark.parametrize(("kind", "given", "wanted"), CASES, ids=str)
def test_values_by_their_type(kind: Any, given: Any, wanted: Any):
    found = values.value(kind, given, "x", 9)
    assert found == wanted and type(found) is type(wanted)
    again = values.value(kind, values.told(found, "x"), "x", 9)
    assert again == wanted


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        *[(int, 10), (int, -10), (int, True), (int, 1.0), (int, None), (float, True), (float, "1"), (str, 1)],
        *[(bool, 1), (Kind, "THIRD"), (Kind, 1), (Pair, {"width": 3}), (Pair, [3]), (tuple[int, ...], 3)],
        *[(tuple[int, float], [1]), (tuple[int, float], [1, 2, 3]), (tuple[int, ...], [1, "2"])],
    ],
    ids=str,
)
def test_what_is_no_value_of_a_type(kind: Any, given: Any):
    with pytest.raises(BadInput, match="x must be of type"):
        values.value(kind, given, "x", 9)


def test_the_limit_of_whole_numbers_is_told():
    with pytest.raises(BadInput, match="x must be of type int of at most 9, not 10"):
        values.value(int, 10, "x", 9)
    with pytest.raises(BadInput, match="x must be of type float, not '1'"):
        values.value(float, "1", "x", 9)


def test_infinity_is_spelled():
    told = values.spelled({"a": [math.inf, -math.inf, 1.0], "b": {"c": math.nan}})
    assert told == {
        "a": [{"__float__": "Infinity"}, {"__float__": "-Infinity"}, 1.0],
        "b": {"c": {"__float__": "NaN"}},
    }


def test_what_has_no_description():
    with pytest.raises(BadInput, match="x is a set, which has no description"):
        values.told({1}, "x")
    assert values.told((Pair(1, Kind.FIRST), None), "x") == [{"size": 1, "kind": "FIRST"}, None]
