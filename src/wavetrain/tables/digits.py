"""What counts rows or time in numbers: row numbers, days and Unix time in digits, columns of the calendar."""

import re
from collections.abc import Sequence

import numpy as np

from wavetrain.tables import times

CALENDAR = ("year", "month", "day", "hour", "minute", "second")
ID = re.compile(r"(?i:(.*[\W_])?id)|.*[a-z]I[dD]")  # not acid, grid, humid
TIMELIKE = re.compile(
    r"|(.*[\W_])?(time|date|datetime|timestamp|ts|t|index|step|row|no|nr|year|unix|epoch)\W*", re.I
)
COMPACT = {6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
UNIX = {1: "s", 1e3: "ms", 1e6: "µs", 1e9: "ns"}  # units of a second
SINCE, UNTIL = 3.1e8, 4.1e9  # seconds since 1970: from 1979 to 2099
YEARS = (1000, 2200)  # that are years beyond doubt, in a column of that name or before month and day
EVEN = 1e-3  # of a step, by which written numbers may be off


def are_days(told: Sequence[str]) -> bool:
    """Whether all are days in eight digits or more, 20200101: beyond doubt, in whatever order."""
    return all(len(cell) >= 8 and compact(cell) is not None for cell in told)


def is_even(column: np.ndarray) -> bool:
    """Whether the numbers, in order, are as far apart from each other throughout: they count."""
    steps = steps_of(np.sort(column))
    if not len(steps) or not np.isfinite(steps).all():
        return False
    return bool(steps[0] > 0 and np.abs(steps - steps.mean()).max() < EVEN * steps.mean())


def compact(cell: str) -> int | None:
    """Microseconds since 1970 of a day in digits alone: 20200101, 202001, 2020010112."""
    form = COMPACT.get(len(cell))
    if form is None or not cell.isdecimal() or not YEARS[0] <= int(cell[:4]) <= YEARS[1]:
        return None
    return at(*(int(part) for part in re.findall("^....|..", cell)))


def moment_of(parts: dict[str, float]) -> int | None:
    """Microseconds since 1970 of a year, a month and what else there is."""
    if any(part != round(part) for part in parts.values()):
        return None
    return at(*(int(parts.get(unit, 1 if unit == "day" else 0)) for unit in CALENDAR))


def at(*parts: int) -> int | None:
    year, month, day, *clock = (*parts, *(1, 1)[len(parts) - 1 :]) if len(parts) < 3 else parts
    hour, minute, second = (*clock, 0, 0, 0)[:3]
    if not (
        1 <= month <= 12 and 1 <= day <= 31 and 0 <= hour <= 24 and 0 <= minute < 60 and 0 <= second <= 60
    ):
        return None
    try:
        days = int(np.datetime64(f"{year:04d}-{month:02d}-{day:02d}").astype(np.int64))
    except ValueError:
        return None
    return days * times.DAY + (3600 * hour + 60 * minute + second) * times.SECOND


def steps_of(values: np.ndarray) -> np.ndarray:
    """Differences of numbers in a row; infinite between those that are too large to be told apart.

    >>> from wavetrain.tables.digits import steps_of
    >>> steps_of(np.array([1e308, -1e308, -1e308]))
    array([-inf,   0.])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.diff(values)
