"""Roles that are asked for by name are held to the columns that are there."""

import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.read.asked import Asked, named

NAMES = ("day", "clock", "shop", "sold", "price")


def test_nothing_is_asked_for_at_first():
    assert Asked() == ((), (), (), None, (), (), None, "") and Asked().measured == ()
    assert Asked(target=("a",), inputs=("b",), known=("c",)).measured == ("a", "b", "c")
    Asked().check(())


def test_one_name_or_several():
    assert (named(None), named(()), named("day"), named(["a", 3])) == ((), (), ("day",), ("a", "3"))  # type: ignore[list-item]


@pytest.mark.parametrize("role", ["target", "time", "id", "inputs", "known"])
def test_each_role_wants_a_column(role: str):
    Asked(**{role: ("sold",)}).check(NAMES)
    with pytest.raises(BadInput, match=r"^no column is called 'solt'; did you mean sold?"):
        Asked(**{role: ("solt",)}).check(NAMES)


CALLED = {
    "time": "times",
    "id": "ids",
    "target": "targets",
    "inputs": "inputs",
    "known": "columns known ahead",
}


@pytest.mark.parametrize("first", CALLED)
@pytest.mark.parametrize("second", CALLED)
def test_a_column_has_one_role(first: str, second: str):
    if list(CALLED).index(first) >= list(CALLED).index(second):
        return
    asked = Asked(**{first: ("sold",), second: ("price", "sold")})
    if (first, second) == ("inputs", "known"):  # what is known ahead is read, too
        asked.check(NAMES)
        return
    with pytest.raises(BadInput) as caught:
        asked.check(NAMES)
    assert str(caught.value) == f"expected one role for sold, got {CALLED[first]} and {CALLED[second]}"


def test_times_are_in_two_columns_at_most():
    Asked(time=("day", "clock")).check(NAMES)
    with pytest.raises(BadInput) as caught:
        Asked(time=("day", "clock", "price")).check(NAMES)
    assert str(caught.value) == (
        "expected a column of times, or of days and of clocks, got day, clock, price"
    )
