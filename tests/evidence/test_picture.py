"""Pictures as data: what is saved comes back, of every kind, with what is left to its defaults."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from wavetrain.evidence import picture
from wavetrain.evidence.picture import Alarms, Curve, Field, Maps, Matrix, Paths, Picture, Points, Raster

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
        "Curve": {"xlabel": "", "ylabel": "", "log": False},
        "Field": {
            "xlabel": "time (steps)",
            "ylabel": "position",
            "label": "activity",
            "extent": None,
            "cyclic": False,
        },
        "Matrix": {"xlabel": "then (step)", "ylabel": "now (step)", "label": "influence"},
        "Maps": {"xlabel": "x (places)", "ylabel": "y (places)", "label": "activity", "columns": 4},
        "Raster": {"xlabel": "time", "ylabel": "unit"},
        "Points": {"xlabel": "", "ylabel": ""},
        "Paths": {"xlabel": "x", "ylabel": "y", "columns": 3},
        "Alarms": {
            "learned": 0,
            "dates": False,
            "xlabel": "row",
            "ylabel": "value",
            "label": "error (robust deviations)",
        },
    }
