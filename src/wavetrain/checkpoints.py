"""Language models in the layout of the published Mamba checkpoints: config.json, and the weights beside it.

    weights   model.safetensors, or model.safetensors.index.json with its shards, or pytorch_model.bin (or its
              index), which is read as tensors only: nothing in it is run
    names     backbone.embeddings.weight (V, D), backbone.layers.0.norm.weight (D), backbone.layers.0.mixer.*
              with the names of `Mamba` or `Mamba2`, ..., backbone.norm_f.weight (D), lm_head.weight, tied
    config    hidden_size, num_hidden_layers, state_size ... as transformers writes it, or d_model, n_layer,
              ssm_cfg ... as in the authors' own (Gu and Dao 2023, Dao and Gu 2024); those also say
              backbone.embedding.weight and mean a vocabulary that is filled up to a multiple of 8 or 16

`load` and `save` are a round trip, and transformers reads what `save` writes. Whatever a setting would change
in the map and is not to be had here is refused by name.
"""

import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.layers.mamba import Biases, Mamba
from wavetrain.layers.mamba2 import KERNEL, Mamba2
from wavetrain.networks.language_model import LanguageModel

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
PLACES = (WEIGHTS, INDEX, "pytorch_model.bin", "pytorch_model.bin.index.json")  # the first that is there
HEAD, TABLE = "lm_head.weight", "backbone.embeddings.weight"
SPELLINGS = {  # of the authors, and of transformers
    "d_model": "hidden_size",
    "n_layer": "num_hidden_layers",
    "d_state": "state_size",
    "d_conv": "conv_kernel",
    "dt_rank": "time_step_rank",
    "bias": "use_bias",
    "conv_bias": "use_conv_bias",
    "headdim": "head_dim",
    "ngroups": "n_groups",
    "dt_limit": "time_step_limit",
}
ONLY: dict[str, Any] = {  # settings that change the map, and the one value that is had here
    "hidden_act": "silu",
    "rms_norm": True,
    "rmsnorm": True,
    "norm_before_gate": False,
    "D_has_hdim": False,
    "d_ssm": None,
    "d_intermediate": 0,
    "attn_layer_idx": [],
    "time_step_limit": [0.0, math.inf],
}


