"""Files of the `.ts` format of aeon and sktime: series of several columns, with a class or without one.

A line below `@data` is a series: its columns are divided by colons, their values by commas, and behind the
last colon stands the class where `@classLabel true` says so. Each line is held to what the head promises.
"""

from typing import NamedTuple

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.read.asked import Asked
from wavetrain.tables.read.numbers import is_missing


class Labelled(NamedTuple):
    """Series, and the class of each."""

    series: tuple[np.ndarray, ...]  # (steps, columns) each, NaN where nothing was measured
    labels: tuple[str, ...] | None  # None: the file names no classes


def labelled(text: str) -> Labelled:
    """What a file says.

    >>> from wavetrain.tables.read.labelled import labelled
    >>> found = labelled("@classLabel true A b\\n@data\\n1,2,?:3,4,5:A\\n1,2:0,1:b")
    >>> [one.shape for one in found.series], found.labels
    ([(3, 2), (2, 2)], ('A', 'b'))
    """
    head: dict[str, list[str]] = {}
    series, labels, columns = [], [], 0
    inside = False
    for place, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith(("#", "%")):
            continue
        if not inside:
            name, *words = line.split()
            if not name.startswith("@"):
                raise BadInput(f"line {place}: expected a line of the head or @data, got {line[:40]!r}")
            inside = name.lower() == "@data"
            head[name[1:].lower()] = words
            columns = (
                int(words[0])
                if name.lower() == "@dimensions" and words[:1] and words[0].isdecimal()
                else columns
            )
            continue
        values, label = _case(place, line, head)
        columns = columns or values.shape[1]
        if values.shape[1] != columns:
            raise BadInput(f"line {place}: expected {columns} columns, got {values.shape[1]}")
        series.append(values)
        labels.append(label)
    if not series:
        raise BadInput("expected series below @data, got none")
    return Labelled(tuple(series), tuple(labels) if _is_true(head, "classlabel") else None)


def _case(place: int, line: str, head: dict[str, list[str]]) -> tuple[np.ndarray, str]:
    if "(" in line or _is_true(head, "timestamps"):
        raise BadInput(f"line {place}: expected numbers alone, got values with their times")
    parts = line.split(":")
    label = ""
    if _is_true(head, "classlabel"):
        label, known = parts.pop().strip(), head["classlabel"][1:]
        if not label or (known and label not in known):
            raise BadInput(
                f"line {place}: expected one of the classes {', '.join(known)}, got {label[:40]!r}"
            )
    columns = [[_number(place, cell.strip()) for cell in part.split(",")] for part in parts]
    lengths = sorted({len(column) for column in columns})
    if len(lengths) != 1:
        raise BadInput(
            f"line {place}: expected columns of one length, got {', '.join(map(str, lengths))} values"
        )
    promised = head.get("serieslength", [""])[:1]
    if promised and promised[0].isdecimal() and int(promised[0]) not in (0, lengths[0]):
        raise BadInput(f"line {place}: expected {promised[0]} values in each column, got {lengths[0]}")
    return np.array(columns, np.float64).T, label


def _number(place: int, cell: str) -> float:
    if is_missing(cell):
        return float("nan")
    try:
        return float(cell)
    except ValueError as error:
        raise BadInput(f"line {place}: expected a number, got {cell[:40]!r}") from error


def _is_true(head: dict[str, list[str]], name: str) -> bool:
    return [word.lower() for word in head.get(name, [])[:1]] == ["true"]


def panel_of_labelled(found: Labelled, asked: Asked) -> Panel:
    """The series alone, numbered in the order of the file."""
    columns = [f"y{place + 1}" for place in range(found.series[0].shape[1])]
    lengths = [len(one) for one in found.series]
    steps = f"{min(lengths):,}" if min(lengths) == max(lengths) else f"{min(lengths):,} to {max(lengths):,}"
    asked.check(columns)
    kinds = sorted(set(found.labels or ()))
    said = [
        f"{len(lengths):,} series of {steps} steps and {len(columns):,} columns",
        "no times: rows are numbered",
    ]
    said += [f"left out: the class of each series ({', '.join(kinds[:6])})"] if kinds else []
    series = tuple(Series(name=str(place), values=one) for place, one in enumerate(found.series))
    taken = asked.target or tuple(
        name for name in columns if name not in (*asked.known, *(asked.inputs or ()))
    )
    return Panel(columns=tuple(columns), series=series, targets=taken, known=asked.known, said=tuple(said))
