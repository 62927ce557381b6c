"""Files of the `.ts` format of aeon and sktime: series of several columns, with a class or a number of each.

A line below `@data` is a series: its columns are divided by colons, their values by commas, and behind the
last colon stands the class where `@classLabel true` says so, or a number where `@targetLabel true` does. Each
line is held to what the head promises. `?` and NaN say that nothing was measured.
"""

import math
from typing import NamedTuple

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.read.asked import Asked
from wavetrain.tables.read.numbers import is_missing


class Labelled(NamedTuple):
    """Series, and what goes with each."""

    series: tuple[np.ndarray, ...]  # (steps, columns) each, NaN where nothing was measured
    labels: tuple[str, ...] | None  # None: the file names no classes
    targets: np.ndarray | None = None  # (N,) or (N, K); None: the file has no numbers to tell from series
    names: tuple[str, ...] = ()  # of the series, where they have any
    channels: tuple[str, ...] = ()  # the same of their columns


def labelled(text: str) -> Labelled:
    """What a file says.

    >>> from wavetrain.tables.read.labelled import labelled
    >>> found = labelled("@classLabel true A b\\n@data\\n1,2,?:3,4,5:A\\n1,2:0,1:b")
    >>> [one.shape for one in found.series], found.labels
    ([(3, 2), (2, 2)], ('A', 'b'))
    """
    head = _Head({})
    series: list[np.ndarray] = []
    answers: list[str] = []
    inside = False
    for place, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith(("#", "%")):
            continue
        if inside:
            values, answer = _case(place, line, head)
            head.check(place, values, series)
            series.append(values)
            answers.append(answer)
            continue
        name, *words = line.split()
        if not name.startswith("@"):
            raise BadInput(f"line {place}: expected a line of the head or @data, got {line[:40]!r}")
        inside = name.lower() == "@data"
        head.words[name[1:].lower()] = words
    if not series:
        raise BadInput("expected series below @data, got none")
    return Labelled(
        tuple(series),
        tuple(answers) if head.says("classlabel") else None,
        np.array(answers, np.float64) if head.says("targetlabel") else None,
    )


class _Head(NamedTuple):
    """What stands above `@data`, by its names in small letters."""

    words: dict[str, list[str]]

    def says(self, name: str) -> bool:
        return [word.lower() for word in self.words.get(name, [])[:1]] == ["true"]

    def number(self, *names: str) -> int:
        """A number above zero under one of the names; 0 where there is none."""
        found = [self.words[name][0] for name in names if self.words.get(name)]
        return int(found[0]) if found and found[0].isdecimal() else 0

    def check(self, place: int, values: np.ndarray, before: list[np.ndarray]) -> None:
        """Raise where a series breaks a promise."""
        steps, columns = values.shape
        promised = self.number("dimensions", "dimension") or (1 if self.says("univariate") else 0)
        promised = promised or (before[0].shape[1] if before else columns)
        if columns != promised:
            raise BadInput(f"line {place}: expected {promised} columns, got {columns}")
        length = self.number("serieslength")
        if self.says("equallength") and before:
            length = length or len(before[0])
        if length not in (0, steps):
            raise BadInput(f"line {place}: expected {length} values in each column, got {steps}")


def _case(place: int, line: str, head: _Head) -> tuple[np.ndarray, str]:
    """The values (steps, columns) of a line, and its class or number as it is written."""
    if "(" in line or head.says("timestamps"):
        raise BadInput(f"line {place}: expected numbers alone, got values with their times")
    parts = line.split(":")
    answer = ""
    if head.says("classlabel"):
        answer, known = parts.pop().strip(), head.words["classlabel"][1:]
        if not answer or (known and answer not in known):
            raise BadInput(
                f"line {place}: expected one of the classes {', '.join(known)}, got {answer[:40]!r}"
            )
    elif head.says("targetlabel"):
        answer = parts.pop().strip()
        if not math.isfinite(_number(place, answer)):
            raise BadInput(f"line {place}: expected a number behind the last colon, got {answer[:40]!r}")
    columns = [[_number(place, cell.strip()) for cell in part.split(",")] for part in parts]
    lengths = sorted({len(column) for column in columns})
    if not columns:
        raise BadInput(f"line {place}: expected values before the last colon, got none")
    if len(lengths) != 1:
        raise BadInput(
            f"line {place}: expected columns of one length, got {', '.join(map(str, lengths))} values"
        )
    return np.array(columns, np.float64).T, answer


def _number(place: int, cell: str) -> float:
    if is_missing(cell):
        return float("nan")
    try:
        return float(cell)
    except ValueError as error:
        raise BadInput(f"line {place}: expected a number, got {cell[:40]!r}") from error


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
    said += ["left out: the number of each series"] if found.targets is not None else []
    series = tuple(Series(name=str(place), values=one) for place, one in enumerate(found.series))
    taken = asked.target or tuple(
        name for name in columns if name not in (*asked.known, *(asked.inputs or ()))
    )
    return Panel(columns=tuple(columns), series=series, targets=taken, known=asked.known, said=tuple(said))
