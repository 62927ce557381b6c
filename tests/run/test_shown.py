"""What a lens found as words, JSON and pictures: the bounds between them, and which array is drawn how."""

import inspect
from typing import Any, NamedTuple

import numpy as np
import pytest
from jaxtyping import Float

from wavetrain.evidence.picture import Curve, Field, Maps, Matrix
from wavetrain.run.shown import LONGEST, figures, numbers, pictures


class Told(NamedTuple):
    """What stands for the whole. And more about it."""

    a_b: Any  # its own words
    # words above,
    # in two lines
    above: Any
    bare: Any


def value(one: Any) -> str:
    return figures(Told(one, 0, 0))[0].value


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ("a word", "a word"),
        (None, "None"),
        (3.14159265, "3.142"),
        (12, "12"),
        (123456.0, "1.235e+05"),
        (np.True_, "True"),
        (False, "False"),
        (1 + 2j, "1+2j"),
        (np.array([1.0, np.nan, 3.0, 4.0]), "1, nan, 3, 4"),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), "1, 2, 3, 4"),
        (np.array([1.0, np.nan, 3.0, 9.0, np.inf]), "5: 1 to 9, median 3"),
        (np.array([[1, 2, 6], [7, 8, 9]]), "2 × 3: 1 to 9, median 6.5"),
        (np.array([True, False, False]), "3: 33.3% true"),
        (np.array([np.nan, np.inf]), "2 numbers, none known"),
        (np.array([1j, 2j]), "2 numbers"),
        (np.array([1j * np.nan]), "1 numbers, none known"),
        (np.zeros(0), "0 numbers, none known"),
    ],
)
def test_a_value_in_words(found: Any, words: str) -> None:
    assert value(found) == words


def test_a_field_is_told_by_its_own_words_or_by_those_above_or_by_the_whole() -> None:
    told = [(one.name, one.about) for one in figures(Told(0, 0, 0))]
    first = (inspect.getdoc(Told) or "").splitlines()[0]
    assert told == [
        ("a b", "its own words"),
        ("above", "words above, in two lines"),
        ("bare", first.removesuffix(".")),
    ]


def test_json_has_numbers_of_short_arrays_and_shapes_of_others() -> None:
    found = numbers(Told(np.array([1.5, np.nan, np.inf]), np.array([[1, 2]]), np.array([True, False])))
    assert found == {"a_b": [1.5, None, None], "above": [[1, 2]], "bare": [True, False]}
    found = numbers(Told("word", np.array([1j, 2j]), 7))
    assert found == {"a_b": {"shape": []}, "above": {"shape": [2]}, "bare": 7}
    found = numbers(Told(np.arange(LONGEST), np.arange(LONGEST + 1), np.uint8(3)))
    assert found == {"a_b": list(range(LONGEST)), "above": {"shape": [LONGEST + 1]}, "bare": 3}


class Many(NamedTuple):
    """Arrays of every form."""

    null: Float[np.ndarray, " units"]  # of which no picture is
    single: Float[np.ndarray, " units"]  # one number
    some: Float[np.ndarray, "surrogates units"]
    events: Float[np.ndarray, " events"]
    maps: Float[np.ndarray, "units down across"]  # Hz; in places, of each
    deep: Float[np.ndarray, "*more trials units down across"]
    course: Float[np.ndarray, "*trials time units"]  # rad, of each
    two: Float[np.ndarray, " units"]
    fifth: Float[np.ndarray, " units"]


RAMP = np.arange(2 * 10 * 3 * 4.0).reshape(2, 10, 3, 4)
COURSE = np.arange(2 * 1200 * 3.0).reshape(2, 1200, 3)
MANY = Many(
    np.ones(3), np.ones(1), np.ones((2, 3)), np.ones(9), RAMP[0], RAMP, COURSE, np.ones(2), np.ones(5)
)


def test_which_fields_have_pictures() -> None:
    """Four at most; nulls, events, draws and single numbers have none."""
    drawn = pictures("my_lens", MANY, {})
    assert list(drawn) == ["maps", "deep", "course", "two"]
    assert drawn["deep"].title == "my lens: deep"
    assert pictures("my_lens", MANY, {}, "A rat")["deep"].title == "A rat: deep"


def test_maps_are_the_first_eight_of_the_first_trial() -> None:
    drawn = pictures("my_lens", MANY, {})
    for one in (drawn["maps"], drawn["deep"]):
        assert isinstance(one, Maps)
        np.testing.assert_array_equal(one.values, RAMP[0, :8])
        assert one.labels == tuple(f"units {at}" for at in range(8))
        assert (one.xlabel, one.ylabel) == ("across", "down")
    assert drawn["maps"].label == "Hz" and drawn["deep"].label == "my lens: deep"  # type: ignore[union-attr]


@pytest.mark.parametrize("axis", ["trials", "batch", "rings", "sequences"])
def test_a_course_is_that_of_the_first_of_what_repeats_it(axis: str) -> None:
    class Course(NamedTuple):
        """One."""

        course: Float[np.ndarray, f"{axis} time units"]  # rad

    (one,) = pictures("lens", Course(COURSE), {}).values()
    assert isinstance(one, Field)
    np.testing.assert_array_equal(one.values, COURSE[0, :1000].T)


def test_time_runs_across_in_seconds_or_in_steps() -> None:
    with_rate = pictures("lens", MANY, {"rate": 50.0})["course"]
    without = pictures("lens", MANY, {})["course"]
    assert isinstance(with_rate, Field) and isinstance(without, Field)
    assert (with_rate.xlabel, with_rate.ylabel, with_rate.extent) == ("time (s)", "units", (0, 20, 2.5, -0.5))
    assert (without.xlabel, without.extent, without.cyclic, without.label) == (
        "time (steps)",
        None,
        True,
        "rad",
    )
    assert without.values.shape == (3, LONGEST)


class Across(NamedTuple):
    """Time behind."""

    level: Float[np.ndarray, "units time"]  # mV
    line: Float[np.ndarray, " time"]  # mV
    square: Float[np.ndarray, "units units"]  # share, of all


def test_what_has_time_behind_is_not_turned() -> None:
    level, line = np.arange(6.0).reshape(3, 2), np.arange(1500.0)
    drawn = pictures("lens", Across(level, line, np.eye(3)), {"rate": 4})
    one, curve, square = drawn["level"], drawn["line"], drawn["square"]
    assert isinstance(one, Field) and isinstance(curve, Curve) and isinstance(square, Matrix)
    np.testing.assert_array_equal(one.values, level)
    assert one.extent == (0, 0.5, 2.5, -0.5) and not one.cyclic
    np.testing.assert_array_equal(curve.x, np.arange(1000) / 4)
    np.testing.assert_array_equal(curve.lines, line[None, :1000])
    assert (curve.xlabel, curve.ylabel, curve.labels) == ("time (s)", "mV", ("",))
    assert (square.xlabel, square.ylabel, square.label) == ("units", "units", "share")
    short = pictures("lens", Across(np.ones((2, 1)), line, np.eye(3)), {"rate": 4})["level"]
    assert isinstance(short, Field) and short.extent == (0, 1, 1.5, -0.5)  # one sample is a second wide


def test_other_axes_are_counted() -> None:
    (two,) = (one for name, one in pictures("lens", MANY, {"rate": 9}).items() if name == "two")
    assert isinstance(two, Curve) and two.xlabel == "units" and two.x.tolist() == [0, 1]
