"""The rows of a table as series: told apart by their id, in order of time, with gaps as rows of NaN.

Nothing is filled, and no row reaches from one series to another.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables import times
from wavetrain.tables.clock import Clock
from wavetrain.tables.panel import Series
from wavetrain.tables.read.asked import Earlier
from wavetrain.tables.read.moments import Moments
from wavetrain.tables.read.steps import NEAR, clock_of, local, places

LEAST = 100_000  # rows that a table of few rows may become, by the clock of an earlier one
MOST = 10  # times as many rows with those that are missing: beyond that, times have no step to speak of


class Ids(NamedTuple):
    """Which series each row is of."""

    name: str  # of the column; empty where there is one series
    codes: np.ndarray  # (rows,)
    kinds: tuple[str, ...]  # by code, as they first appear
    columns: tuple[str, ...] = ()  # of the table


class Rows(NamedTuple):
    """Series with one clock, and what was found."""

    series: tuple[Series, ...]
    clock: Clock | None
    gaps: int
    steps: int  # that are missing in them
    notes: tuple[str, ...]
    step: float = 0.0  # of numbers of rows; 0 where there are none, or their steps are uneven


class Grids(NamedTuple):
    """How many steps each row of each series lies behind the first one."""

    clock: Clock | None
    places: list[np.ndarray]
    notes: list[str]
    step: float = 0.0


def series_of(
    values: np.ndarray,
    ids: Ids,
    when: Moments | None,
    line: Callable[[int], int],
    earlier: Earlier | None = None,
) -> Rows:
    """The series of values (rows, columns), by the clock of an earlier table where there is one."""
    order = _order(ids, when)
    codes = ids.codes[order]
    if when is not None:
        _check_once(ids, when, order, line)
    starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    parts = np.split(order, starts[1:])
    _check_finite(values, ids, parts, line)
    if when is None:
        plain = [
            Series(name=ids.kinds[codes[start]], values=values[part])
            for start, part in zip(starts, parts, strict=True)
        ]
        return Rows(tuple(plain), None, 0, 0, ())
    notes = [] if (np.diff(order) > 0).all() or ids.name else [_turned(order)]
    grids = _grids(when, order, codes, parts) if earlier is None else _again(when, parts, earlier, line)
    found, gaps, steps = [], 0, 0
    for start, part, grid in zip(starts, parts, grids.places, strict=True):
        name = ids.kinds[codes[start]]
        holes = np.diff(grid) - 1
        gaps, steps = gaps + int((holes > 0).sum()), steps + int(holes.sum())
        spread = np.full((int(grid[-1]) + 1, values.shape[1]), np.nan)
        spread[grid] = values[part]
        found.append(Series(name=name, values=spread, times=_filled(when.ticks[part], grid, grids.clock)))
    return Rows(tuple(found), grids.clock, gaps, steps, tuple(notes + grids.notes), grids.step)


def _order(ids: Ids, when: Moments | None) -> np.ndarray:
    """The rows by series, and in time."""
    if when is None:
        return np.argsort(ids.codes, kind="stable")
    if len(ids.kinds) == 1 and (np.diff(when.ticks) > 0).all():
        return np.arange(len(when.ticks))
    return np.lexsort((when.ticks, ids.codes))


def _turned(order: np.ndarray) -> str:
    return "newest first, turned round" if (np.diff(order) < 0).all() else "out of order, sorted"


def _check_once(ids: Ids, when: Moments, order: np.ndarray, line: Callable[[int], int]) -> None:
    """Raise where a time is there twice in one series."""
    ticks, codes = when.ticks[order], ids.codes[order]
    twice = np.flatnonzero((ticks[1:] == ticks[:-1]) & (codes[1:] == codes[:-1]))
    if not len(twice):
        return
    first, second = int(order[twice[0]]), int(order[twice[0] + 1])
    which = f"series {ids.kinds[ids.codes[first]]!r}, " if ids.name else ""
    hint = "" if ids.name else "; a long table of several series needs the column of their ids"
    if when.calendar and not when.written.zone and _is_clock_change(ticks[twice]):
        hint = "; clocks are put back then: give times with their offset, or in UTC"
    raise BadInput(
        f"{which}{when.name}: expected each time once, got {when.told[second]} in line {line(first)} and "
        f"line {line(second)}, {len(twice)} such rows in all{hint}"
    )


def _is_clock_change(ticks: np.ndarray) -> bool:
    """Whether all are in the hours of a Sunday in autumn in which clocks are put back."""
    here = local(ticks, "")
    month = here.month % 12 + 1
    sunday = (here.day + 3) % 7 == 6
    return bool((sunday & np.isin(month, (4, 9, 10, 11)) & (here.clock < 4 * 3600 * times.SECOND)).all())


def _check_finite(values: np.ndarray, ids: Ids, parts: list[np.ndarray], line: Callable[[int], int]) -> None:
    if not np.isinf(values).any():
        return
    for part in parts:
        wrong = np.argwhere(np.isinf(values[part]))
        if len(wrong):
            row = int(part[wrong[0, 0]])
            which = f"series {ids.kinds[ids.codes[row]]!r}: " if ids.name else ""
            raise BadInput(f"{which}row {wrong[0, 0] + 1} is infinite (line {line(row)})")


def _grids(when: Moments, order: np.ndarray, codes: np.ndarray, parts: list[np.ndarray]) -> Grids:
    ticks, step = when.ticks[order], 0.0
    exact: list[np.ndarray] = []
    clock = clock_of(ticks, codes, when.written) if when.calendar else None
    if clock is not None:
        exact = [places(when.ticks[part], clock) for part in parts]
    elif not when.calendar:
        steps = np.diff(ticks)[codes[1:] == codes[:-1]]
        values, counts = np.unique(np.round(steps, 9), return_counts=True)
        if len(values):
            step = float(values[counts.argmax()])
            exact = [(when.ticks[part] - when.ticks[part[0]]) / step for part in parts]
    even = [np.arange(len(part)) for part in parts]
    if not exact:
        return Grids(None, even, ["a single row has no step, so rows are numbered"] * when.calendar)
    grids = [np.rint(one).astype(np.int64) for one in exact]
    off = max(float(np.abs(one - grid).max()) for one, grid in zip(exact, grids, strict=True))
    rows, full = len(order), sum(int(grid[-1]) + 1 for grid in grids)
    if off > NEAR or any((np.diff(grid) < 1).any() for grid in grids):
        return Grids(
            None,
            even,
            [f"times are uneven{_usual(when, clock)}: rows are taken one after another, not resampled"],
        )
    if full > MOST * rows:
        words = (
            f"with a step{_usual(when, clock)} there would be {full:,} rows: rows are taken one after another"
        )
        return Grids(None, even, [words])
    if off > 1e-6 and clock is not None:
        return Grids(clock, grids, [f"times lie up to {off:.0%} of a step beside it"])
    return Grids(clock, grids, [], step)


def _again(when: Moments, parts: list[np.ndarray], earlier: Earlier, line: Callable[[int], int]) -> Grids:
    """By the clock, or the step, of an earlier table. Raises BadInput for a row that lies beside a step."""
    clock, step = earlier.clock, earlier.form.step
    if clock is not None and not when.calendar:
        raise BadInput(f"{when.name}: expected times, as in training, got {when.told[0]!r} in line {line(0)}")
    if clock is None and not step:
        return Grids(None, [np.arange(len(part)) for part in parts], [])
    if clock is not None:
        exact = [places(when.ticks[part], clock) for part in parts]
    else:
        exact = [(when.ticks[part] - when.ticks[part[0]]) / step for part in parts]
    grids = [np.rint(one).astype(np.int64) for one in exact]
    for part, one, grid in zip(parts, exact, grids, strict=True):
        wrong = np.flatnonzero((np.abs(one - grid) > NEAR) | (np.diff(grid, prepend=-1) < 1))
        if len(wrong):
            row = int(part[wrong[0]])
            raise BadInput(
                f"line {line(row)}, {when.name}: expected times every {clock or f'{step:g}'}, as in "
                f"training, got {when.told[row]} behind {when.told[int(part[max(wrong[0] - 1, 0)])]}"
            )
    rows, full = sum(map(len, parts)), sum(int(grid[-1]) + 1 for grid in grids)
    if full > max(MOST * rows, LEAST):
        raise BadInput(
            f"{when.name}: with the step of training, {clock or f'{step:g}'}, there would be {full:,} rows"
        )
    return Grids(clock, grids, [], step)


def _usual(when: Moments, clock: Clock | None) -> str:
    return f", mostly every {clock}" if clock else ""


def _filled(ticks: np.ndarray, grid: np.ndarray, clock: Clock | None) -> np.ndarray | None:
    """The times of all rows, with those that are missing."""
    if clock is None:
        return None
    if int(grid[-1]) + 1 == len(grid):
        return ticks
    whole = np.append(ticks[:1], clock.after(int(ticks[0]), int(grid[-1])))
    whole[grid] = ticks
    return whole
