"""Checkpoints of a training: the newest, and the one before it.

Each is written whole or not at all. A disk that loses power or fills up may damage the newest all the same:
then a training goes on from the one before, and says so. Where no whole one is left it is refused, for to
begin again in silence would cost what was there.
"""

import warnings
from pathlib import Path
from typing import Any

from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts import saved


def save(path: Path, tensors: dict[str, Tensor], words: dict[str, Any]) -> None:
    """Write a checkpoint; the one that was there becomes the one before."""
    new = path.with_name(f"{path.name}.next")
    saved.save(new, tensors, words)
    if path.exists():
        path.replace(before(path))
    new.replace(path)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the newest whole checkpoint; warns where that is not the newest, raises BadInput where none is."""
    older = before(path)
    try:
        return saved.load(path if path.exists() else older)
    except BadInput as error:
        if not (path.exists() and older.exists()):
            raise
        try:
            found = saved.load(older)
        except BadInput:
            raise error from None
        path.replace(path.with_name(f"{path.name}.damaged"))
        older.replace(path)
        warnings.warn(f"{path} was damaged; the training goes on from the one before it", stacklevel=2)
        return found


def there(path: Path) -> bool:
    """Whether there is one to go on from."""
    return path.exists() or before(path).exists()


def before(path: Path) -> Path:
    """Where the checkpoint before the newest lies."""
    return path.with_name(f"{path.name}.before")
