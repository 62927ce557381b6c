"""JSON files of a checkpoint, read without trust and written whole or not at all."""

import json
from pathlib import Path
from typing import Any

from wavetrain.errors import BadInput

LONGEST = 2**26  # bytes; the index of a model of 100,000 tensors has a tenth of it


def read(path: Path) -> dict[str, Any]:
    """The names and values of a JSON file; raises BadInput for whatever else it is."""
    try:
        if not path.is_file():  # a pipe would be waited for
            raise BadInput(f"{path} cannot be read: expected a file")
        if (size := path.stat().st_size) > LONGEST:
            raise BadInput(f"{path}: expected at most {LONGEST} bytes of JSON, got {size}")
        words = json.loads(path.read_text(encoding="utf-8"), object_hook=_float)
    except BadInput:
        raise
    except RecursionError as error:
        raise BadInput(f"{path} cannot be read (it is nested too deeply)") from error
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(f"{path} cannot be read ({error})") from error
    if not isinstance(words, dict):
        raise BadInput(f"{path}: expected names and values, got {type(words).__name__}")
    return words


def write(path: Path, words: dict[str, Any]) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")
    new.replace(path)


def _float(words: dict[str, Any]) -> Any:
    """Infinity, as transformers spells it since its version 5."""
    return float(words["__float__"]) if words.keys() == {"__float__"} else words