def load(path: Path, dtype: torch.dtype = torch.float32) -> LanguageModel:
    """A model from a folder, or from a file of weights with config.json beside it.

    All tensors are turned into `dtype`; below float32 the recurrence loses much. Raises BadInput with one
    line for what is missing, damaged, of another shape, or not supported.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    config = _Config(folder / CONFIG)
    with torch.device("meta"):
        model = config.model()
    file = (
        path if path.is_file() else next((folder / one for one in PLACES if (folder / one).is_file()), None)
    )
    if file is None:
        raise BadInput(f"{path}: expected one of {', '.join(PLACES)}, found none")
    tensors = _fitting(file, _read(file), model)
    model.load_state_dict({name: part.to(dtype).contiguous() for name, part in tensors.items()}, assign=True)
    for part in model.modules():
        if isinstance(part, nn.RMSNorm):
            part.eps = config.eps
    return model


def save(folder: Path, model: LanguageModel, largest: int = 5 * 10**9) -> None:
    """Write a model whose layers are all `Mamba`, or all `Mamba2`, into a folder that holds no model yet.

    The weights become one file, or several where they are more than `largest` bytes; config.json comes last.
    """
    folder = Path(folder)
    there = [name for name in (CONFIG, *PLACES) if (folder / name).exists()]
    if there:
        raise BadInput(f"{folder} already holds {there[0]}: give another folder")
    config = _config_of(model)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"backbone.{name}": part.detach().contiguous() for name, part in model.state_dict().items()}
    shards = _shards(tensors, largest)
    names = [WEIGHTS]
    if len(shards) > 1:
        names = [f"model-{1 + at:05}-of-{len(shards):05}.safetensors" for at in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        new = folder / f"{name}.new"
        try:
            save_file(shard, new, {"format": "pt"})
        except SafetensorError as error:  # a full disk, for example
            raise OSError(f"{folder / name} could not be written: {error}") from error
        new.replace(folder / name)
    if len(shards) > 1:
        places = {key: name for name, shard in zip(names, shards, strict=True) for key in shard}
        size = sum(part.nbytes for part in tensors.values())
        _write(folder / INDEX, {"metadata": {"total_size": size}, "weight_map": places})
    _write(folder / CONFIG, config)


class _Config:
    """What config.json says, in the words of transformers."""

    def __init__(self, path: Path):
        self.path = path
        words = _json(path)
        authors = "hidden_size" not in words  # both spellings in one file: that of transformers is meant
        inner = words.pop("ssm_cfg", None) or {}
        if not isinstance(inner, dict):
            raise BadInput(f"{path}: ssm_cfg must hold names and values, not {inner!r}")
        kind = words.get("model_type", "mamba")
        if authors:
            name = str(inner.pop("layer", "Mamba1"))
            kind = {"Mamba1": "mamba", "Mamba2": "mamba2"}.get(name, name)
            words = {SPELLINGS.get(name, name): value for name, value in (words | inner).items()}
        if kind not in ("mamba", "mamba2"):
            raise BadInput(f"{path}: model_type {kind!r} is not supported, only 'mamba' and 'mamba2'")
        self.words, self.second = words, kind == "mamba2"
        for name, value in ONLY.items():
            self.only(name, value)
        self.width = self.whole("hidden_size")
        self.vocabulary = self.whole("vocab_size")
        if authors:
            multiple = self.whole("pad_vocab_size_multiple", 16 if self.second else 8)
            self.vocabulary = -(-self.vocabulary // multiple) * multiple
        self.eps = words.get("layer_norm_epsilon", 1e-5)
        if not isinstance(self.eps, float | int) or self.eps < 0:
            raise BadInput(f"{path}: layer_norm_epsilon must be a number of at least 0, not {self.eps!r}")

    def model(self) -> LanguageModel:
        make = self._mamba2() if self.second else self._mamba()
        return LanguageModel([make() for _ in range(self.whole("num_hidden_layers"))], self.vocabulary)

    def whole(self, name: str, default: int | None = None) -> int:
        value = self.words.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise BadInput(f"{self.path}: {name} must be a whole number of at least 1, not {value!r}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.words.get(name, default)
        if not isinstance(value, bool):
            raise BadInput(f"{self.path}: {name} must be true or false, not {value!r}")
        return value

    def only(self, name: str, wanted: Any) -> None:
        """Raise where a setting is there and is not the one value that can be had."""
        value = self.words.get(name, wanted)
        if value != wanted and not (wanted == [] and value is None):
            raise BadInput(f"{self.path}: {name} = {value!r} is not supported, only {wanted!r}")

    def _mamba(self) -> Callable[[], Layer]:
        rank = self.words.get("time_step_rank", "auto")
        rank = -(-self.width // 16) if rank == "auto" else self.whole("time_step_rank")
        expand = self.whole("expand", 2)
        self.only("intermediate_size", expand * self.width)
        states, kernel = self.whole("state_size", 16), self.whole("conv_kernel", 4)
        biases = Biases(self.flag("use_bias", False), self.flag("use_conv_bias", True))
        return lambda: Mamba(self.width, None, states, expand, kernel, rank, biases)

    def _mamba2(self) -> Callable[[], Layer]:
        for name, wanted in (("conv_kernel", KERNEL), ("use_bias", False), ("use_conv_bias", True)):
            self.only(name, wanted)
        self.only("n_groups", 1)  # the norm of several groups is one for each of them
        states, expand = self.whole("state_size", 128), self.whole("expand", 2)
        size = self.whole("head_dim", 64)
        heads = self.whole("num_heads", expand * self.width // size)
        if heads * size != expand * self.width:
            raise BadInput(
                f"{self.path}: expected num_heads times head_dim to be expand times hidden_size, "
                f"{expand * self.width}, got {heads} times {size}"
            )
        return lambda: Mamba2(self.width, None, states, expand, heads)


def _config_of(model: LanguageModel) -> dict[str, Any]:
    """config.json in the words of transformers; raises for a model that has no place in the layout."""
    kinds = {type(block.mixer) for block in model.blocks()}
    if model.positions is not None or any(block.mlp is not None for block in model.blocks()):
        raise BadInput("this layout has no place for an MLP or a table of positions")
    if kinds not in ({Mamba}, {Mamba2}):
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise BadInput(f"this layout has a place for Mamba alone or Mamba2 alone, not for {names}")
    layers = [_sizes_of(block.mixer) for block in model.blocks()]
    if any(one != layers[0] for one in layers):
        raise BadInput("this layout has a place for layers of one size alone")
    return {
        **layers[0],
        "hidden_size": model.width,
        "num_hidden_layers": len(layers),
        "vocab_size": model.vocabulary,
        "layer_norm_epsilon": model.norm_f.eps,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "dtype": str(model.embeddings.weight.dtype).removeprefix("torch."),
    }


def _sizes_of(layer: Layer) -> dict[str, Any]:
    if isinstance(layer, Mamba):
        inner, _, kernel = layer.conv1d.weight.shape
        return {
            "model_type": "mamba",
            "architectures": ["MambaForCausalLM"],
            "state_size": layer.states,
            "expand": inner // layer.width,
            "intermediate_size": inner,
            "conv_kernel": kernel,
            "time_step_rank": layer.rank,
            "use_bias": layer.in_proj.bias is not None,
            "use_conv_bias": layer.conv1d.bias is not None,
        }
    assert isinstance(layer, Mamba2)
    if layer.groups != 1:
        raise BadInput(f"this layout has a place for one group of heads, not for {layer.groups}")
    return {
        "model_type": "mamba2",
        "architectures": ["Mamba2ForCausalLM"],
        "state_size": layer.states,
        "expand": layer.inner // layer.width,
        "num_heads": layer.heads,
        "head_dim": layer.inner // layer.heads,
        "n_groups": 1,
        "conv_kernel": KERNEL,
        "chunk_size": layer.chunk,
        "use_bias": False,
        "use_conv_bias": True,
    }


def _fitting(file: Path, found: dict[str, Tensor], model: LanguageModel) -> dict[str, Tensor]:
    """The tensors under the names of the model; raises for the first that does not fit."""
    if TABLE not in found and (authors := "backbone.embedding.weight") in found:
        found[TABLE] = found.pop(authors)
    wanted = {f"backbone.{name}": tuple(part.shape) for name, part in model.state_dict().items()}
    there = {name: tuple(part.shape) for name, part in found.items()}
    head = {HEAD: wanted[TABLE]} if HEAD in there else {}
    for name in sorted(wanted.keys() | there.keys()):
        want, have = (wanted | head).get(name), there.get(name)
        if want != have:
            raise BadInput(f"{file}: expected {name} {want or 'not at all'}, got {have or 'none'}")
    if head and not torch.equal(found.pop(HEAD), found[TABLE]):
        raise BadInput(f"{file}: {HEAD} is not {TABLE}: a head that is not tied is not supported")
    return {name.removeprefix("backbone."): part for name, part in found.items()}


def _read(file: Path) -> dict[str, Tensor]:
    """All tensors of a file of weights, or of the shards that an index names."""
    if file.name.endswith(".index.json"):
        places = _json(file).get("weight_map")
        if not isinstance(places, dict) or not all(_plain(name) for name in places.values()):
            raise BadInput(f"{file}: expected a weight_map to files of the same folder")
        shards = [_read(file.parent / name) for name in sorted(set(places.values()))]
        return {name: part for shard in shards for name, part in shard.items()}
    try:
        if file.suffix == ".safetensors":
            with safe_open(file, framework="pt") as opened:
                return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (not a dict)
        tensors = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise BadInput(f"{file} is not a whole file of weights ({_first_line(error)})") from error
    if not isinstance(tensors, dict) or not all(isinstance(part, Tensor) for part in tensors.values()):
        raise BadInput(f"{file}: expected tensors by name")
    return tensors


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _plain(name: Any) -> bool:
    """Whether a name is that of a file, without a folder."""
    return isinstance(name, str) and Path(name).name == name and not name.endswith(".json")


def _shards(tensors: dict[str, Tensor], largest: int) -> list[dict[str, Tensor]]:
    """The tensors in order, in parts of at most `largest` bytes, or of one tensor."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, part in tensors.items():
        if shards[-1] and size + part.nbytes > largest:
            shards.append({})
            size = 0
        shards[-1][name] = part
        size += part.nbytes
    return shards


def _json(path: Path) -> dict[str, Any]:
    try:
        words = json.loads(path.read_text(encoding="utf-8"), object_hook=_float)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error})") from error
    if not isinstance(words, dict):
        raise BadInput(f"{path}: expected names and values, got {type(words).__name__}")
    return words


def _float(words: dict[str, Any]) -> Any:
    """Infinity, as transformers spells it since its version 5."""
    return float(words["__float__"]) if words.keys() == {"__float__"} else words


def _write(path: Path, words: dict[str, Any]) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")
    new.replace(path)
