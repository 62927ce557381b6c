"""JSON files that are whole or not there."""

import json
from pathlib import Path
from typing import Any

from wavetrain.errors import BadInput


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all; half a character, as in a name that is no UTF-8, as `\\uXXXX`."""
    new = path.with_name(path.name + ".new")
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    new.write_bytes(text.encode("utf-8", errors="backslashreplace"))
    new.replace(path)


def read_json(path: Path) -> Any:
    """Read JSON; a damaged file raises BadInput."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path} cannot be read as JSON ({error}); make it anew or move it away") from error
