"""Where the rows of a table begin: behind titles, comments, a header and a row of units."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from wavetrain.errors import BadInput
from wavetrain.tables import times
from wavetrain.tables.digits import YEARS
from wavetrain.tables.read.table import WORDS, distinct

COMMENT = r"[ \t]*(?:#(?!N/?A|VALUE|DIV|REF|NUM)|%|//)"  # that a line begins with; #N/A is a cell
NUMBER = re.compile(r"[+\-−]?[\d.,'\s]*\d[\d.,'\s]*([eE][+-]?\d+)?%?|[+-]?inf(inity)?", re.IGNORECASE)


class Layout(NamedTuple):
    """What the head of a table says."""

    names: list[str]
    first: int  # place of the first row of cells in the head
    units: dict[str, str]  # of columns, from a row of units


def layout(head: Sequence[Sequence[str]], comment: Sequence[str] = ()) -> Layout:
    """Of the first rows of a table without blank lines; `comment` is what the last comment line says."""
    if not head:
        raise BadInput("expected a table, got blank lines")
    head = _trimmed(head)
    sizes = [_size(row) for row in head]
    usual = max(set(sizes), key=lambda size: (sizes.count(size), size))
    start = next(place for place, size in enumerate(sizes) if size == usual)
    if any(size > usual for size in sizes[:start]):
        start = next(place for place, size in enumerate(sizes) if size > usual)
    rows = [[cell.strip() for cell in row] for row in head[start:]]
    width = len(rows[0])
    below = [[row[place] for row in rows[1:] if place < len(row)] for place in range(width)]
    if not _is_header(rows[0], below):
        told = [cell.strip() for cell in comment]
        if len(told) == width and not any(map(_measured, told)):
            return Layout(distinct(told), start, {})
        if width == 1:
            return Layout(["y"], start, {})
        return Layout(distinct([""] * width), start, {})
    names = distinct(rows[0])
    units = _units(names, rows[1:])
    more = bool(units) and len(rows) > 3 and not any(map(_measured, rows[2]))  # flags below the units
    return Layout(names, start + 1 + bool(units) + more, units)


def _trimmed(head: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Without the empty cell that a delimiter at the end of each row makes, where the header has none."""
    longest = max(len(row) for row in head)
    ended = [row for row in head if len(row) == longest]
    shorter = any(len(row) == longest - 1 > 1 for row in head)
    if not shorter or any(row[-1].strip() for row in ended):
        return head
    return [row[:-1] if len(row) == longest else row for row in head]


def _size(row: Sequence[str]) -> int:
    """Cells of a row; a title is one cell, however many empty ones a spreadsheet writes behind it."""
    return 1 if len(row) > 2 and row[0].strip() and not any(cell.strip() for cell in row[1:]) else len(row)


def _is_header(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names what the rows below it hold."""
    if not any(map(_measured, first)):
        return any(first)
    whole = [int(cell) if cell.isdecimal() else None for cell in first]
    counted = whole[1:] if first[0] == "" else whole
    if len(counted) > 1 and counted in (
        list(range(len(counted))),
        list(range(1, len(counted) + 1)),
    ):
        return any(below)
    steps = [cell for cell in whole if cell is not None]
    if len(steps) > 3 and steps[0] < 2 and steps == list(range(steps[0], steps[0] + len(steps))):
        others = [cell for cell, number in zip(first, whole, strict=True) if number is None]
        if not any(map(_measured, others)):
            return any(below)  # kind, 0, 1, 2, 3: names, and a column for each step
    if first[0] == "" and len(set(counted)) == len(counted) > 1 and None not in counted:
        return True
    years = next((place for place, cell in enumerate(first) if _measured(cell)), 0)
    if years and first[0] and len(first) > years + 1 and _are_years([cell for cell in first[years:] if cell]):
        return True  # wide: a column for each year
    return any(  # 2019 and 2020 beside a name that stands above numbers
        cell and not _measured(cell) and any(map(_measured, column)) and all(map(_filled, column))
        for cell, column in zip(first, below, strict=True)
    )


def _are_years(cells: Sequence[str]) -> bool:
    """Whether cells are years, each one more than the one before."""
    years = [int(cell) if len(cell) == 4 and cell.isdecimal() else 0 for cell in cells]
    return years[0] >= YEARS[0] and years == list(range(years[0], years[0] + len(years)))


def _units(names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """What a row of units says: text, above columns of numbers."""
    units = [cell for cell in rows[0] if cell != "1"] if rows else []  # the unit of a plain number
    if len(rows) < 2 or len(rows[0]) != len(names) or any(map(_measured, units)):
        return {}
    found = {}
    for place, (name, cell) in enumerate(zip(names, rows[0], strict=True)):
        column = [row[place] for row in rows[1:] if place < len(row)]
        if cell.lower() in WORDS or not any(map(_measured, column)) or not all(map(_filled, column)):
            continue
        found[name] = cell
    return found if set(found.values()) != {"1"} else {}  # a first row of numbers, which are 1


def _measured(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell)) or times.is_time(cell) or times.is_clock(cell)


def _filled(cell: str) -> bool:
    """Whether a cell holds a number or a time, or says that there is none."""
    return cell.lower() in WORDS or _measured(cell)
