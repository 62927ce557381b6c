"""Descriptions of models: a round trip for every layer, and nothing in a file is believed."""

import json
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from wavetrain import find
from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.formats import recipes
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.gate.para_gru import ParaGRU
from wavetrain.layers.recurrence.elm_neuron import ELMNeuron, Leak
from wavetrain.layers.state_space.lru import LRU
from wavetrain.layers.state_space.mamba2 import Mamba2, Variant
from wavetrain.layers.wave.wave_rnn import Activation, Recurrent, Start, WaveRNN
from wavetrain.networks.language_model import LanguageModel
from wavetrain.parts.stack import MLP, Stack
from wavetrain.scan import Newton

LAYERS = {found.name: found.load() for found in find.members("layers")}
X = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0))


def there_and_back(model: recipes.Model, folder: Path) -> recipes.Model:
    before = torch.get_rng_state()
    recipes.save(folder, model)
    assert torch.equal(torch.get_rng_state(), before)
    again = recipes.load(folder)
    one, other = model.state_dict(), again.state_dict()
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]) and one[name].dtype == other[name].dtype
    return again


@pytest.mark.parametrize("name", LAYERS)
def test_a_stack_of_any_layer_comes_back(name: str, tmp_path: Path):
    torch.manual_seed(1)
    stack = Stack([LAYERS[name](8)], inputs=3, outputs=2, mlp=MLP.GATED)
    again = there_and_back(stack, tmp_path)
    y, state = stack(X)
    other, _ = again(X)
    assert torch.equal(y, other)
    torch.testing.assert_close(again.step(X[:, 0], state), stack.step(X[:, 0], state), rtol=0, atol=0)


BUILT: list[Layer] = [
    WaveRNN(8, channels=2, activation=Activation.TANH, start=Start(Recurrent.SHIFT, source=False)),
    Mamba2(8, states=4, variant=Variant(kernel=2, limit=(0.01, math.inf))),
    ELMNeuron(8, memory=3, leak=Leak(longest=50.0, learned=True)),
    ParaGRU(8, newton=Newton(cap=3, fallback=True)),
    LRU(8, states=4, smallest=0.5, phase=1.0),
]


@pytest.mark.parametrize("layer", BUILT, ids=lambda layer: type(layer).__name__)
def test_what_a_layer_was_built_with_comes_back(layer: Layer, tmp_path: Path):
    again = there_and_back(Stack([layer], 3, 2, MLP.NONE), tmp_path)
    assert again.layers[0].given == layer.given


def test_a_description_is_strict_json(tmp_path: Path):
    """Which has no infinity, whatever Python reads."""
    recipes.save(tmp_path, Stack([Mamba2(8, variant=Variant(limit=(0.0, math.inf)))], 3, 2, MLP.NONE))

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    told = json.loads((tmp_path / recipes.CONFIG).read_text(), parse_constant=refuse)
    assert told["layers"][0]["variant"]["limit"] == [0.0, {"__float__": "Infinity"}]


@pytest.mark.parametrize("mlp", MLP)
def test_every_kind_of_mlp_comes_back(mlp: MLP, tmp_path: Path):
    assert recipes.described(there_and_back(Stack([GRU(4), GRU(4)], 3, 2, mlp), tmp_path))["mlp"] == mlp.name


@pytest.mark.parametrize(
    "words", [{}, {"mlp": 12}, {"positions": 9}, {"tied": False, "mlp": 4, "positions": 20}], ids=str
)
def test_a_language_model_comes_back(words: dict[str, Any], tmp_path: Path):
    torch.manual_seed(0)
    model = LanguageModel([GRU(8), SoftmaxAttention(8, heads=2)], vocabulary=11, **words)
    again = there_and_back(model, tmp_path)
    tokens = torch.arange(9)[None] % 11
    assert torch.equal(again(tokens)[0], model(tokens)[0])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_weights_keep_their_type(dtype: torch.dtype, tmp_path: Path):
    stack = Stack([GRU(4)], 3, 2, MLP.PLAIN).to(dtype)
    assert {one.dtype for one in there_and_back(stack, tmp_path).parameters()} == {dtype}


