"""The clock of a table: the step that its times take most often, in the calendar.

Days and what is longer are counted in the zone of the table, so that a day on which clocks are changed is a
day; months keep their day or their end. The step is the commonest one, never a common divisor: a month that
is missing makes no series of days.
"""

from typing import NamedTuple

import numpy as np

from wavetrain.tables.clock import DAY, DAYS, FIXED, MONTHS, Clock, zone_of

NEAR = 0.1  # of a step: how far a time may lie off it and still be meant
MILLISECOND = 1000


class Written(NamedTuple):
    """How a table writes its times."""

    zone: str = ""
    form: str = ""


class Local(NamedTuple):
    """Times as clocks and calendars at their place show them."""

    day: np.ndarray  # (rows,) days since 1970
    clock: np.ndarray  # (rows,) microseconds since midnight
    month: np.ndarray  # (rows,) months since 1970
    of_month: np.ndarray  # (rows,) day of the month
    longest: np.ndarray  # (rows,) days that the month has


def local(times: np.ndarray, zone: str) -> Local:
    """Microseconds since 1970 in UTC, as they are told in a zone."""
    import pandas as pd

    there: pd.DatetimeIndex = pd.DatetimeIndex(times.astype("datetime64[us]"))
    if zone:
        there = there.tz_localize("UTC").tz_convert(zone_of(zone)).tz_localize(None)
    walls = there.to_numpy().astype("datetime64[us]").astype(np.int64)
    days = walls // DAY
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    first = months.astype("datetime64[D]")
    longest = ((months + 1).astype("datetime64[D]") - first).astype(np.int64)
    return Local(
        days, walls - days * DAY, months.astype(np.int64), (dates - first).astype(np.int64) + 1, longest
    )


def clock_of(times: np.ndarray, series: np.ndarray, written: Written) -> Clock | None:
    """The step of times (rows,) that rise within each series; None where no series has two rows."""
    inside = series[1:] == series[:-1]
    if not inside.any():
        return None
    here = local(times, written.zone)
    first = np.maximum.accumulate(np.where(np.append(True, ~inside), np.arange(len(times)), 0))
    if (here.clock == here.clock[first]).all():
        found = _calendar(here, first, inside, written)
        if found is not None:
            return found
    step = _commonest(np.diff(times)[inside])
    unit = next(unit for unit in reversed(FIXED) if step % FIXED[unit] == 0)
    return Clock(step // FIXED[unit], unit, zone=written.zone, form=written.form)


def _calendar(here: Local, first: np.ndarray, inside: np.ndarray, written: Written) -> Clock | None:
    days = np.diff(here.day)[inside]
    step = _commonest(days)
    months = np.diff(here.month)[inside]
    if step >= 28 and (months > 0).all():
        anchor = _anchor(here, first)
        if anchor is not None:
            count = _commonest(months)
            unit = "year" if count % 12 == 0 else "quarter" if count % 3 == 0 else "month"
            end, day = anchor
            return Clock(count // MONTHS[unit], unit, end=end, day=day, zone=written.zone, form=written.form)
    working = bool(np.is_busday(here.day.astype("datetime64[D]")).all())
    if step == 1 and working and ((here.day[:-1] + 3) % 7 > (here.day[1:] + 3) % 7)[inside].any():
        return Clock(1, "working day", zone=written.zone, form=written.form)
    unit, count = ("week", step // 7) if step % 7 == 0 else ("day", step)
    return Clock(count, unit, zone=written.zone, form=written.form) if step else None


def _anchor(here: Local, first: np.ndarray) -> tuple[bool, int] | None:
    """Whether months are told by their end, and by which day; None where neither fits."""
    day = here.of_month
    if (day == day[first]).all():
        latest = int(day.max())
        return False, latest if latest > 28 and (day == latest).all() else 0
    if (day == here.longest).all():
        return True, 0
    latest = int(day.max())
    if latest > 28 and (day == np.minimum(latest, here.longest)).all():
        return False, latest
    return None


def _commonest(steps: np.ndarray) -> int:
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()])


def places(times: np.ndarray, clock: Clock) -> np.ndarray:
    """How many steps each time (rows,) of one series lies behind the first; not whole where it is off."""
    if clock.unit in FIXED:
        return (times - times[0]) / (clock.count * FIXED[clock.unit])
    here = local(times, clock.zone)
    if clock.unit in DAYS:
        exact = (here.day - here.day[0]) / (clock.count * DAYS[clock.unit])
    elif clock.unit == "working day":
        days = here.day.astype("datetime64[D]")
        exact = np.busday_count(days[0], days).astype(np.float64)
    else:
        exact = (here.month - here.month[0]) / (clock.count * MONTHS[clock.unit])
    return exact + (here.clock - here.clock[0]) / DAY
