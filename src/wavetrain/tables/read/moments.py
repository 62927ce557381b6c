"""A column of times as moments, its zone and its form: dates of frames and spreadsheets, text, digits.

Times with a zone are moments in UTC. Where text has offsets that change as clocks are put forward and back,
a zone is taken that has the same ones, so that what follows has them, too.
"""

import datetime
import functools
import re
import zoneinfo
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables import times
from wavetrain.tables.clock import DAY
from wavetrain.tables.digits import COMPACT, SINCE, TIMELIKE, UNIX, UNTIL, YEARS, compact
from wavetrain.tables.read.steps import MILLISECOND, Written
from wavetrain.tables.read.table import WORDS, Lines, Table

if TYPE_CHECKING:
    import pandas as pd

ISO = r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?"
MANY = 1000  # cells from which on pandas reads them at once
SERIAL = (20_000, 80_000)  # days since 1899-12-30, as spreadsheets count them: from 1954 to 2119
EPOCH = 25_569  # 1970 among them
DATED = re.compile(r"(.*[\W_])?(date|time|day|datetime|timestamp)\W*", re.IGNORECASE)
YEAR = re.compile(r"(.*[\W_])?(year|yr)\W*", re.IGNORECASE)
USUAL = (  # zones that are taken before others with the same offsets
    *("Europe/Berlin", "Europe/London", "Europe/Helsinki", "America/New_York", "America/Chicago"),
    *("America/Denver", "America/Los_Angeles", "Australia/Sydney", "America/Sao_Paulo", "Asia/Jerusalem"),
)


class Moments(NamedTuple):
    """When the rows are."""

    name: str  # of the column, or columns
    ticks: np.ndarray  # (rows,) microseconds since 1970 in UTC; plain numbers where `calendar` is not set
    told: np.ndarray | Sequence[str]  # (rows,) as it is written
    calendar: bool = True
    written: Written = Written()
    doubt: str = ""  # which of two readings was taken


def moments(table: Table, name: str, clock: str = "", usual: str = "") -> Moments | None:
    """Of one column, with the time of day from another; None for one that holds no times.

    Where text can be read in several forms, it is in the `usual` one.
    """
    column = table.frame[name]
    if column.dtype.kind == "M" or hasattr(column.dtype, "tz"):
        return _stamps(table, name, column)
    if hasattr(column.dtype, "freq"):  # of periods
        return _stamps(table, name, column.dt.to_timestamp())
    if column.dtype == object and (found := _objects(table, name)) is not None and not clock:
        return found
    if column.dtype.kind in "iufb":
        return None
    if not clock and (found := _iso(name, column)) is not None:
        return found
    told = table.texts(name)
    if clock:
        told = np.array(
            [
                f"{day.removesuffix(' 00:00:00')} {time}"
                for day, time in zip(told, table.texts(clock), strict=True)
            ],
            dtype=object,
        )
    return _written(table, ", ".join([name, clock]) if clock else name, told, usual)


def _stamps(table: Table, name: str, column: "pd.Series") -> Moments:
    """Of a column of timestamps."""
    zone = _zone_name(str(getattr(column.dtype, "tz", None) or ""))
    _check_known(table, name, column.isna().to_numpy())
    if zone:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    ticks = column.to_numpy().astype("datetime64[us]").astype(np.int64)
    if table.spreadsheet:
        ticks = _to_milliseconds(ticks)
    return Moments(name, ticks, _iso_texts(ticks), written=Written(zone))


def _objects(table: Table, name: str) -> Moments | None:
    """Of a column of dates and times that Python made."""
    import pandas as pd

    column = table.frame[name]
    known = column.dropna()
    if not len(known) or not all(isinstance(cell, datetime.date) for cell in known):
        return None
    aware = {getattr(cell, "tzinfo", None) is not None for cell in known}
    if len(aware) > 1:
        raise BadInput(f"{name}: expected times with a time zone or without one throughout, got both")
    zones = {str(getattr(cell, "tzinfo", None) or "") for cell in known}
    stamps = pd.to_datetime(column, utc=True)
    if aware == {False}:
        return _stamps(table, name, stamps.dt.tz_localize(None))
    found = _stamps(table, name, stamps)
    return found._replace(written=Written(_zone_name(zones.pop()) if len(zones) == 1 else "UTC"))


