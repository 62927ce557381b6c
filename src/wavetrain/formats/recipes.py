"""What a model is made of, as JSON beside its weights: a stack or a language model in a folder.

    config.json         kind and sizes of the model, and of each layer its name and what it was built with
    model.safetensors   the weights under their names in the module

`described` and `built` are a round trip for every layer of the library. Names in the file lead to layers of
the library alone, values to what the layer's own signature asks for, and nothing is unpickled or run. No
number in config.json may be larger than the file of weights is long, so that little memory is spent before a
shape that does not fit is found.
"""

import inspect
import typing
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from wavetrain import find
from wavetrain.core import Layer, examined
from wavetrain.errors import BadInput
from wavetrain.formats import _values
from wavetrain.formats.checkpoints import words
from wavetrain.networks.language_model import LanguageModel
from wavetrain.parts.stack import MLP, GatedLinear, Stack

CONFIG, WEIGHTS = "config.json", "model.safetensors"
FORMAT = 1
KINDS = {"stack": Stack, "language_model": LanguageModel}
Model = Stack | LanguageModel


def described(model: Model) -> dict[str, Any]:
    """The description of a model; raises BadInput for one that cannot be built from a description alone.

    >>> from wavetrain.formats.recipes import built, described
    >>> from wavetrain.layers import LRU
    >>> from wavetrain.parts.stack import MLP, Stack
    >>> told = described(Stack([LRU(8, states=4)], inputs=2, outputs=3, mlp=MLP.PLAIN))
    >>> told["layers"], told["mlp"]
    ([{'layer': 'lru', 'width': 8, 'states': 4}], 'PLAIN')
    >>> built(told).layers[0].given
    {'width': 8, 'states': 4}
    """
    if isinstance(model, LanguageModel):
        blocks = model.blocks()
        layers = [block.mixer for block in blocks]
        hidden = blocks[0].mlp
        told: dict[str, Any] = {
            "kind": "language_model",
            "vocabulary": model.vocabulary,
            "mlp": 0 if hidden is None else hidden[1].out_features,
            "positions": None if model.positions is None else model.positions.num_embeddings,
            "tied": model.lm_head is None,
        }
    elif isinstance(model, Stack):
        layers = list(model.layers)  # type: ignore[arg-type]
        told = {"kind": "stack", "inputs": model.inputs, "outputs": model.width, "mlp": _mlp(model).name}
    else:
        raise BadInput(f"expected a Stack or a LanguageModel, got {type(model).__name__}")
    if len({id(layer) for layer in layers}) < len(layers):
        raise BadInput("expected layers with weights of their own, got one layer in several places")
    told = {
        "library": "wavetrain",
        "format": FORMAT,
        **told,
        "layers": [described_layer(one) for one in layers],
    }
    _check_same(model, told)
    return told


def built(told: dict[str, Any], largest: int = 2**31 - 1) -> Model:
    """The model of a description, with weights of its own start; no number in it may be above `largest`."""
    if told.get("library") != "wavetrain" or told.get("format") != FORMAT:
        raise BadInput(f"expected a model of wavetrain, format {FORMAT}, got {told.get('library')!r}")
    if told.get("kind") not in KINDS:
        raise BadInput(f"expected a kind of {', '.join(KINDS)}, got {told.get('kind')!r}")
    found = told.get("layers")
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise BadInput("expected layers with their names")
    kind = KINDS[told["kind"]]
    own = {name: value for name, value in told.items() if name not in ("library", "format", "kind", "layers")}
    layers = [_layer(one, largest) for one in found]
    try:
        return kind(layers, **_arguments(kind, own, largest))
    except TypeError as error:
        raise BadInput(f"this makes no {told['kind']}: {error}") from error


def save(folder: Path, model: Model) -> None:
    """Write a model into a folder: the weights, then config.json."""
    folder = Path(folder)
    told = described(model)
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{WEIGHTS}.new"
    tensors = {name: part.detach().contiguous().clone() for name, part in model.state_dict().items()}
    try:
        save_file(tensors, new, {"format": "pt"})
    except SafetensorError as error:  # a full disk, for example
        raise OSError(f"{folder / WEIGHTS} could not be written: {error}") from error
    new.replace(folder / WEIGHTS)
    words.write(folder / CONFIG, _values.spelled(told))


