"""Times as people write them: days, months, quarters, clocks of 12 and 24 hours, time zones.

One form is taken for a whole column, never one for each row: 03/04/2020 is in March or in April throughout.
Where several forms read all of it, the one whose steps are most even is taken. Times with a zone are brought
to UTC, so the hour that a clock shows twice in autumn is two hours.
"""

import functools
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np

from wavetrain.errors import BadInput

SECOND = 10**6  # times are counted in microseconds since 1970
DAY = 86_400 * SECOND
CELL = re.compile(
    r"(?P<day>.*?)"
    r"(?:(?:^|T|,?\s+)"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.DOTALL,
)
QUARTERS = re.compile(r"(?P<year>\d{4})[ -]?Q(?P<quarter>[1-4])|Q([1-4])[ -]?(\d{4})")
QUARTER = "%YQ%q"
FORMS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m.%d.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d %m %Y"),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y"),
    *("%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y"),
    *("%b %Y", "%B %Y", "%b-%Y", "%B-%Y", "%b-%y", "%b %y", "%Y %b", "%Y %B", "%Y-%b"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d-%B-%Y", "%d. %B %Y", "%d%b%Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%b-%d-%Y", "%a, %d %b %Y", "%a %b %d %Y"),
    "%G-W%V-%u",
)
LONGEST = 64  # characters of a time
SAMPLE = 100  # cells by which the forms of many are found
MISSED = 0.1  # share of cells that a column of times may have wrong, and still be told so


class Reading(NamedTuple):
    """A column of times, and how it is written."""

    moments: np.ndarray  # (rows,) microseconds since 1970 in UTC
    form: str  # of `Clock.form`, which writes it so again
    rival: str  # another form that reads all of it and says other days; empty where there is none


def is_time(cell: str) -> bool:
    """Whether it is a day or month in some form, with a clock or without; a number is none."""
    parts = _parts(cell)
    if parts is None or not parts["day"] or _is_number(cell):
        return False
    return any(reader(parts["day"]) is not None for reader in _forms().values())


def is_clock(cell: str) -> bool:
    """Whether it is a time of day alone."""
    parts = _parts(cell)
    return bool(parts and not parts["day"] and parts["hour"])


def read(name: str, cells: Sequence[str], lines: Sequence[int]) -> np.ndarray | None:
    """Microseconds since 1970 of a column, (rows,); None for one that is no column of times.

    Raises BadInput with the line where most cells are times and one is not.
    """
    found = reading(name, cells, lines)
    return None if found is None else found.moments


