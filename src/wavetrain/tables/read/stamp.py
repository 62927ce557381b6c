"""One time at a time, in the form that the column of an earlier table had."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from wavetrain.errors import BadInput
from wavetrain.tables import times
from wavetrain.tables.clock import DAY, SECOND, Clock, zone_of
from wavetrain.tables.digits import CALENDAR, SINCE, UNIX, UNTIL, moment_of

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
SERIAL = (20_000, 80_000)  # days since 1899-12-30, as spreadsheets count them
EPOCH = 25_569  # 1970 among them
MILLISECOND = 1000


class Stamp:
    """The times of a clock, as they are written in some columns.

    >>> from wavetrain.tables.clock import Clock
    >>> Stamp(Clock(1, "day", form="%d.%m.%Y"), ["when"])(["02.01.1970"])
    86400000000
    """

    def __init__(self, clock: Clock, columns: Sequence[str]):
        self.form, self.columns = clock.form, columns
        self.zone = zone_of(clock.zone) if clock.zone else UTC
        self.plain = clock.form.replace("%:z", "%z")
        self.iso = clock.form.startswith("%Y-%m-%d") or not clock.form
        self.example = clock.told([0])[0]  # type: ignore[arg-type]  # a list does
        self.in_parts = len(columns) > 1 and all(one.lower() in (*CALENDAR, "quarter") for one in columns)

    def __call__(self, cells: Sequence[str]) -> int:
        """Microseconds since 1970 in UTC; raises BadInput for what is no time in this form."""
        cell = cells[0] if len(cells) == 1 else " ".join(cells)
        found = self._parts(cells) if self.in_parts else self._one(cell.strip())
        if found is None:
            raise BadInput(
                f"{', '.join(self.columns)}: expected a time like {self.example}, got {cell[:40]!r}"
            )
        return found

    def _parts(self, cells: Sequence[str]) -> int | None:
        """Of a year, a month or quarter, and what is shorter."""
        try:
            told = {name.lower(): float(cell) for name, cell in zip(self.columns, cells, strict=True)}
        except ValueError:
            return None
        quarter = told.pop("quarter", None)
        return moment_of(told if quarter is None else {**told, "month": 3 * quarter - 2})

    def _one(self, cell: str) -> int | None:
        if not self.form and (found := _counted(cell)) is not None:
            return found
        try:
            if self.iso and cell[4:5] == "-":
                return self._utc(datetime.fromisoformat(cell))
            if self.plain and "%q" not in self.plain:
                return self._utc(datetime.strptime(cell, self.plain))
        except ValueError:
            pass
        if not self.form:
            return None
        try:
            read = times.reading(self.columns[0], [cell], [0], self.form)
        except BadInput:
            return None
        same = read is not None and (read.form == self.form or "%f" in read.form + self.form)
        return int(read.moments[0]) if read is not None and same else None

    def _utc(self, there: datetime) -> int:
        there = there.replace(tzinfo=self.zone) if there.tzinfo is None else there
        return (there - BEGINNING) // TICK


def _counted(cell: str) -> int | None:
    """Of a number: Unix time, or the days of a spreadsheet."""
    try:
        number = float(cell)
    except ValueError:
        return None
    for second in UNIX:
        if SINCE * second < number < UNTIL * second:
            return round(number / second * SECOND)
    if SERIAL[0] <= number <= SERIAL[1]:
        ticks = round((number - EPOCH) * DAY)
        return (ticks + MILLISECOND // 2) // MILLISECOND * MILLISECOND
    return None