def _iso(name: str, column: "pd.Series") -> Moments | None:
    """Of a column in ISO 8601 throughout, which pandas reads at once."""
    import pandas as pd

    match = re.fullmatch(ISO, str(column.iloc[0]).strip()) if len(column) else None
    if match is None:
        return None
    text = column.astype("str").str.strip()
    length = len(match.group(0))
    if not (text.str.len() == length).all():
        return None
    try:
        form = "%Y-%m-%d" + match[2] + "%H:%M" + ":%S" * bool(match[3]) + ".%f" * bool(match[5])
        stamps = pd.to_datetime(text, format=form + "%z" * bool(match[6]), utc=True)
    except ValueError:
        return None  # is read cell by cell, which says where it is wrong
    ticks = stamps.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    zone, form = _offsets(text, ticks, form, match[6] or "")
    return Moments(name, ticks, text.array, written=Written(zone, form))


def _written(table: Table, name: str, told: np.ndarray, usual: str) -> Moments | None:
    """Of a column of text in any usual form."""
    import pandas as pd

    if len(told) >= MANY and _may_be_times(told):
        alike = times.at_once(told.tolist(), usual)
        if alike is not None:
            return _of_reading(name, told, alike.moments, alike, str(told[0]))
    codes, cells = pd.factorize(told)
    if not len(cells) or not _may_be_times(cells):
        return None
    kept = ~np.isin(np.char.lower(cells.astype(str)), WORDS)
    first = np.unique(codes, return_index=True)[1]
    if kept.any():
        found = times.reading(name, cells[kept].tolist(), Lines(table.line, first[kept]), usual)
        if found is not None:
            _check_known(table, name, ~kept[codes])
            ticks = found.moments[(np.cumsum(kept) - 1)[codes]]
            return _of_reading(name, told, ticks, found, str(cells[kept][0]))
    return None


def _of_reading(name: str, told: np.ndarray, ticks: np.ndarray, found: times.Reading, first: str) -> Moments:
    zone, form = _offsets(told, ticks, found.form, _zone_in(first))
    doubt = f"read as {_plain(found.form)}, not {_plain(found.rival)}" if found.rival else ""
    return Moments(name, ticks, told, written=Written(zone, form), doubt=doubt)


def _may_be_times(cells: np.ndarray) -> bool:
    some = [str(cells[place]) for place in np.linspace(0, len(cells) - 1, min(len(cells), 20)).astype(int)]
    return sum(times.is_time(cell) for cell in some) > len(some) / 2


def _plain(form: str) -> str:
    """A form as people say it: day.month.year."""
    words = {"%d": "day", "%m": "month", "%Y": "year", "%y": "year", "%b": "month", "%B": "month"}
    day = form.split(" %H")[0].split("T%H")[0].split(" %I")[0]
    return re.sub("%[a-zA-Z]", lambda found: words.get(found[0], found[0]), day)


def _zone_in(cell: str) -> str:
    match = re.search(r":\d\d.*?(Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)$", cell)
    return match[1] if match else ""


def _offsets(told: Iterable[str], ticks: np.ndarray, form: str, zone: str) -> tuple[str, str]:
    """The zone that times are written in, and their form with it."""
    if not zone:
        return "", form
    if zone[0] not in "+-":
        return "UTC", form if form.endswith(zone) else form + zone
    ends = [str(one)[-len(zone) :] for one in told]
    each = {end: _offset(end) for end in set(ends)}
    offsets = np.array([each[end] for end in ends])
    form = form if form.endswith("z") else form + ("%z" if len(zone) == 5 else "%:z")
    if (offsets == offsets[0]).all():
        sign, minutes = "-" if offsets[0] < 0 else "+", abs(int(offsets[0]))
        return f"{sign}{minutes // 60:02}:{minutes % 60:02}", form
    order = np.argsort(ticks, kind="stable")
    turns = np.flatnonzero(np.diff(offsets[order]))
    some = order[np.unique([0, *turns, *(turns + 1), len(order) - 1])]
    return _zone_with(tuple(ticks[some].tolist()), tuple(offsets[some].tolist())), form


