"""Read-out and stack: a stack of layers is a layer, tokens are one-hot vectors, files are whole or not."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.promises import ON_SEQUENCES, close, normal
from wavetrain.errors import BadInput
from wavetrain.layers.attention.mega import MEGA
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts import stack
from wavetrain.parts.stack import MLP, Reader, Stack


def mixed(mlp: MLP = MLP.PLAIN) -> Stack:
    """Three layers, of which the second brings a residual of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [LSTM(4), MEGA(4, rates=2, chunk=3), SoftmaxAttention(4, heads=2)]
        return Stack(layers, inputs=3, outputs=2, mlp=mlp).double()


@pytest.mark.parametrize("mlp", MLP)
@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
def test_a_stack_keeps_the_promises_of_a_layer(promise, mlp: MLP):
    promise(mixed(mlp), normal(2, 5, 3))


def plain(stream: Tensor, mlp: nn.Module) -> Tensor:
    norm, enter, _, leave = mlp
    return stream + leave(nn.functional.gelu(enter(norm(stream))))


def gated(stream: Tensor, mlp: nn.Module) -> Tensor:
    norm, unit = mlp
    gate, value = unit.enter.weight.chunk(2)
    gate_bias, value_bias = unit.enter.bias.chunk(2)
    x = norm(stream)
    gate, value = x @ gate.T + gate_bias, x @ value.T + value_bias
    return stream + unit.leave(gate * gate.sigmoid() * value)


def test_a_block_is_its_layer_and_nothing_else_where_no_mlp_is_wanted():
    network, x = mixed(MLP.NONE), normal(2, 5, 3)
    gates, highway, attention = network.layers
    first, second, third = network.norms
    stream = network.encode(x)
    stream = stream + gates(first(stream))[0]
    stream = highway(second(stream))[0]  # its own residual is the only one
    stream = stream + attention(third(stream))[0]
    close(network(x)[0], network.decode(stream), "stack, by hand")
    parts = (network.encode, network.layers, network.norms, network.decode)
    assert {id(one) for one in network.parameters()} == {
        id(one) for part in parts for one in part.parameters()
    }


@pytest.mark.parametrize(("mlp", "follow"), [(MLP.PLAIN, plain), (MLP.GATED, gated)])
def test_an_mlp_is_added_behind_each_layer(mlp: MLP, follow):
    network, x = mixed(mlp), normal(2, 5, 3)
    gates, highway, attention = network.layers
    first, second, third = network.norms
    stream = network.encode(x)
    stream = follow(stream + gates(first(stream))[0], network.mlps[0])
    stream = follow(highway(second(stream))[0], network.mlps[1])
    stream = follow(stream + attention(third(stream))[0], network.mlps[2])
    close(network(x)[0], network.decode(stream), "stack, by hand")


def test_parameters_of_an_mlp():
    """Twice the width: 4 D^2 weights; gated: 3 D^2. With norm and biases, for each of three layers."""
    none, one, gate = (sum(part.numel() for part in mixed(mlp).parameters()) for mlp in MLP)
    assert one - none == 3 * (4 * 16 + 4 + 8 + 4)
    assert gate - none == 3 * (3 * 16 + 4 + 8 + 4)


def test_a_layer_says_whether_it_brings_its_own_residual():
    """With a gate u of zero the output of such a layer is its input; without, nobody's is."""
    layer, x = MEGA(4), normal(2, 5, 4, dtype=torch.float32)
    with torch.no_grad():
        layer.attend.base.bias[:4] = -torch.inf
    assert layer.residual and torch.equal(layer(x)[0], x)
    assert not LSTM.residual and not SoftmaxAttention.residual


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
        Stack([Elman(4), Elman(5)], inputs=3, outputs=2, mlp=MLP.NONE)
    with pytest.raises(BadInput, match=r"got widths \[3, 4\]"):
        Stack([Elman(4, inputs=3)], inputs=3, outputs=2, mlp=MLP.NONE)
    with pytest.raises(BadInput):
        Stack([], inputs=3, outputs=2, mlp=MLP.NONE)


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


@pytest.mark.parametrize("mlp", MLP)
def test_a_whole_network_comes_back_and_no_other_takes_its_place(tmp_path: Path, mlp: MLP):
    network, x = mixed(mlp), normal(2, 5, 3)
    with torch.no_grad():
        for part in network.parameters():
            part.add_(0.1)
    stack.save(tmp_path / "n.safetensors", network.state_dict(), {})
    tensors, _ = stack.load(tmp_path / "n.safetensors")
    same = mixed(mlp)
    same.load_state_dict(tensors)
    torch.testing.assert_close(same(x), network(x), rtol=0, atol=0)
    for other in set(MLP) - {mlp}:
        with pytest.raises(RuntimeError, match="mlps"):
            mixed(other).load_state_dict(tensors)


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


@pytest.mark.parametrize("words", ["[" * 10**6, '{"a":' * 10**5, "[1]", "null", "3", "{", "", '{"a": 1}{}'])
def test_words_that_are_none_are_refused(tmp_path: Path, words: str):
    """However deep they are nested."""
    from safetensors.torch import save_file

    path = tmp_path / "some.safetensors"
    save_file({"a": torch.ones(2)}, path, {"json": words})
    with pytest.raises(BadInput, match="not a whole checkpoint") as caught:
        stack.load(path)
    assert "\n" not in str(caught.value)


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
