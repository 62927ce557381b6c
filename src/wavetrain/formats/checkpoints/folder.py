"""A folder with a model: load it, and save one."""

import re
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.formats.checkpoints import config, layout, words
from wavetrain.formats.checkpoints.config import Config
from wavetrain.formats.checkpoints.weights import Weights
from wavetrain.networks.language_model import LanguageModel

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
PLACES = (WEIGHTS, INDEX, "pytorch_model.bin", "pytorch_model.bin.index.json")  # the first that is there
HEAD, TABLE, AUTHORS_TABLE = "lm_head.weight", "backbone.embeddings.weight", "backbone.embedding.weight"
TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "generation_config.json",
)


def load(path: Path, dtype: torch.dtype = torch.float32) -> LanguageModel:
    """A model from a local folder, or from a file of weights with config.json beside it.

    All tensors are turned into `dtype`; in half precision states stay in float32. Raises BadInput with one
    line for what is missing, damaged, of another shape, or not supported.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    if not path.exists() or not (folder / CONFIG).exists():
        raise _nothing(path)
    found = config.read(folder / CONFIG)
    file = (
        path if path.is_file() else next((folder / one for one in PLACES if (folder / one).is_file()), None)
    )
    if file is None:
        raise BadInput(f"{path}: expected one of {', '.join(PLACES)}, found none")
    weights = Weights(file)
    if TABLE not in weights.shapes and AUTHORS_TABLE in weights.shapes:
        weights.rename(AUTHORS_TABLE, TABLE)
    if found.numbers() > weights.size or found.depth > len(weights.shapes):
        raise BadInput(
            f"{found.path}: expected sizes of no more numbers than the {weights.size} bytes of {file.name} "
            f"can hold, got {found.depth} layers and {found.numbers()} numbers"
        )
    return _filled(found, weights, dtype)


def save(
    folder: Path,
    model: LanguageModel,
    largest: int = 5 * 10**9,
    *,
    tokenizer: Path | None = None,
    authors: bool = False,
) -> None:
    """Write a model whose layers are all `Mamba`, or all `Mamba2`, into a folder that holds no model yet.

    The weights become one file, or several where they are more than `largest` bytes; config.json comes last.
    Files of a tokenizer in the folder `tokenizer` are copied beside them. With `authors` the names are those
    of the authors' package, mamba_ssm, whose model takes them from safetensors by `load_state_dict`.
    """
    folder = Path(folder)
    there = [name for name in (CONFIG, *PLACES) if (folder / name).exists()]
    if there:
        raise BadInput(f"{folder} already holds {there[0]}: give another folder")
    told = layout.of_the_authors(model) if authors else layout.of_transformers(model)
    beside = [] if tokenizer is None else _tokenizer_files(Path(tokenizer), folder)
    tensors = {_name(name): part.detach().contiguous() for name, part in model.state_dict().items()}
    if authors:
        tensors[AUTHORS_TABLE] = tensors.pop(TABLE)
        tensors.setdefault(HEAD, tensors[AUTHORS_TABLE].clone())
    folder.mkdir(parents=True, exist_ok=True)
    for file in beside:
        new = folder / f"{file.name}.new"
        shutil.copyfile(file, new)
        new.replace(folder / file.name)
    _write_weights(folder, tensors, largest)
    words.write(folder / CONFIG, told)


def _nothing(path: Path) -> BadInput:
    """What to do where there is no model, above all with the name of one on the Hugging Face hub."""
    line = f"{path}: expected a local folder with {CONFIG} and weights, found none"
    if not path.exists() and re.fullmatch(r"[\w.-]+/[\w.-]+", str(path)):
        line += f"; nothing is downloaded: hf download {path} --local-dir {path.name} makes one"
    return BadInput(line)


def _filled(found: Config, weights: Weights, dtype: torch.dtype) -> LanguageModel:
    """The model with the tensors of the file; raises for the first that does not fit."""
    apart = HEAD in weights.shapes if found.tied is None else not found.tied
    with torch.device("meta"):
        model = found.model(tied=not apart)
    wanted = {_name(name): tuple(part.shape) for name, part in model.state_dict().items()}
    if HEAD in weights.shapes:
        wanted[HEAD] = wanted[TABLE]
    for name in sorted(wanted.keys() | weights.shapes.keys()):
        want, have = wanted.get(name), weights.shapes.get(name)
        if want != have:
            shown = name if name.isprintable() else repr(name)
            raise BadInput(f"{weights.file}: expected {shown} {want or 'not at all'}, got {have or 'none'}")
    tensors = {name: weights.tensor(name, dtype) for name in wanted}
    if HEAD in tensors and found.tied is not False and torch.equal(tensors[HEAD], tensors[TABLE]):
        del tensors[HEAD]
        model.lm_head = None
    elif HEAD in tensors and found.tied:
        raise BadInput(f"{weights.file}: {HEAD} is not {TABLE}, but {CONFIG} says that the head is tied")
    model.load_state_dict({_name_here(name): part for name, part in tensors.items()}, assign=True)
    return model


def _name(ours: str) -> str:
    return ours if ours == HEAD else f"backbone.{ours}"


def _name_here(theirs: str) -> str:
    return theirs.removeprefix("backbone.")


def _tokenizer_files(source: Path, folder: Path) -> list[Path]:
    found = [source / name for name in TOKENIZER if (source / name).is_file()]
    if not found:
        raise BadInput(f"{source}: expected files of a tokenizer, {TOKENIZER[0]} for example, found none")
    there = [file.name for file in found if (folder / file.name).exists()]
    if there and source.resolve() != folder.resolve():
        raise BadInput(f"{folder} already holds {there[0]}: give another folder")
    return [] if there else found


def _write_weights(folder: Path, tensors: dict[str, Tensor], largest: int) -> None:
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
        words.write(folder / INDEX, {"metadata": {"total_size": size}, "weight_map": places})


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
