"""The step of a series in the calendar: what time comes next, and how times are written.

A step is a count of a unit. Hours and what is shorter are added in UTC, so that an hour is an hour when
clocks are changed; days and what is longer are added to the date, at the same time of the local day. Months,
quarters and years keep the day of the month that the series has, or the last day of each month where it has
that; working days leave out Saturdays and Sundays.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np

from wavetrain.errors import BadInput

SECOND = 10**6  # times are microseconds since 1970 in UTC
DAY = 86_400 * SECOND
FIXED = {"microsecond": 1, "second": SECOND, "minute": 60 * SECOND, "hour": 3600 * SECOND}
DAYS = {"day": 1, "week": 7}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
UNITS = (*FIXED, *DAYS, "working day", *MONTHS)


@dataclass(frozen=True)
class Clock:
    """One step of a series, and how its times are written.

    >>> from wavetrain.tables.clock import Clock, moment
    >>> Clock(1, "month", end=True).told(Clock(1, "month", end=True).after(moment("2023-03-31"), 2))
    ['2023-04-30', '2023-05-31']
    """

    count: int  # of the unit, in one step
    unit: str  # one of UNITS
    end: bool = False  # of months and longer: whether it is their last day
    day: int = 0  # of months and longer: the day of the month; 0 takes that of the last time known
    zone: str = ""  # of the input: Europe/Oslo, +02:00, UTC; empty where it names none
    form: str = (
        ""  # of datetime.strftime, with %q (quarter), %:z; empty: the day, and the clock if not midnight
    )

    def __post_init__(self) -> None:
        if self.unit not in UNITS or self.count < 1:
            raise BadInput(f"expected a count of {', '.join(UNITS)}; got {self.count} {self.unit!r}")

    def __str__(self) -> str:
        return self.unit if self.count == 1 else f"{self.count} {self.unit}s"

    def after(self, last: int, steps: int) -> np.ndarray:
        """The next times (steps,) after a time, microseconds since 1970 in UTC."""
        ahead = self.count * np.arange(1, steps + 1)
        if self.unit in FIXED:
            return last + ahead.astype(np.int64) * FIXED[self.unit]
        day, clock = self._local(last)
        if self.unit in DAYS:
            days = [day + timedelta(days=int(one) * DAYS[self.unit]) for one in ahead]
            return np.array([self._utc(one, clock) for one in days], np.int64)
        if self.unit == "working day":
            later = np.busday_offset(np.datetime64(day, "D"), ahead, roll="backward").tolist()
            return np.array([self._utc(one, clock) for one in later], np.int64)
        months = 12 * day.year + day.month - 1 + ahead * MONTHS[self.unit]
        return np.array([self._utc(self._in(int(month), day), clock) for month in months], np.int64)

    def later(self, last: int, steps: int) -> int:
        """The time so many steps after another."""
        if self.unit in FIXED:
            return last + steps * self.count * FIXED[self.unit]
        return int(self.after(last, steps)[-1])

    def between(self, before: int, time: int) -> float:
        """Steps from one time to another, both in microseconds since 1970 in UTC; not whole beside a step.

        >>> from wavetrain.tables.clock import Clock, moment
        >>> Clock(1, "month").between(moment("2023-11-30"), moment("2024-02-29"))
        3.0
        """
        if self.unit in FIXED:
            return (time - before) / (self.count * FIXED[self.unit])
        (first, begins), (last, ends) = self._local(before), self._local(time)
        if self.unit in DAYS:
            steps = (last - first).days / (self.count * DAYS[self.unit])
        elif self.unit == "working day":
            steps = float(np.busday_count(first, last))
        else:
            months = 12 * (last.year - first.year) + last.month - first.month
            steps = months / (self.count * MONTHS[self.unit])
        return steps + (ends - begins) / timedelta(days=1)

    def told(self, times: np.ndarray) -> list[str]:
        """Times as the input writes them, in its own zone."""
        local = [self._at(int(one)) for one in times]
        if self.form:
            return [_written(one, self.form) for one in local]
        midnight = all(not (one.hour or one.minute or one.second or one.microsecond) for one in local)
        if midnight and not self.zone:
            return [one.date().isoformat() for one in local]
        return [(one if self.zone else one.replace(tzinfo=None)).isoformat(" ") for one in local]

    def _in(self, month: int, day: date) -> date:
        """The day of a month, counted from the year 0, that is meant by the day of another."""
        year, month = divmod(month, 12)
        longest = calendar.monthrange(year, month + 1)[1]
        return date(year, month + 1, longest if self.end else min(self.day or day.day, longest))

    def _at(self, time: int) -> datetime:
        moment_ = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
        return moment_.astimezone(zone_of(self.zone)) if self.zone else moment_

    def _local(self, time: int) -> tuple[date, timedelta]:
        there = self._at(time)
        midnight = there.replace(hour=0, minute=0, second=0, microsecond=0)
        return there.date(), there.replace(tzinfo=None) - midnight.replace(tzinfo=None)

    def _utc(self, day: date, clock: timedelta) -> int:
        there = (
            datetime(day.year, day.month, day.day, tzinfo=zone_of(self.zone) if self.zone else UTC) + clock
        )
        return (there - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moment(text: str) -> int:
    """Microseconds since 1970 in UTC of a time in the form of ISO 8601.

    >>> from wavetrain.tables.clock import moment
    >>> moment("1970-01-02")
    86400000000
    """
    there = datetime.fromisoformat(text)
    there = there.replace(tzinfo=UTC) if there.tzinfo is None else there
    return (there - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _written(one: datetime, form: str) -> str:
    offset = one.strftime("%z")
    form = form.replace("%:z", f"{offset[:3]}:{offset[3:5]}").replace("%q", str((one.month + 2) // 3))
    return one.strftime(form)


def zone_of(name: str) -> ZoneInfo | timezone:
    if name[:1] in "+-":
        sign = -1 if name[0] == "-" else 1
        hours, _, minutes = name[1:].partition(":")
        return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes or 0)))
    return ZoneInfo(name)
