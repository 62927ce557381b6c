"""What a table measures: numbers, truths, and categories as a column of zeros and ones for each level."""

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables import times
from wavetrain.tables.digits import CALENDAR, ID, TIMELIKE, is_even, steps_of
from wavetrain.tables.read.asked import Asked
from wavetrain.tables.read.numbers import (
    MOSTLY,
    Kinds,
    Style,
    are_there,
    has_marks,
    kinds,
    numbers,
    style,
    told_numbers,
)
from wavetrain.tables.read.table import Table
from wavetrain.tables.read.units import shorn

LEVELS = 20  # of a category; a column of text with more is left out
FEWEST = 20  # steps of a column that counts, and is not so called
COUNTS = "numbers the rows"
NONE = "holds no number"
PARTS = (*CALENDAR, "quarter", "week", "weekday")  # of the calendar: they say when a row is


class Measured(NamedTuple):
    """Columns of numbers, by the columns of the table that they are from."""

    columns: dict[str, dict[str, np.ndarray]]  # name in the table: {name in the panel: (rows,)}
    levels: dict[str, tuple[str, ...]]  # of categories
    left_out: dict[str, str]  # other columns, and why
    commas: list[str]  # columns whose decimals are written with a comma
    strange: list[str]  # levels that an earlier table did not have, in words
    units: dict[str, str]  # of columns, from their cells


class Text(NamedTuple):
    """A column of text that may hold numbers."""

    kinds: Kinds
    there: np.ndarray  # which of the kinds say something
    told: list[str]  # those
    style: Style  # in which they are written, if they are numbers
    unit: str = ""  # that stood in all of them


def measured(table: Table, names: Sequence[str], asked: Asked, dated: bool) -> Measured:
    """The columns of these names; `dated` says whether the rows have times."""
    levels = asked.earlier.form.levels if asked.earlier else {}
    texts = {
        name: _text(table, name, asked.missing)
        for name in names
        if name in levels or not _is_typed(table, name)
    }
    decimal = _decimal(table, texts.values(), asked.missing)
    commas = asked.earlier.form.commas if asked.earlier else names if decimal == "," else ()
    texts |= {
        name: text
        for name in _pointed(table)
        if name in names and name in commas and (text := _text(table, name, asked.missing)).style.comma
    }
    found = Measured({}, {}, {}, [], [], {name: text.unit for name, text in texts.items() if text.unit})
    for name in names:
        column = _values(table, name, texts, decimal, asked, found)
        wanted = name in asked.measured
        for part, values in column.items():
            why = _why_not(name, values, dated) if part == name else ""
            if np.isnan(values).all():
                why = NONE
                if name in asked.target:
                    raise BadInput(f"{name}: expected numbers to forecast, got none in {len(values)} rows")
            if why and not wanted:
                found.left_out[name] = why
                break
        else:
            if column:
                found.columns[name] = column
    if not any(name not in found.levels for name in found.columns):  # what counts is all there is to measure
        for name in [name for name, why in found.left_out.items() if why == COUNTS]:
            if not (TIMELIKE.fullmatch(name) or ID.fullmatch(name)):
                found.columns[name] = {name: _values(table, name, texts, decimal, asked, found)[name]}
                del found.left_out[name]
    return found


def _values(
    table: Table, name: str, texts: dict[str, Text], decimal: str, asked: Asked, found: Measured
) -> dict[str, np.ndarray]:
    if name in texts:
        return _read(table, name, texts[name], decimal, asked, found)
    return {name: _typed(table, name, asked.missing)}


def _is_typed(table: Table, name: str) -> bool:
    return table.frame[name].dtype.kind in "iufb"


def _typed(table: Table, name: str, missing: Sequence[str]) -> np.ndarray:
    """A column that pandas has as numbers."""
    values = table.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return _without(values, missing)


def _without(values: np.ndarray, missing: Sequence[str]) -> np.ndarray:
    """Numbers, NaN for those that say that there is none."""
    for word in missing:
        number = numbers([word], ".")[0]
        if number is not None and not np.isnan(number):
            values = np.where(values == number, np.nan, values)
    return values


def _text(table: Table, name: str, missing: Sequence[str]) -> Text:
    found = kinds(table.texts(name))
    there = are_there(found.cells, missing)
    told = list(compress(found.cells, there))
    plain = shorn(found.cells, told)
    if plain is None:
        return Text(found, there, told, style(told))
    there = are_there(plain.cells, missing)
    told = list(compress(plain.cells, there))
    return Text(Kinds(plain.cells, found.codes), there, told, style(told), plain.unit)


