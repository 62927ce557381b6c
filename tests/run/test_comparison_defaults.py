"""The front door, the command and the terms behind both have one set of defaults."""

import dataclasses
import inspect

import pytest

from wavetrain.cli.compare import compare as command
from wavetrain.run.budget import GIVEN
from wavetrain.run.comparison import compare
from wavetrain.run.terms import Terms

TERMS = {field.name: field.default for field in dataclasses.fields(Terms)}


@pytest.mark.parametrize("door", [compare, command], ids=["wt.compare", "wavetrain compare"])
def test_defaults_are_those_of_the_terms(door):  # type: ignore[no-untyped-def]
    given = {name: one.default for name, one in inspect.signature(door).parameters.items()}
    shared = set(given) & set(TERMS) - {"seeds"}
    assert shared == {"parameters", "steps", "batch", "depth", "rates"}
    assert given["steps"] is given["minutes"] is None and given["quick"] is False  # then there are minutes
    shared -= {"steps"}
    assert {name: given[name] for name in shared} == {name: TERMS[name] for name in shared}
    assert given["seeds"] == len(TERMS["seeds"])  # type: ignore[arg-type]


def test_both_doors_ask_alike():
    """The command alone prints JSON, and compares rules."""
    doors = [inspect.signature(one).parameters for one in (compare, command)]
    assert set(doors[1]) - set(doors[0]) == {"json", "track", "rules", "stream", "piece"} and set(
        doors[0]
    ) <= set(doors[1])
    for name in set(doors[0]) - {"data", "out", "jobs", "time", "id", "inputs"}:
        assert doors[0][name].default == doors[1][name].default


def test_they_are_the_documented_ones():
    assert Terms().steps == GIVEN
    assert Terms() == Terms(20_000, 400, 32, 2, (1e-3, 3e-3, 1e-2), 0.25, (0, 1, 2), 1.0)