def reading(name: str, cells: Sequence[str], lines: Sequence[int], usual: str = "") -> Reading | None:
    """The same, with the form that was taken: that of an earlier table, `usual`, where it reads all."""
    parts = [_parts(cell) for cell in cells]
    days = [part["day"] if part else "" for part in parts]
    kinds = dict.fromkeys(days)
    some = [next(iter(kinds)), days[len(days) // 2], days[-1]]
    whole: dict[str, np.ndarray] = {}  # days since 1970, of each form that reads all
    missed: list[int] = []  # of the first form that reads most
    for form, reader in _forms().items():
        if all(reader(day) is None for day in some):
            continue
        read = {day: reader(day) for day in kinds}
        bad = [place for place, day in enumerate(days) if read[day] is None]
        if not bad:
            whole[form] = np.array([read[day] for day in days], np.int64)
        elif len(bad) <= MISSED * len(days):
            missed = missed or bad
    if not whole:
        if not missed:
            return None
        place = missed[0]
        raise BadInput(
            f"line {lines[place]}, {name}: expected a time like the others, got {cells[place][:40]!r}"
        )
    clock = _clock(name, cells, parts, lines)
    longest = parts[max(range(len(cells)), key=lambda place: len(cells[place]))]
    assert longest is not None
    return _chosen({form: one * DAY + clock for form, one in whole.items()}, longest, usual)


def at_once(cells: Sequence[str], usual: str = "") -> Reading | None:
    """The same of many cells that are all written alike, by pandas; None where they are not.

    None, too, where pandas 2 cannot hold them: before 1677 and after 2262.

    >>> from wavetrain.tables import times
    >>> times.at_once(["13/01/1970 06:00", "14/01/1970 06:00"]).form
    '%d/%m/%Y %H:%M'
    """
    import pandas as pd

    longest = _parts(max(cells, key=len))
    few = {cells[len(cells) * place // SAMPLE] for place in range(SAMPLE)} | {cells[-1]}
    parts = [_parts(cell) for cell in few]
    if longest is None or None in parts or not longest["day"]:
        return None
    days = [part["day"] for part in parts if part]
    forms = [
        form
        for form, reader in _forms().items()
        if all(reader(day) is not None for day in (longest["day"], *days))
    ]
    if not set(forms).isdisjoint(("%Y%m%d", QUARTER)):
        return None  # which pandas reads in a way of its own, or not at all
    column, moments = pd.Series(cells, dtype="str"), {}
    for form in forms:
        try:
            stamps = pd.to_datetime(column, format=written(form, longest).replace("%:z", "%z"), utc=True)
        except ValueError:
            continue
        moments[form] = stamps.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    return _chosen(moments, longest, usual) if moments else None


def _chosen(moments: dict[str, np.ndarray], longest: re.Match[str], usual: str) -> Reading:
    """Among forms that read all of a column, the usual one or the one with the most even steps."""
    same = [form for form in moments if usual == form or usual.startswith((f"{form} ", f"{form}T"))]
    best = same[0] if same else min(moments, key=lambda form: _unevenness(moments[form]))
    rivals = [form for form, one in moments.items() if not same and (one != moments[best]).any()]
    return Reading(moments[best], written(best, longest), rivals[0] if rivals else "")


def written(form: str, parts: re.Match[str]) -> str:
    """How a cell is written, of which the day is in a form, as `Clock.form` says it."""
    cell = parts.string
    if form == QUARTER:
        match = QUARTERS.fullmatch(parts["day"].strip())
        assert match is not None
        text = parts["day"].strip().replace(match[4 if match[4] else 1], "%Y")
        form = re.sub(r"Q\d", "Q%q", text)
    if not parts["hour"]:
        return form
    between = cell[parts.end("day") : parts.start("hour")]
    clock = ("%I" if parts["half"] else "%H") + ":%M" + ":%S" * bool(parts["second"])
    clock += ".%f" * bool(parts["fraction"]) + " %p" * bool(parts["half"])
    zone = parts["zone"] or ""
    space = " " * (bool(zone) and cell[parts.start("zone") - 1] == " ")
    return form + between + clock + space + _zone_form(zone)


def _zone_form(zone: str) -> str:
    if zone[:1] not in ("+", "-"):
        return zone
    return "%z" if len(zone) == 5 else "%:z"


def _parts(cell: str) -> re.Match[str] | None:
    return CELL.fullmatch(cell) if len(cell) <= LONGEST else None


def _clock(
    name: str, cells: Sequence[str], parts: Sequence[re.Match[str] | None], lines: Sequence[int]
) -> np.ndarray:
    """Microseconds since midnight in UTC of the day that is written, (rows,)."""
    zones = {bool(part and part["zone"]) for part in parts}
    if len(zones) > 1:
        raise BadInput(f"{name}: expected times with a time zone or without one throughout, got both")
    clock = np.zeros(len(parts), np.int64)
    for place, part in enumerate(parts):
        if part and part["hour"]:
            moment = _moment(part)
            if moment is None:
                raise BadInput(
                    f"line {lines[place]}, {name}: expected a time of day, got {cells[place][:40]!r}"
                )
            clock[place] = moment
    return clock


def _moment(part: re.Match[str]) -> int | None:
    hour, minute, second = (int(part[unit] or 0) for unit in ("hour", "minute", "second"))
    if part["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (part["half"][0] in "pP")
    if minute > 59 or second > 60 or hour > 24 or (hour == 24 and minute + second):
        return None
    east = part["zone"] or ""
    minutes = 0
    if east[:1] in ("+", "-"):
        digits = east[1:].replace(":", "").ljust(4, "0")
        minutes = (60 * int(digits[:2]) + int(digits[2:])) * (1 if east[0] == "+" else -1)
    fraction = int((part["fraction"] or "")[:6].ljust(6, "0"))
    return (3600 * hour + 60 * (minute - minutes) + second) * SECOND + fraction


def _unevenness(moments: np.ndarray) -> float:
    """The longest step over the shortest, in order and without what is there twice."""
    steps = np.diff(np.unique(moments))
    return float(steps.max() / steps.min()) if len(steps) else 1.0


@functools.cache
def _forms() -> dict[str, Callable[[str], int | None]]:
    """Readers of days by their form, each to the days since 1970 or None."""
    return {QUARTER: _quarter, **{form: functools.partial(_day, form=form) for form in FORMS}}


def _day(text: str, form: str) -> int | None:
    try:
        return (datetime.strptime(text.strip(), form).date() - date(1970, 1, 1)).days
    except ValueError:
        return None


def _quarter(text: str) -> int | None:
    match = QUARTERS.fullmatch(text.strip())
    if match is None:
        return None
    year, quarter = (match[1], match[2]) if match[1] else (match[4], match[3])
    return (date(int(year), 3 * int(quarter) - 2, 1) - date(1970, 1, 1)).days


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def span(steps: float) -> str:
    """A length of time in words: 3 days, 15 min, 0.5 s."""
    for unit, size in (("day", DAY), ("h", 3600 * SECOND), ("min", 60 * SECOND)):
        if steps >= size:
            return f"{steps / size:.4g} {unit}" + ("s" if unit == "day" and steps != size else "")
    return f"{steps / SECOND:.4g} s"
