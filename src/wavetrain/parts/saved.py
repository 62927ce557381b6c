"""Tensors and words in one file, written whole or not at all.

A checkpoint is one safetensors file: the tensors, and beside them JSON in the file's header.
"""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from wavetrain.errors import BadInput


def save(path: Path, tensors: dict[str, Tensor], words: dict[str, Any]) -> None:
    """Write tensors and JSON as one safetensors file, whole or not at all."""
    new = path.with_name(path.name + ".new")
    whole = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(whole, new, {"json": json.dumps(words)})
    except SafetensorError as error:  # a full disk, for example
        raise OSError(f"{path} could not be written: {error}") from error
    new.replace(path)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote; a damaged file raises BadInput."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            words = json.loads((file.metadata() or {})["json"])
            if not isinstance(words, dict):
                raise TypeError(f"expected names and values, got {type(words).__name__}")
            return tensors, words
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{path} is not a whole checkpoint ({error}); delete it to start again") from error
