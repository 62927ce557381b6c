"""What is saved is loaded, and a file is whole or refused."""

from pathlib import Path

import pytest
import torch

from tests.parts.test_stack import mixed
from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.parts import saved
from wavetrain.parts.stack import MLP


def test_what_is_saved_is_loaded(tmp_path: Path):
    tensors = {
        "a": normal(2, 3).T,
        "b": torch.tensor([True, False]),
        "c": torch.arange(3),
        "d": torch.zeros(0),
    }
    words = {"done": 3, "why": "mañana", "marks": [[1, 0.5, None]]}
    path = tmp_path / "some.safetensors"
    saved.save(path, tensors, words)
    assert [file.name for file in tmp_path.iterdir()] == ["some.safetensors"]
    loaded, said = saved.load(path)
    assert said == words
    torch.testing.assert_close(loaded, tensors, rtol=0, atol=0)


@pytest.mark.parametrize("mlp", MLP)
def test_a_whole_network_comes_back_and_no_other_takes_its_place(tmp_path: Path, mlp: MLP):
    network, x = mixed(mlp), normal(2, 5, 3)
    with torch.no_grad():
        for part in network.parameters():
            part.add_(0.1)
    saved.save(tmp_path / "n.safetensors", network.state_dict(), {})
    tensors, _ = saved.load(tmp_path / "n.safetensors")
    same = mixed(mlp)
    same.load_state_dict(tensors)
    torch.testing.assert_close(same(x), network(x), rtol=0, atol=0)
    for other in set(MLP) - {mlp}:
        with pytest.raises(RuntimeError, match="mlps"):
            mixed(other).load_state_dict(tensors)


@pytest.mark.parametrize("damage", ["cut", "other", "empty", "flipped"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str):
    path = tmp_path / "some.safetensors"
    saved.save(path, {"a": torch.ones(100)}, {"done": 3})
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut": whole[:-50],
            "other": b"not a checkpoint at all",
            "empty": b"",
            "flipped": b"\xff" * 8 + whole[8:],
        }[damage]
    )
    with pytest.raises(BadInput, match="not a whole checkpoint") as caught:
        saved.load(path)
    assert "\n" not in str(caught.value)


def test_a_file_of_someone_else_is_refused(tmp_path: Path):
    """A safetensors file without our JSON."""
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "theirs.safetensors")
    with pytest.raises(BadInput, match="not a whole checkpoint"):
        saved.load(tmp_path / "theirs.safetensors")


@pytest.mark.parametrize("words", ["[" * 10**6, '{"a":' * 10**5, "[1]", "null", "3", "{", "", '{"a": 1}{}'])
def test_words_that_are_none_are_refused(tmp_path: Path, words: str):
    """However deep they are nested."""
    from safetensors.torch import save_file

    path = tmp_path / "some.safetensors"
    save_file({"a": torch.ones(2)}, path, {"json": words})
    with pytest.raises(BadInput, match="not a whole checkpoint") as caught:
        saved.load(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(BadInput):
        saved.load(tmp_path / "none.safetensors")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "some.safetensors"
    saved.save(path, {"a": torch.ones(2)}, {"done": 1})
    with pytest.raises(TypeError):
        saved.save(path, {"a": torch.zeros(2)}, {"done": object()})
    tensors, words = saved.load(path)
    assert words == {"done": 1} and torch.equal(tensors["a"], torch.ones(2))
