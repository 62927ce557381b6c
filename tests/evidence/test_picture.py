"""Pictures as data: what is saved comes back, of every kind, with what is left to its defaults."""

import dataclasses
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wavetrain.evidence import picture
from wavetrain.evidence.picture import (
    Alarms,
    Curve,
    Field,
    Maps,
    Matrix,
    Paths,
    Picture,
    Points,
    Raster,
    load,
    save,
    together,
)

LINE, TABLE = np.arange(3.0), np.arange(6.0).reshape(2, 3)
PICTURES = (
    Curve("a", LINE, TABLE, ("one", "two"), xlabel="x (s)", log=True),
    Field("b", TABLE, extent=(0.0, 1.5, 2.0, -0.5), cyclic=True),
    Matrix("c", TABLE),
    Maps("d", TABLE[None], ("one",), columns=2),
    Raster("e", LINE, LINE),
    Points("f", LINE, LINE, np.array([0, 1, 0]), ("one", "two")),
    Paths("h", TABLE.reshape(1, 1, 3, 2), ("one",), TABLE.reshape(1, 3, 2)),
    Alarms("g", LINE, LINE, np.array([np.nan, 1, 2]), LINE, LINE > 1, 0.5, learned=2, dates=True),
)


@pytest.mark.parametrize("one", PICTURES, ids=lambda one: type(one).__name__)
def test_a_picture_comes_back_as_it_was(one: Picture, tmp_path: Path) -> None:
    picture.save(tmp_path / "a.npz", one)
    found = picture.load(tmp_path / "a.npz")
    assert type(found) is type(one)
    for field in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(one, field.name))
        assert type(getattr(found, field.name)) is type(getattr(one, field.name))


def test_what_is_not_said_has_a_default() -> None:
    found = {}
    for one in PICTURES:
        fields = dataclasses.fields(one)
        found[type(one).__name__] = {
            field.name: field.default for field in fields if field.default is not dataclasses.MISSING
        }
    assert found == {
        "Curve": {"xlabel": "", "ylabel": "", "log": False, "seeds": False, "each": None},
        "Field": {
            "xlabel": "time (steps)",
            "ylabel": "position",
            "label": "activity",
            "extent": None,
            "cyclic": False,
        },
        "Matrix": {"xlabel": "then (step)", "ylabel": "now (step)", "label": "influence"},
        "Maps": {
            "xlabel": "x (places)",
            "ylabel": "y (places)",
            "label": "activity",
            "columns": 4,
            "seeds": False,
            "mean": 1,
        },
        "Raster": {"xlabel": "time", "ylabel": "unit"},
        "Points": {"xlabel": "", "ylabel": "", "seeds": False},
        "Paths": {"xlabel": "x", "ylabel": "y", "columns": 3},
        "Alarms": {
            "learned": 0,
            "dates": False,
            "xlabel": "row",
            "ylabel": "value",
            "label": "error (robust deviations)",
        },
    }


def test_lines_of_seeds_come_beside_their_means():
    one = Curve("a", np.array([1.0, 2.0]), np.array([[1.0, 2.0]]), ("x",), seeds=True)
    two = Curve("a", np.array([2.0, 3.0]), np.array([[8.0, 9.0]]), ("x",), seeds=True)
    both = together([one, two])
    assert isinstance(both, Curve) and both.each is not None
    np.testing.assert_array_equal(both.x, [1, 2, 3])
    np.testing.assert_array_equal(both.lines, [[np.nan, 5, np.nan]])
    np.testing.assert_array_equal(both.each, [[[1, 2, np.nan]], [[np.nan, 8, 9]]])
    geometric = together([replace(one, log=True), replace(two, log=True)])
    assert isinstance(geometric, Curve)
    np.testing.assert_allclose(geometric.lines, [[np.nan, 4, np.nan]])


def test_points_of_seeds_lie_beside_each_other_and_maps_are_means():
    points = [
        Points("a", np.full(2, seed), np.arange(2.0), np.arange(2), ("x", "y"), seeds=True) for seed in (0, 1)
    ]
    both = together(points)
    assert isinstance(both, Points)
    assert both.x.tolist() == [0, 0, 1, 1] and both.group.tolist() == [0, 1, 0, 1]
    maps = together([Maps("a", np.full((1, 2, 2), float(seed)), ("x",), seeds=True) for seed in range(3)])
    assert isinstance(maps, Maps) and maps.mean == 3 and (maps.values == 1).all()


def test_what_does_not_belong_together_is_the_first():
    one = Curve("a", np.arange(2.0), np.ones((1, 2)), ("x",))
    assert together([one, one]) is one
    one = replace(one, seeds=True)
    assert together([one]) is one and together([one, replace(one, labels=("y",))]) is one
    first = Maps("a", np.ones((1, 2, 2)), ("x",), seeds=True)
    assert together([first, replace(first, values=np.ones((1, 3, 3)))]) is first
    assert together([first, one]) is first


def test_what_is_kept_of_seeds_comes_back(tmp_path: Path):
    one = Curve("a", np.arange(2.0), np.ones((1, 2)), ("x",), seeds=True)
    for there in (one, together([one, one])):
        save(tmp_path / "one.npz", there)
        back = load(tmp_path / "one.npz")
        assert isinstance(back, Curve) and isinstance(there, Curve) and back.seeds
        assert (back.each is None) == (there.each is None)
