"""The checkpoint before the newest is kept, and taken where that is damaged; none begins again in silence."""

from pathlib import Path

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.train import savepoints


def kept(path: Path, step: int) -> None:
    savepoints.save(path, {"weight": torch.full((3,), float(step))}, {"step": step})


def step(path: Path) -> int:
    tensors, words = savepoints.load(path)
    assert torch.equal(tensors["weight"], torch.full((3,), float(words["step"])))
    return int(words["step"])


def test_the_newest_and_the_one_before_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    assert not savepoints.there(path)
    for at in (5, 10, 15):
        kept(path, at)
        assert savepoints.there(path) and step(path) == at
    assert savepoints.load(savepoints.before(path))[1] == {"step": 10}
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.safetensors", "a.safetensors.before"]


@pytest.mark.parametrize("damage", ["cut", "rubbish", "empty"])
def test_where_the_newest_is_damaged_the_one_before_is_taken_and_said(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.safetensors"
    kept(path, 5)
    kept(path, 10)
    content = {"cut": path.read_bytes()[:-10], "rubbish": b"x" * 100, "empty": b""}[damage]
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=r"a\.safetensors was damaged; the training goes on from the one be"):
        assert step(path) == 5
    assert path.with_name("a.safetensors.damaged").read_bytes() == content  # nothing is lost
    assert step(path) == 5  # and said once
    kept(path, 10)
    assert step(path) == 10 and savepoints.load(savepoints.before(path))[1] == {"step": 5}


def test_where_none_is_whole_nothing_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    kept(path, 5)
    path.write_bytes(b"x")
    with pytest.raises(BadInput, match=r"a\.safetensors is not a whole checkpoint"):
        savepoints.load(path)
    savepoints.before(path).write_bytes(b"y")
    with pytest.raises(BadInput, match=r"a\.safetensors is not a whole checkpoint"):
        savepoints.load(path)
    assert path.read_bytes() == b"x" and savepoints.before(path).read_bytes() == b"y"


def test_killed_between_two_names(tmp_path: Path) -> None:
    """The old one has its new name, the new one not yet: the old one is taken."""
    path = tmp_path / "a.safetensors"
    kept(path, 5)
    path.replace(savepoints.before(path))
    assert savepoints.there(path) and step(path) == 5
    kept(path, 10)
    assert step(path) == 10
