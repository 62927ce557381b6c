"""Data of one's own, as something to learn: read, checked, split, scaled.

    .npz   x (N, T, C) or (N, T), y (N,) or (N, T) labels (integers, strings), or (N,), (N, K), (N, T) or
           (N, T, K) values (floats): N sequences in three parts, 70/15/15, by one fixed shuffle; labels (N,)
           in equal shares, groups (N,) whole where they are given. Integers of 64 bits x (N, T) with integer
           labels are tokens. K = T is read as one value a step.
    .ts    series of aeon or sktime with a class or a number each, in three parts as those of .npz
    .csv   numeric columns; forecast the next row. Three parts, 70/15/15, one after another in time. What
           dates or numbers the rows orders them, and is left out.
    .txt   bytes; predict the next. Three parts, 80/10/10, one after another.

A window of a file in time lies inside one part. Whatever is measured for scaling, or to know which tokens
there are, is measured on the training part alone. Inputs and values are standardised; the score of values
is R². The chance level of a forecast is the score of repeating the last row, and of text the entropy of
single bytes in the test part. The name of a task or recording of the library loads it as it is by default.
"""

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wavetrain import find
from wavetrain.core import Recorded, Task
from wavetrain.errors import BadInput, unknown
from wavetrain.evidence import code
from wavetrain.outside import is_place
from wavetrain.tables import recorded
from wavetrain.tables.cases import Case, cases
from wavetrain.tables.read.answered import Reading
from wavetrain.tables.sequences import sequences
from wavetrain.tables.series import forecast
from wavetrain.tables.texts import text


@dataclass(frozen=True)
class Described:
    """Something to learn, and what it is in words."""

    source: str  # what loads it again, in any folder
    name: str  # for tables and folders
    task: Task
    what: str  # sizes, parts, what was left out
    chance: str  # the answer that the chance level belongs to
    digest: str  # sha256 of the file
    spread: tuple[float, ...] = ()  # of the channels of whole sequences, by which they are scaled
    centre: tuple[float, ...] = ()
    reading: Reading | None = None  # of later sequences; None where there is no file to read


def load(source: str) -> Described:
    """A file of one's own, or a task or recording by name; raises BadInput with one clear line.

    >>> import wavetrain as wt
    >>> data = wt.load("copying")
    >>> data.task, data.what
    (Copying(delay=10), 'Copying: remember ten symbols over a long blank and say them in order.')
    """
    known = {found.name: found for kind in ("tasks", "data") for found in find.members(kind)}
    path = Path(source)
    if source in known:
        return _known(known[source])
    if is_place(source):
        return _known(find.named(source, ("tasks", "data")))
    if not path.exists() and not path.suffix:
        raise unknown("file, task or data", source, known)
    readers: dict[str, Callable[[bytes], Case | tuple[Recorded, str, str]]]
    readers = {".npz": sequences, ".ts": cases, ".csv": forecast, ".txt": text}
    try:
        if not path.exists():
            raise BadInput("there is no such file")
        if path.suffix.lower() not in readers or not path.is_file():
            raise BadInput(f"expected a file that ends in {', '.join(readers)}")
        if path.suffix.lower() == ".npz" and _is_kept(path):
            kept = recorded.read(path)
            return Described(
                str(path.resolve()),
                path.stem.rpartition("-")[0],
                kept.task,
                kept.what,
                kept.answer,
                hashlib.sha256(path.read_bytes()).hexdigest(),
                kept.spread,
                kept.centre,
            )
        content = path.read_bytes()
        if not content:
            raise BadInput("the file is empty")
        made = readers[path.suffix.lower()](content)
    except BadInput as error:
        raise BadInput(f"{source}: {error}") from error
    except OSError as error:
        raise BadInput(f"{source} cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(content).hexdigest()
    found = made if isinstance(made, Case) else Case(*made)
    return Described(
        str(path.resolve()),
        path.stem,
        found.task,
        found.what,
        found.answer,
        digest,
        found.spread,
        found.centre,
        Reading() if found.spread else None,
    )


def _is_kept(path: Path) -> bool:
    """Whether it is a task that a comparison keeps for its processes."""
    try:
        with zipfile.ZipFile(path) as archive:
            return recorded.WORDS in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _known(found: find.Found) -> Described:
    task = found.load()()
    if not isinstance(task, Task):
        raise BadInput(f"{found.name} is in {found.kind}, but is not a task: there is nothing to predict")
    digest = code.digest([found.path])
    return Described(
        found.place or found.name,
        found.name,
        task,
        found.summary,
        "the best answer that ignores the input",
        digest,
    )
