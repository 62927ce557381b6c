"""Sequences with a class, or numbers, each: from any source that has such, and later ones without.

.ts                      as aeon and sktime write it
.npz                     x (N, T) or (N, T, C) and y: (N,) of integers or text are classes; (N,) or (N, K) of
                         floats are numbers
a folder                 a file is a sequence, and the folder that it lies in its class
a table with --classes   a column holds the class (`classed.py`)
"""

import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables import archive
from wavetrain.tables.cells import decoded
from wavetrain.tables.read.asked import Asked
from wavetrain.tables.read.classed import classed, folder_of_classes, folder_of_sequences, is_of_classes
from wavetrain.tables.read.content import content_of, plain_name
from wavetrain.tables.read.labelled import Labelled, labelled


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How sequences are read, so that later ones of the same kind are read in the same way.

    >>> import pandas as pd
    >>> from wavetrain.tables.read.answered import Reading
    >>> rows = pd.DataFrame({"who": list("aabb"), "x": [1.5, 2.5, 3.0, 1.0], "kind": [1, 1, 2, 2]})
    >>> reading = Reading(classes="kind", id=("who",))
    >>> found, said = reading.first(rows)
    >>> found.labels, found.names
    (('1', '2'), ('a', 'b'))
    >>> reading.like(found).later(rows.drop(columns="kind"))[0].labels is None
    True
    """

    classes: str = ""  # the column of a table
    id: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()  # of what was read first
    long: bool | None = None  # whether rows are steps

    def first(self, source: Any) -> tuple[Labelled, tuple[str, ...]]:
        """Sequences with their answers, and what was understood."""
        found, said = self._found(source, needed=True)
        if found.labels is None and found.targets is None:
            raise BadInput(f"{source}: expected a class, or numbers, for each sequence, got neither")
        return found, said

    def like(self, found: Labelled) -> "Reading":
        """The reading of later sources of the same kind as what was found."""
        long = bool(found.names) if self.classes else None
        return replace(self, channels=found.channels, long=long)

    def later(self, source: Any) -> tuple[Labelled, tuple[str, ...]]:
        """Sequences of the same channels, with or without answers."""
        found, said = self._found(source, needed=False)
        if self.channels and self.channels != found.channels:
            raise BadInput(
                f"{source}: expected the columns {_some(self.channels)}, got {_some(found.channels)}"
            )
        return found, said

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def _found(self, source: Any, *, needed: bool) -> tuple[Labelled, tuple[str, ...]]:
        if self.classes:
            inputs = self.inputs if needed or self.long else self.channels or self.inputs
            asked = Asked(time=self.time, id=self.id, inputs=inputs, missing=self.missing)
            return classed(source, self.classes, asked, needed=needed, long=self.long)
        path = Path(source) if isinstance(source, str | Path) else None
        if path is None:
            raise BadInput(f"expected a file or a folder, got a {type(source).__name__}; name --classes")
        if path.is_dir():
            if is_of_classes(path):
                return folder_of_classes(path)
            if needed:
                raise BadInput(f"{path}: expected folders of classes, each with several files")
            return folder_of_sequences(path)
        try:
            return _of_file(path, needed)
        except BadInput as error:
            raise BadInput(f"{path}: {error}") from error


def reading(words: dict[str, Any]) -> Reading:
    """From the JSON of its fields.

    >>> from wavetrain.tables.read.answered import Reading, reading
    >>> reading(Reading(classes="kind", id=("who",)).plain()).id
    ('who',)
    """
    plain: dict[str, Any] = {
        name: tuple(one) if isinstance(one, list) else one for name, one in words.items()
    }
    return Reading(**plain)


def has_answers(path: Path) -> bool:
    """Whether a file or a folder holds sequences with an answer each, by what it is and not by its rows.

    >>> from wavetrain.tables.read.answered import has_answers
    >>> has_answers(Path("taxi.csv"))
    False
    """
    if path.is_dir():
        return is_of_classes(path)
    name = plain_name(path)
    if name.endswith(".npz"):
        return is_archive_of_answers(path) is True
    if not name.endswith(".ts") or not path.is_file():
        return False
    try:
        head = decoded(content_of(path)).lower().partition("@data")[0]
    except BadInput:
        return False
    return "@classlabel true" in head or "@targetlabel true" in head


def is_archive_of_answers(path: Path) -> bool | None:
    """Whether an `.npz` file holds x and y; None where it cannot be read, which its reader then says."""
    try:
        with zipfile.ZipFile(path) as file:
            return {"x.npy", "y.npy"} <= set(file.namelist())
    except (OSError, zipfile.BadZipFile):
        return None


def _of_file(path: Path, needed: bool) -> tuple[Labelled, tuple[str, ...]]:
    name = plain_name(path)
    if name.endswith(".ts"):
        found = labelled(decoded(content_of(path)))
    elif name.endswith(".npz"):
        found = _of_arrays(content_of(path), needed)
    else:
        raise BadInput("expected .ts, .npz with x and y, a folder of classes, or a table and --classes")
    steps = sorted({len(one) for one in found.series})
    told = f"{steps[0]:,}" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,}"
    width = found.series[0].shape[1]
    line = f"{len(found.series):,} sequences of {told} steps and {width:,} channel{'s' * (width != 1)}"
    return found, (line,)


def _of_arrays(content: bytes, needed: bool) -> Labelled:
    arrays, _ = archive.arrays(content, ("x", "y") if needed else ("x",), () if needed else ("y",))
    x, y = arrays["x"], arrays.get("y")
    if x.dtype.kind not in "fiub" or x.ndim not in (2, 3) or 0 in x.shape:
        raise BadInput(f"expected numbers x (N, T) or (N, T, C), got {x.shape} of {x.dtype}")
    series = tuple(x.reshape(*x.shape[:2], -1).astype(np.float64))
    if y is None:
        return Labelled(series, None)
    if y.ndim not in (1, 2) or len(y) != len(x) or (y.ndim == 2 and y.shape[1] == x.shape[1]):
        raise BadInput(
            f"expected an answer for each sequence, y (N,) or (N, K), got x {x.shape} and y {y.shape}"
        )
    if y.dtype.kind in "iubUS" and y.ndim == 1:
        return Labelled(series, tuple(str(one) for one in y.astype(str)))
    if y.dtype.kind != "f" or not np.isfinite(y).all():
        raise BadInput(f"expected classes y (N,), or finite numbers y (N,) or (N, K), got {y.dtype}")
    return Labelled(series, None, y.astype(np.float64))


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:9]) + ", ..." * (len(names) > 9) if names else "none"
