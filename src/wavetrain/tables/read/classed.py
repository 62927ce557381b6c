"""Sequences with a class each, from a table or from a folder whose folders are classes.

In a table one column holds the class. With a column of ids, the rows of each id are a sequence, in order of
time where there are times, and the class is the same in all of them. Without ids, each row is a sequence: its
columns of numbers, in their order, are the steps. 1, 1.0 and "1" are one class.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wavetrain.errors import BadInput, unknown
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import folders
from wavetrain.tables.read.asked import Asked
from wavetrain.tables.read.labelled import Labelled
from wavetrain.tables.read.measured import measured
from wavetrain.tables.read.numbers import is_missing
from wavetrain.tables.read.reading import panel_of, read
from wavetrain.tables.read.roles import When, ids_of, when_of
from wavetrain.tables.read.sources import ENDINGS, found
from wavetrain.tables.read.table import Table

NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d+)?")  # no 007


def classed(
    source: Any, classes: str, asked: Asked, *, needed: bool = True, long: bool | None = None
) -> tuple[Labelled, tuple[str, ...]]:
    """The sequences of a table and their classes, and what was understood, in words.

    Unless they are `needed`, a table may come without the column of classes. Whether it is `long`, with rows
    that are steps, is seen from ids that come again where it is not said.

    >>> import pandas as pd
    >>> from wavetrain.tables.read.asked import Asked
    >>> from wavetrain.tables.read.classed import classed
    >>> rows = pd.DataFrame({"who": ["a", "a", "b"], "x": [1.5, 2.5, 3.0], "kind": [1.0, 1.0, 2.0]})
    >>> named, said = classed(rows, "kind", Asked(id=("who",)))
    >>> [one.ravel().tolist() for one in named.series], named.labels
    ([[1.5, 2.5], [3.0]], ('1', '2'))
    """
    where = f"{source}: " if isinstance(source, str | Path) and str(source) != "-" else ""
    try:
        table = found(source, asked)
        if isinstance(table, Panel):
            raise BadInput(f"expected a table with a column of classes, {classes}; got arrays")
        labels, rest = None, table
        if classes in table.names:
            labels = _labels(table, classes)
            rest = replace(table, frame=table.frame.drop(columns=classes))
        elif needed:
            raise unknown("column", classes, table.names)
        ids, keys = ids_of(rest, asked, When(None, {}))
        if ids.name and (len(ids.kinds) < len(rest.frame) if long is None else long):
            return _long(rest, labels, ids.codes, ids.columns, classes, asked)
        return _wide(rest, labels, (*asked.time, *keys), classes, asked)
    except BadInput as error:
        raise BadInput(f"{where}{error}") from error


def _long(
    table: Table,
    labels: np.ndarray | None,
    codes: np.ndarray,
    columns: tuple[str, ...],
    classes: str,
    asked: Asked,
) -> tuple[Labelled, tuple[str, ...]]:
    """A sequence for each id."""
    if asked.inputs is not None:  # of these channels alone
        asked.check(table.names)
        kept = {*columns, *asked.inputs, *when_of(table, asked).used}
        table = replace(table, frame=table.frame[[name for name in table.names if name in kept]])
    panel = panel_of(table, asked._replace(id=columns, inputs=None))
    named = []
    for code, one in enumerate(panel.series if labels is not None else ()):
        assert labels is not None
        mine = np.unique(labels[codes == code])
        if len(mine) > 1:
            raise BadInput(
                f"{', '.join(columns)} {one.name}: expected one class in {classes}, got {', '.join(mine[:3])}"
            )
        named.append(str(mine[0]))
    each = ", ".join(columns)
    words = f"the class of each {each} is in {classes}; its rows are the steps"
    if labels is None:
        words = f"the rows of each {each} are the steps of a sequence"
    told = f"channels: {', '.join(panel.columns[:9])}{', ...' * (len(panel.columns) > 9)}"
    found = Labelled(
        tuple(one.values for one in panel.series),
        None if labels is None else tuple(named),
        names=tuple(one.name for one in panel.series),
        channels=panel.columns,
    )
    return found, (words, told, *panel.said[2:])


def _wide(
    table: Table, labels: np.ndarray | None, others: Sequence[str], classes: str, asked: Asked
) -> tuple[Labelled, tuple[str, ...]]:
    """A sequence for each row."""
    names = [name for name in table.names if name not in others]
    names = [name for name in names if name in asked.inputs] if asked.inputs else names
    kept = measured(table, names, Asked(inputs=tuple(names), missing=asked.missing), dated=False)
    text = [name for name in names if name not in kept.columns or name in kept.levels]
    if text:
        raise BadInput(
            f"{text[0]}: expected numbers, the steps of each row, got text; where the rows of an id are a "
            "sequence, say which column is the id"
        )
    if len(names) < 2:
        raise BadInput(
            f"expected a column of ids, or columns of numbers that are steps, beside {classes}; got "
            f"{', '.join(table.names) or 'none'}"
        )
    values = np.stack([kept.columns[name][name] for name in names], 1)
    wrong = np.argwhere(np.isinf(values))
    if len(wrong):
        row, column = wrong[0]
        raise BadInput(f"line {table.line(int(row))}, {names[column]}: expected a finite number")
    words = f"the columns of each row are the steps of a sequence, {names[0]} to {names[-1]}"
    if labels is not None:
        words = f"the class of each row is in {classes}; its columns are the steps, {names[0]} to {names[-1]}"
    left = [f"left out: {', '.join(others)}"] if others else []
    found = Labelled(
        tuple(one[:, None] for one in values),
        None if labels is None else tuple(labels.tolist()),
        channels=tuple(names),
    )
    return found, (words, *left)


def _labels(table: Table, name: str) -> np.ndarray:
    """The class of each row, one word for each."""
    cells = table.texts(name)
    for row in np.flatnonzero([is_missing(cell) for cell in cells])[:1]:
        raise BadInput(f"line {table.line(int(row))}, {name}: expected a class, got none")
    if all(NUMBER.fullmatch(cell) for cell in cells):
        cells = np.array([f"{float(cell):.15g}" for cell in cells], dtype=object)
    return cells.astype(str)


def is_of_classes(folder: Path) -> bool:
    """Whether a folder holds nothing but two folders or more, each with several files of series.

    >>> from wavetrain.tables.read.classed import is_of_classes
    >>> import tempfile
    >>> is_of_classes(Path(tempfile.mkdtemp()))
    False
    """
    if not folder.is_dir() or folders.is_saved(folder):
        return False
    try:
        files = folders.files(folder, ENDINGS)
    except BadInput:
        return False
    above = [path.relative_to(folder).parts[:-1] for path in files]
    kinds = {one for one in above}
    return len(kinds) > 1 and all(len(one) == 1 and above.count(one) > 1 for one in kinds)


def folder_of_classes(folder: Path) -> tuple[Labelled, tuple[str, ...]]:
    """A sequence for each file, whose class is the name of the folder that it lies in."""
    found, (told,) = folder_of_sequences(folder)
    labels = tuple(Path(name).parts[0] for name in found.names)
    words = f"each file is a sequence, and its folder its class: {', '.join(sorted(set(labels)))}"
    return found._replace(labels=labels), (words, told)


def folder_of_sequences(folder: Path) -> tuple[Labelled, tuple[str, ...]]:
    """A sequence for each file in a folder and below it."""
    series, names = [], []
    columns: tuple[str, ...] = ()
    for path in folders.files(folder, ENDINGS):
        panel = read(path)
        if len(panel.series) > 1:
            raise BadInput(f"{path}: expected one sequence in each file, got {len(panel.series)}")
        columns = columns or panel.columns
        if panel.columns != columns:
            raise BadInput(
                f"{path}: expected the columns {', '.join(columns)}; got {', '.join(panel.columns)}"
            )
        series.append(panel.series[0].values)
        names.append(path.relative_to(folder).as_posix())
    told = f"channels: {', '.join(columns[:9])}{', ...' * (len(columns) > 9)}"
    return Labelled(tuple(series), None, names=tuple(names), channels=columns), (told,)