def _decimal(table: Table, texts: Iterable[Text], missing: Sequence[str]) -> str:
    """The mark of decimals: what a column can be read with alone, or the one that is no delimiter."""
    styles = [text.style for text in texts if text.style.point != text.style.comma or has_marks(text.told)]
    if any(one.comma and not one.point for one in styles):
        return ","
    if any(one.point and not one.comma for one in styles) or not styles:
        return "."
    if table.delimiter in (",", "") or len(table.names) == 1:
        return "."
    return "," if all(_text(table, name, missing).style.comma for name in _pointed(table)) else "."


def _pointed(table: Table) -> list[str]:
    """Columns that the source writes with points, and that were read as numbers with decimals."""
    return [name for name in table.points if name in table.names and _is_typed(table, name)]


def _read(
    table: Table, name: str, text: Text, decimal: str, asked: Asked, found: Measured
) -> dict[str, np.ndarray]:
    """A column of text as columns of numbers; none where it is left out."""
    if asked.earlier and name in asked.earlier.form.levels:
        return _again(name, text, asked, found)
    one = text.style
    if asked.earlier and one.point == one.comma:
        decimal = "," if name in asked.earlier.form.commas else "."
    mark = decimal if one.point == one.comma else "." if one.point else ","
    read = told_numbers(text.told, mark)
    if None not in read:
        if mark == ",":
            found.commas.append(name)
        values = np.full(len(text.kinds.cells), np.nan)
        values[text.there] = read
        return {name: _without(values[text.kinds.codes], asked.missing)}
    counts = text.kinds.counts()
    wrong = np.flatnonzero(text.there)[[number is None for number in read]]
    share = 1 - counts[wrong].sum() / counts[text.there].sum()
    if share >= MOSTLY or name in asked.target or asked.earlier:
        row = int(np.isin(text.kinds.codes, wrong).argmax())
        cell = text.kinds.cells[text.kinds.codes[row]]
        raise BadInput(f"line {table.line(row)}, {name}: expected a number, got {cell[:40]!r}")
    if all(times.is_time(cell) or times.is_clock(cell) for cell in text.told[:LEVELS]):
        found.left_out[name] = "dates the rows, too"
        return {}
    levels = sorted(text.told)
    if len(levels) == len(text.kinds.codes) > 2 and name not in asked.measured:
        found.left_out[name] = "tells the rows apart"
        return {}
    if len(levels) > LEVELS:
        found.left_out[name] = f"is text of {len(levels):,} kinds, more than {LEVELS}"
        return {}
    if len(levels) == 1 and name not in asked.measured:
        found.left_out[name] = f"is {levels[0]} throughout"
        return {}
    found.levels[name] = tuple(levels)
    return _one_hot(name, text, levels)


def _again(name: str, text: Text, asked: Asked, found: Measured) -> dict[str, np.ndarray]:
    """A column of text by the levels of an earlier table; a level that is new is none of them."""
    assert asked.earlier is not None
    levels = asked.earlier.form.levels[name]
    found.levels[name] = levels
    for cell, count, there in zip(text.kinds.cells, text.kinds.counts(), text.there, strict=True):
        if there and cell not in levels:
            rows = f"{count:,} row{'s' * int(count != 1)}"
            found.strange.append(f"{name} {cell!r} is new ({rows}): it counts as none of {', '.join(levels)}")
    return _one_hot(name, text, levels)


def _one_hot(name: str, text: Text, levels: Sequence[str]) -> dict[str, np.ndarray]:
    """A column for each level: 1 where the cell says it, NaN where it says nothing."""
    there = text.there[text.kinds.codes]
    cells = np.array(text.kinds.cells, dtype=object)[text.kinds.codes]
    return {f"{name}={level}": np.where(there, cells == level, np.nan).astype(np.float64) for level in levels}


def _why_not(name: str, values: np.ndarray, dated: bool) -> str:
    """Why a column of numbers is no measurement; empty for one that may be."""
    there = values[~np.isnan(values)]
    if not len(there):
        return NONE
    if (there == there[0]).all():
        return f"is {there[0]:g} throughout"
    if name.lower() in PARTS and dated:
        return "dates the rows"
    if name.lower() == "year" and (there == there.round()).all():
        return "dates the rows"
    if _counts(name, values, dated):
        return COUNTS
    return ""


def _counts(name: str, values: np.ndarray, dated: bool) -> bool:
    """Whether a column numbers the rows: it is so called and even, or it is 1, 2, 3, ... for long enough."""
    called = bool(TIMELIKE.fullmatch(name) or ID.fullmatch(name))
    steps = steps_of(values)
    if not called:
        return len(steps) >= FEWEST and bool((np.abs(steps) == 1).all() and (steps == steps[0]).all())
    if np.isnan(values).any():
        return False
    return is_even(values) or (dated and is_even(np.unique(values)) and bool((steps >= 0).mean() > MOSTLY))
