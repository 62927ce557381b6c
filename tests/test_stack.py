"""Read-out and stack: a stack of layers is a layer, tokens are one-hot vectors, files are whole or not."""

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.promises import ON_SEQUENCES, close, normal
from wavetrain import stack
from wavetrain.errors import BadInput
from wavetrain.layers.elman import Elman
from wavetrain.layers.gru import GRU
from wavetrain.layers.lstm import LSTM
from wavetrain.layers.softmax_attention import SoftmaxAttention
from wavetrain.stack import Reader, Stack


def mixed() -> Stack:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Stack([LSTM(4), SoftmaxAttention(4, heads=2), Elman(4)], inputs=3, outputs=2).double()


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
def test_a_stack_keeps_the_promises_of_a_layer(promise):
    promise(mixed(), normal(2, 5, 3))


def test_a_block_adds_its_layer_and_its_mlp_to_the_stream():
    network, x = mixed(), normal(2, 5, 3)
    stream = network.encode(x)
    for layer, norm, mlp in zip(network.layers, network.norms, network.mlps, strict=True):
        stream = stream + layer(norm(stream))[0]
        stream = stream + mlp(stream)
    close(network(x)[0], network.decode(stream), "stack, by hand")


def test_tokens_are_one_hot_vectors():
    tokens = torch.tensor([[0, 2, 1], [1, 1, 2]])
    vectors = nn.functional.one_hot(tokens, 3).double()
    close(mixed()(tokens), mixed()(vectors), "tokens, one-hot vectors")
    reader = Reader(Elman(5, inputs=3), outputs=2, steps=True).double()
    close(reader(tokens), reader(vectors), "tokens, one-hot vectors")
    assert stack.one_hot(vectors, 3, torch.float32) is vectors
    for bad in (tokens + 1, tokens - 1):
        with pytest.raises(BadInput, match="expected tokens from 0 to 2, got"):
            mixed()(bad)


@pytest.mark.parametrize("hidden", [None, 7])
def test_reader_reads_every_step_or_the_last(hidden: int | None):
    torch.manual_seed(0)
    layer, x = GRU(5, inputs=3), normal(2, 6, 3, dtype=torch.float32)
    every, last = (Reader(layer, outputs=2, steps=steps, hidden=hidden) for steps in (True, False))
    last.read = every.read
    assert every(x).shape == (2, 6, 2) and last(x).shape == (2, 2)
    torch.testing.assert_close(last(x), every(x)[:, -1])
    torch.testing.assert_close(every(x), every.read(layer(x)[0]))


def test_widths_must_agree():
    with pytest.raises(BadInput, match=r"one width .* got widths \[4, 5\]"):
        Stack([Elman(4), Elman(5)], inputs=3, outputs=2)
    with pytest.raises(BadInput, match=r"got widths \[3, 4\]"):
        Stack([Elman(4, inputs=3)], inputs=3, outputs=2)
    with pytest.raises(BadInput):
        Stack([], inputs=3, outputs=2)


def test_what_is_saved_is_loaded(tmp_path: Path):
    tensors = {
        "a": normal(2, 3).T,
        "b": torch.tensor([True, False]),
        "c": torch.arange(3),
        "d": torch.zeros(0),
    }
    words = {"done": 3, "why": "mañana", "marks": [[1, 0.5, None]]}
    path = tmp_path / "some.safetensors"
    stack.save(path, tensors, words)
    assert [file.name for file in tmp_path.iterdir()] == ["some.safetensors"]
    loaded, said = stack.load(path)
    assert said == words
    torch.testing.assert_close(loaded, tensors, rtol=0, atol=0)


def test_a_whole_network_comes_back(tmp_path: Path):
    network, x = mixed(), normal(2, 5, 3)
    stack.save(tmp_path / "n.safetensors", network.state_dict(), {})
    other = Stack([LSTM(4), SoftmaxAttention(4, heads=2), Elman(4)], inputs=3, outputs=2).double()
    other.load_state_dict(stack.load(tmp_path / "n.safetensors")[0])
    torch.testing.assert_close(other(x), network(x), rtol=0, atol=0)


@pytest.mark.parametrize("damage", ["cut", "other", "empty", "flipped"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str):
    path = tmp_path / "some.safetensors"
    stack.save(path, {"a": torch.ones(100)}, {"done": 3})
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
        stack.load(path)
    assert "\n" not in str(caught.value)


def test_a_file_of_someone_else_is_refused(tmp_path: Path):
    """A safetensors file without our JSON."""
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "theirs.safetensors")
    with pytest.raises(BadInput, match="not a whole checkpoint"):
        stack.load(tmp_path / "theirs.safetensors")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(BadInput):
        stack.load(tmp_path / "none.safetensors")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "some.safetensors"
    stack.save(path, {"a": torch.ones(2)}, {"done": 1})
    with pytest.raises(TypeError):
        stack.save(path, {"a": torch.zeros(2)}, {"done": object()})
    tensors, words = stack.load(path)
    assert words == {"done": 1} and torch.equal(tensors["a"], torch.ones(2))
