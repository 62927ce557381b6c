"""Rows of a table as they come, line by line, read as an earlier table of the same kind was."""

import csv
import math
from collections.abc import Sequence
from typing import NamedTuple

from wavetrain.errors import BadInput, unknown
from wavetrain.tables.form import Form
from wavetrain.tables.panel import Panel
from wavetrain.tables.read.numbers import is_missing, numbers
from wavetrain.tables.read.stamp import Stamp
from wavetrain.tables.read.units import shorn

DELIMITERS = ",;\t|"


class Row(NamedTuple):
    """One row."""

    line: int
    series: str
    told: str  # its time or number, as it is written; empty where it has none
    time: int | None  # microseconds since 1970 in UTC
    number: float | None  # of a column that numbers the rows
    values: list[float]  # by the columns of the earlier panel, NaN where nothing was measured


class Incoming:
    """How lines become rows, by a header and an earlier panel.

    >>> import pandas as pd
    >>> from wavetrain.tables.read import read
    >>> from wavetrain.tables.read.incoming import Incoming
    >>> first = read(pd.DataFrame({"day": ["2024-01-01", "2024-01-02"], "sold": [1.0, 2.5]}))
    >>> lines = Incoming("sold;day", first)
    >>> lines.row("7.5;2024-01-03", 2)
    Row(line=2, series='', told='2024-01-03', time=1704240000000000, number=None, values=[7.5])
    """

    def __init__(self, header: str, earlier: Panel):
        form = earlier.form or Form(columns=earlier.columns)
        wanted = (*form.time, *form.id, *form.columns)
        self.delimiter, names = _header(header, wanted)
        for name in wanted:
            if name not in names:
                raise BadInput(f"line 1: {unknown('column', name, names)}")
        self.form, self.names = form, names
        self.time = [names.index(name) for name in form.time]
        self.id = [names.index(name) for name in form.id]
        self.stamp = Stamp(earlier.clock, form.time) if form.time and earlier.clock else None
        self.measured = [(names.index(name), name) for name in form.columns]
        given = [numbers([word], ".")[0] for word in form.missing]
        self.missing = {number for number in given if number is not None}
        self.new: dict[str, set[str]] = {}  # levels of text that the earlier table did not have

    def row(self, text: str, line: int) -> Row:
        """The row that a line holds; raises BadInput, with the line, for one that holds none."""
        try:
            cells = self._cells(text)
            told = [cells[place].strip() for place in self.time]
            series = "/".join(cells[place].strip() for place in self.id)
            for place in self.id:
                if not cells[place].strip():
                    raise BadInput(f"{self.names[place]}: expected an id, got none")
            values: list[float] = []
            for place, name in self.measured:
                values += self._values(name, cells[place].strip())
            time = self.stamp(told) if self.stamp else None
            number = self._number(told) if told and self.form.step and not self.stamp else None
        except BadInput as error:
            raise BadInput(f"line {line}: {error}") from error
        return Row(line, series, " ".join(told), time, number, values)

    def _cells(self, text: str) -> list[str]:
        if '"' not in text:
            cells = text.split(self.delimiter)
        else:
            try:
                cells = next(csv.reader([text], delimiter=self.delimiter, strict=True, skipinitialspace=True))
            except csv.Error as error:
                raise BadInput(str(error)) from error
        if len(cells) != len(self.names) and not (len(cells) == len(self.names) + 1 and not cells[-1]):
            raise BadInput(f"expected {len(self.names)} cells, got {len(cells)}")
        return cells

    def _number(self, told: Sequence[str]) -> float:
        try:
            return float(told[0])
        except ValueError as error:
            name = self.names[self.time[0]]
            raise BadInput(f"{name}: expected a number, got {told[0][:40]!r}") from error

    def _values(self, name: str, cell: str) -> list[float]:
        """The numbers that a cell stands for: one, or one for each level of a column of text."""
        if name in self.form.levels:
            return self._levels(name, cell)
        try:
            number = float(cell) if name not in self.form.commas and "_" not in cell else None
        except ValueError:
            number = None
        if number is None:
            plain = shorn([cell], [cell])
            found = numbers(
                plain.cells if plain else [cell], "," if name in self.form.commas else ".", self.form.missing
            )[0]
            if found is None:
                raise BadInput(f"{name}: expected a number, got {cell[:40]!r}")
            number = found
        if math.isinf(number):
            raise BadInput(f"{name}: expected a finite number, got {cell[:40]!r}")
        return [math.nan if number in self.missing else number]

    def _levels(self, name: str, cell: str) -> list[float]:
        levels = self.form.levels[name]
        if is_missing(cell, self.form.missing):
            return [math.nan] * len(levels)
        if cell not in levels:
            self.new.setdefault(name, set()).add(cell)
        return [float(cell == level) for level in levels]


def _header(text: str, wanted: Sequence[str]) -> tuple[str, list[str]]:
    """The delimiter of a table, by which most of the columns that are wanted are found, and the columns."""
    found = {}
    for mark in DELIMITERS:
        row = next(csv.reader([text], delimiter=mark, skipinitialspace=True), [])
        found[mark] = [cell.strip() for cell in row]
    mark = max(found, key=lambda one: (sum(name in found[one] for name in wanted), len(found[one])))
    return mark, found[mark]
