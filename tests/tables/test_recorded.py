"""A task in a file comes back as it was, whatever it asks for, and is found again by its content."""

import json
from pathlib import Path

import numpy as np
import pytest

from wavetrain.tables import recorded
from wavetrain.tables.cases import Case, case
from wavetrain.tables.load import load
from wavetrain.tables.read.labelled import Labelled

ROWS = tuple(np.random.default_rng(place).normal(size=(5, 2)) for place in range(20))
CLASSED = case(Labelled(ROWS, tuple("ba"[place % 2] for place in range(20))))
NUMBERED = case(Labelled(ROWS, None, tuple(float(place**2) for place in range(20))))


@pytest.mark.parametrize("one", [CLASSED, NUMBERED], ids=["classes", "numbers"])
def test_what_is_read_is_what_was_written(one: Case, tmp_path: Path):
    path = recorded.write(one, tmp_path / "a" / "b", "mine")
    again = recorded.read(path)
    assert again[1:] == one[1:] and recorded.write(one, tmp_path / "a" / "b", "mine") == path
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    for name in (
        "inputs",
        "outputs",
        "tokens",
        "every_step",
        "objective",
        "chance",
        "names",
        "scale",
        "level",
    ):
        assert getattr(again.task, name) == getattr(one.task, name), name
    for part in ("train", "held_valid", "held_test"):
        for mine, other in zip(getattr(one.task, part), getattr(again.task, part), strict=True):
            assert (mine == other).all() and mine.dtype == other.dtype


def test_it_is_called_by_its_name_and_its_content(tmp_path: Path):
    one, other = (recorded.write(each, tmp_path, "my-data") for each in (CLASSED, NUMBERED))
    assert one != other and load(str(one)).name == load(str(other)).name == "my-data"
    assert len(one.stem.removeprefix("my-data-")) == 8


def test_nothing_is_unpickled(tmp_path: Path):
    path = tmp_path / "evil.npz"
    np.savez(path, words=np.array(json.dumps({})), more=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        recorded.read(path)