@functools.cache
def _zone_with(ticks: tuple[int, ...], offsets: tuple[int, ...]) -> str:
    """A zone whose clocks are so many minutes ahead of UTC at those times; UTC where there is none."""
    rest = sorted(zoneinfo.available_timezones() - set(USUAL))
    for name in (*USUAL, *(one for one in rest if "/" in one)):
        zone = zoneinfo.ZoneInfo(name)
        there = (datetime.datetime.fromtimestamp(tick / 1e6, zone).utcoffset() for tick in ticks)
        if all(
            one is not None and one == datetime.timedelta(minutes=minutes)
            for one, minutes in zip(there, offsets, strict=True)
        ):
            return name
    return "UTC"


def _offset(zone: str) -> int:
    """Minutes ahead of UTC."""
    if zone[:1] not in ("+", "-"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (60 * int(digits[:2]) + int(digits[2:])) * (-1 if zone[0] == "-" else 1)


def _zone_name(name: str) -> str:
    """As `Clock.zone` has it: UTC+02:00 is +02:00."""
    return name[3:] if re.fullmatch(r"UTC[+-]\d\d:\d\d", name) else name


def counted(table: Table, name: str, asked: bool = False) -> Moments | None:
    """Of a column of numbers that count days, seconds or rows; where it is not `asked` for, beyond doubt."""
    called = asked or bool(TIMELIKE.fullmatch(name))
    if table.frame[name].dtype.kind not in "iuf":
        told = table.texts(name)
        if all(cell.isdecimal() and len(cell) in COMPACT for cell in told[:100]) and (
            called or DATED.fullmatch(name) or (np.char.str_len(told.astype(str)) >= 8).all()
        ):
            days = [compact(cell) for cell in told]
            if None not in days:
                form = COMPACT[len(told[0])]
                return Moments(name, np.array(days, np.int64), told, written=Written(form=form))
    numbers = _numbers(table, name)
    if numbers is None or not (called or DATED.fullmatch(name)):
        return None
    found = _ticks(table, name, numbers)
    if found is not None:
        ticks, form = found
        return Moments(name, ticks, table.texts(name), written=Written(form=form))
    return None


def _ticks(table: Table, name: str, numbers: np.ndarray) -> tuple[np.ndarray, str] | None:
    """Years, Unix time or the days of a spreadsheet as microseconds since 1970, and their form."""
    whole = bool((numbers == numbers.round()).all())
    if whole and YEAR.fullmatch(name) and ((YEARS[0] <= numbers) & (numbers <= YEARS[1])).all():
        years = (numbers - 1970).astype(np.int64).astype("datetime64[Y]")
        return years.astype("datetime64[us]").astype(np.int64), "%Y"
    for second in UNIX:
        if ((SINCE * second < numbers) & (numbers < UNTIL * second)).all():
            return (numbers / second * times.SECOND).round().astype(np.int64), ""
    dated = table.spreadsheet or DATED.fullmatch(name)
    if dated and ((SERIAL[0] <= numbers) & (numbers <= SERIAL[1])).all():
        return _to_milliseconds(((numbers - EPOCH) * DAY).round().astype(np.int64)), ""
    return None


def _numbers(table: Table, name: str) -> np.ndarray | None:
    """A column as finite numbers; None for one that holds others."""
    try:
        numbers = np.array(table.frame[name], dtype=np.float64)
    except (ValueError, TypeError):
        return None
    return numbers if len(numbers) and np.isfinite(numbers).all() else None


def row_numbers(table: Table, name: str) -> Moments | None:
    """Of a column of finite numbers, whatever they count."""
    numbers = _numbers(table, name)
    return None if numbers is None else Moments(name, numbers, table.texts(name), calendar=False)


def _check_known(table: Table, name: str, missing: np.ndarray) -> None:
    if missing.any():
        row = int(missing.argmax())
        raise BadInput(f"line {table.line(row)}, {name}: expected a time, got none")


def _to_milliseconds(ticks: np.ndarray) -> np.ndarray:
    return (ticks + MILLISECOND // 2) // MILLISECOND * MILLISECOND


def _iso_texts(ticks: np.ndarray) -> np.ndarray:
    return np.datetime_as_string(ticks.astype("datetime64[us]"), unit="s")
