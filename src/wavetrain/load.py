"""Data of one's own, as something to learn: read, checked, split, scaled.

    .npz   x (N, T, C) or (N, T), y (N,) or (N, T) labels (integers, strings), or (N,), (N, K), (N, T) or
           (N, T, K) values (floats): N sequences in three parts, 70/15/15, by one fixed shuffle. Integers
           of 64 bits x (N, T) with integer labels are tokens. K = T is read as one value a step.
    .csv   numeric columns; forecast the next row. Three parts, 70/15/15, one after another in time.
    .txt   bytes; predict the next. Three parts, 80/10/10, one after another.

A window of a file in time lies inside one part. Whatever is measured for scaling, or to know which tokens
there are, is measured on the training part alone. Inputs and values are standardised; the score of values
is R². The chance level of a forecast is the score of repeating the last row, and of text the entropy of
single bytes in the test part. The name of a task or recording of the library loads it as it is by default.
"""

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wavetrain import find
from wavetrain.core import CLASSES, TOKENS, VALUES, Batch, Recorded, Task, explained, majority
from wavetrain.errors import BadInput, unknown

WINDOW = 128  # steps, or fewer where the held-out parts of a table are shorter
SHORTEST = 8  # steps of a window, below which there is too little past to speak of
FEWEST_ROWS = 60  # of a table: the held-out parts then have SHORTEST steps and the row after them
FEWEST_BYTES = 10 * (WINDOW + 1)  # of a text, likewise
FEWEST = 10  # sequences that can be had in three parts
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f")
TIMES = tuple(day + clock for day in ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d") for clock in CLOCKS)


@dataclass(frozen=True)
class Described:
    """Something to learn, and what it is in words."""

    name: str  # for tables and folders
    task: Task
    what: str  # sizes, parts, what was left out
    chance: str  # the answer that the chance level belongs to
    digest: str  # sha256 of the file


def load(source: str) -> Described:
    """A file of one's own, or a task or recording by name; raises BadInput with one clear line."""
    known = {found.name: found for kind in ("tasks", "data") for found in find.members(kind)}
    path = Path(source)
    if source in known:
        return _known(known[source])
    if not path.exists() and not path.suffix:
        raise unknown("file, task or data", source, known)
    readers = {".npz": _sequences, ".csv": _forecast, ".txt": _text}
    try:
        if not path.exists():
            raise BadInput("there is no such file")
        if path.suffix.lower() not in readers or not path.is_file():
            raise BadInput(f"expected a file that ends in {', '.join(readers)}")
        content = path.read_bytes()
        if not content:
            raise BadInput("the file is empty")
        task, what, chance = readers[path.suffix.lower()](content)
    except BadInput as error:
        raise BadInput(f"{source}: {error}") from error
    except OSError as error:
        raise BadInput(f"{source} cannot be read: {error.strerror}") from error
    return Described(path.stem, task, what, chance, hashlib.sha256(content).hexdigest())


def _known(found: find.Found) -> Described:
    task = found.load()()
    if not isinstance(task, Task):
        raise BadInput(f"{found.name} is in {found.kind}, but is not a task: there is nothing to predict")
    digest = hashlib.sha256(found.path.read_bytes()).hexdigest()
    return Described(found.name, task, found.summary, "the best answer that ignores the input", digest)


def _sequences(content: bytes) -> tuple[Recorded, str, str]:
    """A .npz file."""
    x, y = _arrays(content)
    labels = y.dtype.kind in "iubUS"
    tokens = x.dtype == np.int64 and x.ndim == 2 and y.dtype.kind in "iu"
    _check_x(x)
    steps = _check_y(x, y, labels)
    count, time = x.shape[:2]
    held = round(0.15 * count)
    train = count - 2 * held
    if labels:
        classes, y = np.unique(y, return_inverse=True)
        y = y.reshape(count, *([time] if steps else []))
        order = _order(y, train)
    else:
        y = y.reshape(count, *([time] if steps else []), -1)
        order = np.random.default_rng(0).permutation(count)
    x, y = x[order], y[order]
    if tokens:
        x, inputs = _tokens(x, x[:train])
    else:
        x = x.reshape(count, time, -1)
        x, inputs = _scaled(x, x[:train]), x.shape[-1]
    if not labels:
        y = _scaled(y, y[:train])
    sides = [torch.from_numpy(side).tensor_split((train, count - held)) for side in (x, y)]
    learn, valid, test = (Batch(*part) for part in zip(*sides, strict=True))
    if not labels:
        _check_varies(valid, test)
    outputs, objective = (len(classes), CLASSES) if labels else (y.shape[-1], VALUES)
    chance = majority(test.y) if labels else 0.0
    what = (
        f"{count} sequences of {time} steps, {inputs} {'tokens' if tokens else 'channels'}; {outputs} "
        f"{'classes' if labels else 'values'} for each {'step' if steps else 'sequence'}; "
        f"{train} to train, {held} to choose by and {held} to test, by a fixed shuffle"
    )
    task = Recorded(learn, valid, test, inputs, outputs, tokens, steps, objective, chance)
    return task, what, "the commonest class" if labels else "the mean"


def _arrays(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            names = list(file.files)
            if "x" in names and "y" in names:
                return file["x"], file["y"]
    except (
        OSError,
        ValueError,
        EOFError,
        AttributeError,
        TypeError,
        zlib.error,
        zipfile.BadZipFile,
    ) as error:
        if "pickle" in str(error):
            raise BadInput("expected arrays of numbers, got Python objects (pickled)") from error
        raise BadInput(f"expected a whole .npz file, got a damaged one ({error})") from error
    raise BadInput(f"expected arrays called x and y, got {', '.join(names) or 'none'}")


def _check_x(x: np.ndarray) -> None:
    if x.dtype.kind not in "fiub":
        raise BadInput(f"expected x of real numbers, got {x.dtype}")
    if x.ndim not in (2, 3):
        raise BadInput(f"expected x (N, T) or (N, T, C), got {x.shape}")
    if len(x) < FEWEST:
        raise BadInput(f"expected at least {FEWEST} sequences for three parts, got {len(x)}")
    if x.shape[1] < 2 or x.shape[-1] < 1:
        raise BadInput(f"expected sequences of at least 2 steps and 1 channel, got x {x.shape}")
    _check_finite("x", x, ("row", "step", "channel"))


def _check_y(x: np.ndarray, y: np.ndarray, labels: bool) -> bool:
    """Raise for answers that do not fit x; returns whether there is one for each step."""
    if not labels and y.dtype.kind != "f":
        raise BadInput(f"expected y of integers or strings for labels, of floats for values, got {y.dtype}")
    if y.ndim == 0 or len(y) != len(x):
        raise BadInput(f"expected as many answers as sequences, got x {x.shape} and y {y.shape}")
    most = 2 if labels else 3  # axes, of which the second must be time
    steps = y.ndim > 1 and y.shape[1] == x.shape[1]
    if y.ndim > most or y.size == 0 or (y.ndim == most and not steps):
        shapes = "labels y (N,) or (N, T)" if labels else "values y (N,), (N, K), (N, T) or (N, T, K)"
        raise BadInput(f"expected {shapes} for x {x.shape}, got y {y.shape} of {y.dtype}")
    if labels and (y == y.flat[0]).all():
        raise BadInput(f"expected labels y of two classes or more, got one class only: {y.flat[0]}")
    if not labels:
        _check_finite("y", y, ("row", "step", "channel") if steps else ("row", "channel"))
    return steps


def _check_finite(name: str, values: np.ndarray, axes: Sequence[str]) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        place = np.unravel_index(int(bad.argmax()), bad.shape)
        where = ", ".join(f"{axis} {index}" for axis, index in zip(axes, place, strict=False))
        raise BadInput(f"expected finite numbers, got {values[place]} in {name} at {where}, counted from 0")


def _check_varies(*held_out: Batch) -> None:
    """R² has no meaning where all values are the same."""
    for part in held_out:
        values = part.y.flatten(0, -2)
        if bool((values == values[0]).all()):
            raise BadInput(f"expected values that vary in each part, got {len(values)} times the same in one")


def _order(labels: np.ndarray, train: int) -> np.ndarray:
    """A fixed shuffle, but the first sequence with each label comes first: training sees them all."""
    count, classes = len(labels), labels.max() + 1
    order = np.random.default_rng(0).permutation(count)
    _, first = np.unique(labels[order], return_index=True)  # in the flattened labels
    first = np.unique(first // (labels.size // count))
    if len(first) > train:
        raise BadInput(
            f"expected each class more than once, got {classes} in {count} sequences; give floats for values"
        )
    return np.concatenate([order[first], np.delete(order, first)])


def _forecast(content: bytes) -> tuple[Recorded, str, str]:
    """A .csv file."""
    columns, values, left_out = _table(content)
    count, channels = values.shape
    if count < FEWEST_ROWS:
        raise BadInput(f"expected at least {FEWEST_ROWS} rows for three parts, got {count}")
    held = int(0.15 * count)
    train = count - 2 * held
    window = min(WINDOW, held - 1)
    rows = torch.from_numpy(_scaled(values, values[:train]))
    learn, valid, test = _windows(rows, train, held, window)
    _check_varies(valid, test)
    what = (
        f"{count} rows of {', '.join(columns[:6])}{', ...' * (channels > 6)}{left_out}; "
        f"forecast the next row, in windows of {window}; "
        f"{train} rows to train, {held} to choose by and {held} to test, in time"
    )
    chance = float(explained(test.x, test.y))
    task = Recorded(learn, valid, test, channels, channels, False, True, VALUES, chance)
    return task, what, "repeating the last row"


def _table(content: bytes) -> tuple[list[str], np.ndarray, str]:
    """The names and values (rows, columns) of a table, and what was left out of it, in words."""
    columns, lines = _cells(content)
    first, left_out = [row[0] for _, row in lines], ""
    if first and (columns[0] == "" or not _reads(float, first[:1])) and (_times(first) or _reads(int, first)):
        left_out = f" (left out: {columns[0] or 'the unnamed first column'}, which numbers or dates the rows)"
        columns, lines = columns[1:], [(line, row[1:]) for line, row in lines]
    if not columns:
        raise BadInput("expected a column of numbers besides the first, got none")
    values = np.empty((len(lines), len(columns)))
    for place, (line, row) in enumerate(lines):
        try:
            values[place] = row
        except ValueError:
            name, cell = next(pair for pair in zip(columns, row, strict=True) if not _reads(float, pair[1:]))
            raise BadInput(f"line {line}, {name}: expected a number, got {cell[:40]!r}") from None
    if not np.isfinite(values).all():
        place, channel = np.argwhere(~np.isfinite(values))[0]
        line, row = lines[place]
        raise BadInput(f"line {line}, {columns[channel]}: expected a finite number, got {row[channel]!r}")
    return columns, values, left_out


def _cells(content: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and the number and cells of each line below that is not blank."""
    text = content.decode("utf-8-sig", errors="replace")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise BadInput(f"line {reader.line_num}: {error}") from error
    if not lines:
        raise BadInput("expected rows of numbers, got blank lines")
    columns = [f"column {place + 1}" for place in range(len(lines[0][1]))]
    if not any(_reads(float, [cell]) for cell in lines[0][1]) and not _times(lines[0][1][:1]):
        columns = [cell.strip() for cell in lines.pop(0)[1]]
    for line, row in lines:
        if len(row) != len(columns):
            raise BadInput(f"line {line}: expected {len(columns)} cells, got {len(row)}")
    return columns, lines


def _times(cells: Sequence[str]) -> bool:
    """Whether all cells are times in ISO 8601, or all in one of the forms of TIMES."""
    forms = [lambda cell, form=form: datetime.strptime(cell, form) for form in TIMES]
    return any(_reads(read, cells) for read in (datetime.fromisoformat, *forms))


def _reads(read: Callable[[str], object], cells: Sequence[str]) -> bool:
    """Whether each of the cells can be read as what `read` makes of it."""
    try:
        for cell in cells:
            read(cell.strip())
    except ValueError:
        return False
    return True


def _text(content: bytes) -> tuple[Recorded, str, str]:
    """A .txt file, in any encoding."""
    count = len(content)
    if count < FEWEST_BYTES:
        raise BadInput(f"expected at least {FEWEST_BYTES} bytes for windows of {WINDOW}, got {count}")
    held = count // 10
    train = count - 2 * held
    raw = np.frombuffer(content, np.uint8)
    if (raw == raw[0]).all():
        raise BadInput(f"expected text, got one byte repeated: {content[:1]!r}")
    tokens, vocabulary = _tokens(raw, raw[:train])
    learn, valid, test = _windows(torch.from_numpy(tokens), train, held, WINDOW)
    share = test.y.flatten().bincount().double() / test.y.numel()
    chance = float(torch.special.entr(share).sum())  # nats
    what = (
        f"{count} bytes of {vocabulary - 1} kinds, and one for any other; predict the next, in windows of "
        f"{WINDOW}; {train} to train, {held} to choose by and {held} to test, one after another"
    )
    task = Recorded(learn, valid, test, vocabulary, vocabulary, True, True, TOKENS, chance)
    return task, what, "the frequencies of single bytes"


def _windows(rows: Tensor, train: int, held: int, window: int) -> tuple[Batch, Batch, Batch]:
    """Three parts in time as windows, and what follows each of their steps, all views of the rows.

    A window to train from may start anywhere; those of the held-out parts lie one after another.
    """

    def cut(part: Tensor, apart: int) -> Batch:  # (K, window) tokens, or (K, window, C)
        return Batch(*(side.unfold(0, window, apart).movedim(-1, 1) for side in (part[:-1], part[1:])))

    learn, valid, test = rows.split((train, held, held))
    return cut(learn, 1), cut(valid, window), cut(test, window)


def _tokens(x: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, int]:
    """Numbers from 0 for what occurs in the training part, one more for anything else; and how many."""
    seen = np.unique(train)
    place = np.searchsorted(seen, x).clip(max=len(seen) - 1)
    return np.where(seen[place] == x, place, len(seen)).astype(np.int64), len(seen) + 1


def _scaled(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Each channel less its mean in the training part, and over its deviation there unless it is constant."""
    values, axes = values.astype(np.float64), tuple(range(train.ndim - 1))
    with np.errstate(all="ignore"):
        mean, deviation = train.mean(axes, dtype=np.float64), train.std(axes, dtype=np.float64)
        scaled = (values - mean) / np.where(deviation > 1e-12 * np.abs(mean), deviation, 1.0)
        scaled = scaled.astype(np.float32)
    if not (np.isfinite(deviation).all() and np.isfinite(scaled).all()):
        raise BadInput(
            f"expected numbers that can be scaled to deviation 1, got up to {np.abs(values).max():g}"
        )
    return scaled