class Outside(GRU):
    """A layer that no library has."""


def changed() -> Stack:
    stack = Stack([GRU(4)], 3, 2, MLP.NONE)
    stack.norms[0].eps = 0.5  # type: ignore[assignment]
    return stack


SHARED = GRU(4)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Stack([Outside(4)], 3, 2, MLP.NONE), "expected layers of the library, got Outside"),
        (Stack([SHARED, SHARED], 3, 2, MLP.NONE), "weights of their own"),
        (changed(), "changed after it was built"),
        (nn.Linear(2, 2), "expected a Stack or a LanguageModel, got Linear"),
        (Stack([LRU(4, phase=torch.tensor(1.0))], 3, 2, MLP.NONE), "LRU: phase is a Tensor"),  # type: ignore[arg-type]
    ],
)
def test_what_could_not_come_back_is_refused(model: Any, message: str, tmp_path: Path):
    with pytest.raises(BadInput, match=message):
        recipes.save(tmp_path / "out", model)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    recipes.save(tmp_path, Stack([GRU(4)], 3, 2, MLP.PLAIN))
    return tmp_path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"library": "other"}, "expected a model of wavetrain, format 1, got 'other'"),
        ({"format": 2}, "expected a model of wavetrain, format 1"),
        ({"kind": "os.system"}, "expected a kind of stack, language_model, got 'os.system'"),
        ({"layers": []}, "expected layers with their names"),
        ({"layers": [{"layer": "subprocess", "width": 4}]}, "no layer of the library is called 'subprocess'"),
        ({"layers": [{"layer": "gru", "width": 4, "evil": 1}]}, "GRU takes no evil"),
        ({"layers": [{"layer": "gru"}]}, "gru: .*width"),
        ({"layers": [{"layer": "gru", "width": "4"}]}, "GRU: width must be of type int .* not '4'"),
        ({"layers": [{"layer": "gru", "width": True}]}, "GRU: width must be of type int .* not True"),
        ({"layers": [{"layer": "gru", "width": 10**9}]}, "GRU: width must be of type int of at most"),
        ({"layers": [{"layer": "gru", "width": 5}]}, r"expected .* \(5,?.*, got \(4"),
        ({"mlp": "HUGE"}, "Stack: mlp must be of type MLP, not 'HUGE'"),
        ({"mlp": "NONE"}, "expected mlps.* not at all"),
        ({"inputs": None}, "Stack: inputs must be of type int"),
        ({"more": 1}, "Stack takes no more"),
    ],
)
def test_a_config_is_not_believed(folder: Path, change: dict[str, Any], message: str):
    told = json.loads((folder / recipes.CONFIG).read_text())
    (folder / recipes.CONFIG).write_text(json.dumps(told | change))
    with pytest.raises(BadInput, match=message) as caught:
        recipes.load(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


class Writes:
    """What a pickle of this would do when read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (Path("written.txt"), "run")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors", "model.pkl"])
def test_a_pickle_is_not_read(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    (folder / recipes.WEIGHTS).unlink()
    (folder / name).write_bytes(pickle.dumps(Writes()))
    with pytest.raises(BadInput, match=r"nothing else is read|not a whole file of safetensors"):
        recipes.load(folder)
    assert not (folder / "written.txt").exists()
    pickle.loads((folder / name).read_bytes())
    assert (folder / "written.txt").exists(), "this pickle would have written, so the test can fail"


def test_weights_that_do_not_fit_are_named(folder: Path):
    tensors = load_file(folder / recipes.WEIGHTS)
    for change, message in (
        ({"encode.bias": torch.zeros(5)}, r"expected encode.bias \(4,\), got \(5,\)"),
        ({"more": torch.zeros(1)}, r"expected more not at all, got \(1,\)"),
    ):
        save_file(tensors | change, folder / recipes.WEIGHTS)
        with pytest.raises(BadInput, match=message):
            recipes.load(folder)
    del tensors["encode.bias"]
    save_file(tensors, folder / recipes.WEIGHTS)
    with pytest.raises(BadInput, match=r"expected encode.bias .*, got none"):
        recipes.load(folder)
    (folder / recipes.CONFIG).write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        recipes.load(folder)