def load(folder: Path) -> Model:
    """What `save` wrote; raises BadInput with one line for anything else."""
    return read(Path(folder) / CONFIG, Path(folder) / WEIGHTS)


def read(config: Path, weights: Path) -> Model:
    """A model from its two files."""
    if not config.is_file() or not weights.is_file():
        missing = weights if config.is_file() else config
        raise BadInput(f"{missing}: expected {CONFIG} and {WEIGHTS}, found none; nothing else is read")
    told = words.read(config)
    try:
        model = built(told, largest=weights.stat().st_size)
    except BadInput as error:
        raise BadInput(f"{config}: {error}") from error
    _fill(model, _tensors(weights), weights)
    return model


def described_layer(layer: Layer) -> dict[str, Any]:
    kind = type(layer)
    known = (one for one in find.ours() if one.kind == "layers")
    names = [one.name for one in known if (one.module, one.symbol) == (kind.__module__, kind.__name__)]
    if not names:
        raise BadInput(f"expected layers of the library, got {kind.__name__}: others cannot load it by name")
    return {
        "layer": names[0],
        **{name: _values.told(value, f"{kind.__name__}: {name}") for name, value in layer.given.items()},
    }


def _layer(told: dict[str, Any], largest: int) -> Layer:
    known = {one.name: one for one in find.ours() if one.kind == "layers"}
    if not isinstance(told.get("layer"), str) or told["layer"] not in known:
        raise BadInput(f"no layer of the library is called {told.get('layer')!r}")
    kind = known[told["layer"]].load()
    given = _arguments(kind, {name: value for name, value in told.items() if name != "layer"}, largest)
    try:
        return kind(**given)
    except TypeError as error:
        raise BadInput(f"{told['layer']}: {error}") from error


def _arguments(kind: type, told: dict[str, Any], largest: int) -> dict[str, Any]:
    init = inspect.unwrap(kind.__init__)  # type: ignore[misc]
    hints = typing.get_type_hints(init)
    if unknown := told.keys() - hints.keys():
        raise BadInput(f"{kind.__name__} takes no {', '.join(sorted(unknown))}")
    return {
        name: _values.value(hints[name], value, f"{kind.__name__}: {name}", largest)
        for name, value in told.items()
    }


def _mlp(stack: Stack) -> MLP:
    if not stack.mlps:
        return MLP.NONE
    gated = any(isinstance(part, GatedLinear) for part in stack.mlps.modules())
    return MLP.GATED if gated else MLP.PLAIN


def _check_same(model: Model, told: dict[str, Any]) -> None:
    """Raise where a model that is built from the description, with the same weights, answers otherwise."""
    with torch.random.fork_rng(devices=[]):
        other = built(told)
    _fill(other, model.state_dict(), Path(type(model).__name__))
    one = next(model.parameters())
    other.to(one.device)
    if isinstance(model, LanguageModel):
        x = torch.arange(6, device=one.device)[None] % model.vocabulary
        x = x[:, : model.positions.num_embeddings] if model.positions is not None else x
    else:
        x = torch.linspace(-1, 1, 6 * model.inputs, device=one.device).view(1, 6, -1).to(one.dtype)
    with torch.no_grad(), examined(model), examined(other):
        if not torch.equal(model(x)[0], other(x)[0]):
            raise BadInput(
                f"{type(model).__name__}: expected a model that its arguments and weights describe, "
                "got one that was changed after it was built"
            )


def _tensors(weights: Path) -> dict[str, Tensor]:
    try:
        with safe_open(weights, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(f"{weights} is not a whole file of safetensors ({first})") from error


@torch.no_grad()
def _fill(model: nn.Module, tensors: dict[str, Tensor], weights: Path) -> None:
    """Load tensors, in the types that they have; raises for the first that does not fit."""
    wanted = model.state_dict()
    for name in sorted(wanted.keys() | tensors.keys()):
        want, have = (tuple(side[name].shape) if name in side else None for side in (wanted, tensors))
        if want != have:
            raise BadInput(f"{weights}: expected {name} {want or 'not at all'}, got {have or 'none'}")
    for name, part in (*model.named_parameters(), *model.named_buffers()):
        if name in tensors:
            part.data = part.data.to(tensors[name].dtype)
    model.load_state_dict(tensors)
