"""Which columns say when a row is, and of which series."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables import times
from wavetrain.tables.clock import DAY
from wavetrain.tables.digits import CALENDAR, ID, TIMELIKE, is_even, moment_of, steps_of
from wavetrain.tables.read.asked import Asked
from wavetrain.tables.read.folders import go_on
from wavetrain.tables.read.moments import Moments, counted, moments, row_numbers
from wavetrain.tables.read.rows import Ids
from wavetrain.tables.read.table import Table


class When(NamedTuple):
    """The times of rows, and the columns that tell them."""

    moments: Moments | None
    used: dict[str, str]  # columns, and why they are no measurements


def when_of(table: Table, asked: Asked) -> When:
    """The times of a table: of the columns that are asked for, or of those that look like it."""
    if asked.time:
        return _asked(table, asked.time)
    free = [name for name in table.names if name not in (table.file, *asked.id, *asked.measured)]
    for name in free:
        found = moments(table, name)
        if found is not None:
            clock = _clock_beside(table, [one for one in free if one != name], found)
            both = moments(table, name, clock) if clock else None
            return When(
                both or found, {name: "dates the rows", **({clock: "is the time of day"} if both else {})}
            )
    calendar = _calendar(table, free)
    if calendar is not None:
        return calendar
    for name in free:
        found = counted(table, name)
        if found is not None:
            return When(found, {name: "dates the rows"})
    return _numbered(table, free, bool(asked.id or table.file)) if len(table.names) > 1 else When(None, {})


def _asked(table: Table, names: Sequence[str], usual: str = "") -> When:
    used = dict.fromkeys(names, "dates the rows")
    found = moments(table, names[0], "".join(names[1:2]), usual)
    if found is None and len(names) == 1:
        found = counted(table, names[0], asked=True) or row_numbers(table, names[0])
    if found is None:
        cell = table.texts(names[0])[0]
        raise BadInput(f"{', '.join(names)}: expected times, got {cell[:40]!r} in line {table.line(0)}")
    return When(found, used)


def when_again(table: Table, names: Sequence[str], usual: str) -> When:
    """The times of a table by the columns that an earlier one had, in the form that was usual there."""
    if not names:
        return When(None, {})
    if len(names) > 1 and all(name.lower() in (*CALENDAR, "quarter") for name in names):
        found = _calendar(table, names)
        if found is None:
            raise BadInput(f"{', '.join(names)}: expected times, as in training")
        return found
    return _asked(table, names, usual)


def _clock_beside(table: Table, names: Sequence[str], found: Moments) -> str:
    """A column of times of day, where the days have none."""
    if not found.calendar or (found.ticks % DAY).any() or found.written.zone:
        return ""
    for name in names:
        if table.frame[name].dtype.kind not in "iufbM":
            kinds = np.unique(table.texts(name))
            if all(times.is_clock(str(kind)) for kind in kinds):
                return name
    return ""


def _calendar(table: Table, names: Sequence[str]) -> When | None:
    """Columns of the year, the month or quarter, and what is shorter."""
    called = {name.lower(): name for name in names}
    units = [unit for unit in CALENDAR if unit in called]
    quarter = units[:1] == ["year"] and "month" not in units and "quarter" in called
    if quarter:
        units = ["year", "quarter"]
    elif units[:2] != ["year", "month"]:
        return None
    columns = [row_numbers(table, called[unit]) for unit in units]
    if any(column is None for column in columns):
        return None
    rows = np.stack([column.ticks for column in columns if column is not None], 1)
    if quarter:
        rows[:, 1] = 3 * rows[:, 1] - 2
    kinds, codes = np.unique(rows, axis=0, return_inverse=True)
    parts = ["year", "month"] if quarter else units
    ticks = [moment_of(dict(zip(parts, map(float, row), strict=True))) for row in kinds]
    if None in ticks:
        return None
    told = np.array([" ".join(f"{part:g}" for part in row) for row in kinds], dtype=object)
    used = [called[unit] for unit in units]
    codes = codes.reshape(-1)
    found = Moments(", ".join(used), np.array(ticks, np.int64)[codes], told[codes])
    return When(found, dict.fromkeys(used, "dates the rows"))


def _numbered(table: Table, names: Sequence[str], long: bool) -> When:
    """A column that numbers the rows: the first one or one that is so called, where steps are even."""
    for place, name in enumerate(table.names):
        called = bool(TIMELIKE.fullmatch(name))
        if name not in names or not (place == 0 or called):
            continue
        found = row_numbers(table, name)
        if found is None or len(found.ticks) < 2:
            continue
        kinds = np.unique(found.ticks)
        steps = steps_of(found.ticks)
        rising = bool((steps > 0).all() or (steps < 0).all())
        once = len(kinds) == len(found.ticks)
        if (is_even(kinds) and (once or (long and called))) or (rising and called):
            return When(found, {name: "numbers the rows"})
    return When(None, {})


def ids_of(table: Table, asked: Asked, when: When) -> tuple[Ids, dict[str, str]]:
    """Which series each row is of, and the columns that are no measurements for it."""
    if asked.id:
        return _joined(table, asked.id), dict.fromkeys(asked.id, "tells series apart")
    if table.file:
        return _of_files(table, when)
    free = [name for name in table.names if name not in (*when.used, *asked.measured)]
    left: dict[str, str] = {}
    several = []
    for name in free:
        if ID.fullmatch(name) and _is_key(table, name):
            kinds = len(np.unique(table.texts(name)))
            if 1 < kinds < len(table.frame):
                several.append(name)
            else:
                left[name] = "tells the rows apart" if kinds > 1 else "is the same throughout"
    if several:
        taken = _separating(table, several, when)
        return _joined(table, taken), {**left, **dict.fromkeys(several, "tells series apart")}
    one = Ids("", np.zeros(len(table.frame), np.int64), ("",))
    if when.moments is None or _are_once(when.moments.ticks):
        return one, left
    found = _guessed(table, [name for name in free if name not in left], when.moments)
    return (_joined(table, [found]), {**left, found: "tells series apart"}) if found else (one, left)


def _of_files(table: Table, when: When) -> tuple[Ids, dict[str, str]]:
    """A series for each file, or one that goes on from file to file."""
    found = _joined(table, [table.file])
    if when.moments is not None and when.moments.calendar and go_on(when.moments.ticks, found.codes):
        one = Ids("", np.zeros(len(table.frame), np.int64), ("",))
        return one, {table.file: f"says which of {len(found.kinds)} files a row is from, one after another"}
    return found, {table.file: "tells series apart"}


def _are_once(ticks: np.ndarray) -> bool:
    return bool((np.diff(ticks) > 0).all()) or bool((np.diff(np.sort(ticks)) > 0).all())


def _separating(table: Table, names: list[str], when: When) -> list[str]:
    """The one of these columns that leaves each time once in a series, or all of them."""
    if when.moments is not None:
        alone = [name for name in names if _separates(table, name, when.moments)]
        if alone:
            return alone[:1]
    elif len(names) > 1:
        raise BadInput(f"several columns may tell series apart: {', '.join(names)}; say which is the id")
    return names


def _separates(table: Table, name: str, when: Moments) -> bool:
    codes = np.unique(table.texts(name), return_inverse=True)[1].reshape(-1)
    order = np.lexsort((when.ticks, codes))
    same = (np.diff(when.ticks[order]) == 0) & (np.diff(codes[order]) == 0)
    return not same.any()


def _guessed(table: Table, names: Sequence[str], when: Moments) -> str:
    """The column of text, or of whole numbers, that tells series apart where a time is there twice."""
    texts = [name for name in names if table.frame[name].dtype.kind not in "iufbM"]
    whole = [name for name in names if name not in texts and _is_key(table, name)]
    for kind in (texts, whole):
        found = [name for name in kind if _groups(table, name) and _separates(table, name, when)]
        if len(found) > 1:
            raise BadInput(
                f"{when.name}: times are there several times, and several columns may tell series apart: "
                f"{', '.join(found)}; say which is the id"
            )
        if found:
            return found[0]
    return ""


def _groups(table: Table, name: str) -> bool:
    """Whether it says the same in at least two rows, for each that it says."""
    return bool(np.unique(table.texts(name), return_counts=True)[1].min() > 1)


def _is_key(table: Table, name: str) -> bool:
    """Whether a column may be an id: text, or whole numbers."""
    column = table.frame[name]
    if column.dtype.kind not in "iuf":
        return column.dtype.kind not in "bM"
    numbers = column.to_numpy()
    return bool(np.isfinite(numbers).all() and (numbers == np.round(numbers)).all())


def _joined(table: Table, names: Sequence[str]) -> Ids:
    """Ids from one column, or from several, as text: 007 and 7 are two."""
    import pandas as pd

    parts = [table.texts(name) for name in names]
    for name, part in zip(names, parts, strict=True):
        empty = np.flatnonzero(part == "")
        if len(empty):
            raise BadInput(f"line {table.line(int(empty[0]))}, {name}: expected an id, got none")
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + "/" + part
    codes, kinds = pd.factorize(whole)
    return Ids(", ".join(names), codes, tuple(str(kind) for kind in kinds), tuple(names))
