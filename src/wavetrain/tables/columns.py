"""Which columns of a table say when or which row, and which hold what is measured.

What only tells rows apart is no measurement: a date, a row number, a year, Unix time. Left in, it would be
the easiest of all channels to forecast, and standardised by an earlier part it would drive the others from
their range. It is left out, and rows are brought into its order. All that is done is said in words.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables import times
from wavetrain.tables.cells import Cells
from wavetrain.tables.digits import (
    CALENDAR,
    ID,
    SINCE,
    TIMELIKE,
    UNIX,
    UNTIL,
    YEARS,
    are_days,
    compact,
    is_even,
    moment_of,
)
from wavetrain.tables.order import Ruler


class Columns(NamedTuple):
    """The columns that are measured, and what orders the rows."""

    names: list[str]
    values: np.ndarray  # (rows, columns)
    ruler: Ruler | None
    left_out: dict[str, str]  # other columns, and why


def columns(cells: Cells) -> Columns:
    """Sort out the columns; raises BadInput for a cell that is no number, and for several series in one."""
    numbers = {place: _floats(column) for place, column in enumerate(cells.columns)}
    ruler, left_out = _written(cells, [place for place, column in numbers.items() if column is None])
    rest = [place for place in numbers if place not in left_out]
    for place in rest:
        _check_numbers(cells, place, numbers[place])
    known = {place: column for place in rest if (column := numbers[place]) is not None}
    with np.errstate(over="ignore"):
        return _sorted_out(cells, known, ruler, left_out)


def _sorted_out(
    cells: Cells, known: dict[int, np.ndarray], ruler: Ruler | None, left_out: dict[int, str]
) -> Columns:
    """The same where the numbers of each column that is no date are known."""
    if ruler is None:
        ruler, counting = _counted(cells, known)
        left_out |= counting
    for place, column in known.items():
        if place not in left_out and (why := _tells_apart(cells.names[place], column)):
            left_out[place] = why
    kept = [place for place in known if place not in left_out]
    if not kept:
        raise BadInput(
            "expected a column of numbers that are measured, besides those that tell rows apart; got none"
        )
    first = kept[0]
    notes = {_name(cells, place): why for place, why in left_out.items()}
    if first == 0 and ruler is None and (np.diff(known[0]) > 0).all():
        notes[""] = f"{_name(cells, 0)} rises from row to row and is forecast like the others"
    return Columns(
        [cells.names[place] for place in kept], np.stack([known[place] for place in kept], 1), ruler, notes
    )


def _name(cells: Cells, place: int) -> str:
    return cells.names[place] or f"the unnamed column {place + 1}"


def _floats(column: Sequence[str]) -> np.ndarray | None:
    try:
        return np.array(column, dtype=np.str_).astype(np.float64)
    except ValueError:
        return None


def _check_numbers(cells: Cells, place: int, numbers: np.ndarray | None) -> None:
    """Raise for the first cell of a column that is no finite number."""
    name, column = cells.names[place], cells.columns[place]
    if numbers is None:
        row = next(row for row, cell in enumerate(column) if _floats([cell]) is None)
        kinds = len(set(column))
        long = (
            "; where it names one of several series in a long table, give each a file or columns of its own"
            if 1 < kinds <= len(column) / 2 and all(_floats([cell]) is None for cell in set(column))
            else ""
        )
        raise BadInput(f"line {cells.lines[row]}, {name}: expected a number, got {column[row][:40]!r}{long}")
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise BadInput(f"line {cells.lines[row]}, {name}: expected a finite number, got {column[row][:40]!r}")


def _written(cells: Cells, places: Sequence[int]) -> tuple[Ruler | None, dict[int, str]]:
    """The times that are written as such, from the first such column and a clock beside it."""
    left_out: dict[int, str] = {}
    ruler = None
    clocks = [place for place in places if all(map(times.is_clock, cells.columns[place]))]
    for place in places:
        column: Sequence[str] = cells.columns[place]
        moments = times.read(cells.names[place], column, cells.lines)
        if moments is None:
            continue
        left_out[place] = "dates the rows" + ", too" * (ruler is not None)
        if ruler is None:
            if clocks and not (moments % times.DAY).any():
                column = [
                    f"{day} {clock}" for day, clock in zip(column, cells.columns[clocks[0]], strict=True)
                ]
                joined = times.read(cells.names[place], column, cells.lines)
                assert joined is not None
                moments, left_out[clocks[0]] = joined, "is the time of day"
            ruler = Ruler(_name(cells, place), moments, column, calendar=True)
    return ruler, left_out


def _counted(cells: Cells, known: dict[int, np.ndarray]) -> tuple[Ruler | None, dict[int, str]]:
    """What counts rows or time in numbers: columns of the calendar, or one that is first or so called."""
    calendar = {cells.names[place].strip().lower(): place for place in known}
    units = [unit for unit in CALENDAR if unit in calendar]
    if units[:2] == ["year", "month"]:
        used = [calendar[unit] for unit in units]
        rows = list(zip(*(known[place] for place in used), strict=True))
        moments = [moment_of(dict(zip(units, row, strict=True))) for row in rows]
        if None not in moments:
            dates = [" ".join(f"{part:g}" for part in row) for row in rows]
            whole = Ruler(", ".join(units), np.array(moments, np.int64), dates, calendar=True)
            return whole, {place: "dates the rows" for place in used}
    for place, column in known.items():
        name, told = cells.names[place], cells.columns[place]
        called = bool(TIMELIKE.fullmatch(name))
        if place == 0 or called or are_days(told):
            ruler = _ruler(_name(cells, place), column, told, called)
            if ruler is not None:
                return ruler, {place: "dates the rows" if ruler.calendar else "numbers the rows"}
    return None, {}


def _ruler(name: str, column: np.ndarray, told: Sequence[str], called: bool) -> Ruler | None:
    """What a column counts, if it does: days written as one number, Unix time, or rows.

    In doubt it does so where it only rises or falls, or is `called` as such columns are.
    """
    rising = bool((np.diff(column) > 0).all() or (np.diff(column) < 0).all())
    if rising or called or are_days(told):
        days = [compact(cell) for cell in told]
        if None not in days:
            return Ruler(name, np.array(days, np.int64), told, calendar=True)
    for second in UNIX:
        if (rising or called) and (column > SINCE * second).all() and (column < UNTIL * second).all():
            return Ruler(name, (column / second * times.SECOND).round().astype(np.int64), told, calendar=True)
    if is_even(column) or (rising and (called or ID.fullmatch(name))):
        return Ruler(name, column, told, calendar=False)
    return None


def _tells_apart(name: str, column: np.ndarray) -> str:
    """Why a column is no measurement; empty for one that may be."""
    if is_even(column):
        return "numbers the rows"
    if name.strip().lower() == "year" and ((YEARS[0] <= column) & (column <= YEARS[1])).all():
        return "dates the rows"
    if not ID.fullmatch(name) or not (column == column.round()).all():
        return ""
    kinds = len(np.unique(column))
    if 1 < kinds < len(column):
        raise BadInput(
            f"{name}: expected one series in a table, got {kinds} by their id; give each a file, or columns, "
            "of its own"
        )
    return "tells the rows apart" if kinds > 1 else "is the same throughout"
