"""What was understood of a table, in at most five lines."""

from collections.abc import Callable, Sequence

import numpy as np

from wavetrain.tables.clock import MONTHS, Clock
from wavetrain.tables.panel import Series
from wavetrain.tables.read.moments import Moments
from wavetrain.tables.read.rows import Ids, Rows

SHOWN = 6  # names that are told
ENOUGH = 20  # values, from which on one may be said to be far from the others
NEAR = 0.9  # the share of the others whose distance is the usual one


def listed(names: Sequence[str]) -> str:
    """Some names, and how many more.

    >>> from wavetrain.tables.read.said import listed
    >>> listed(["a", "b"]), listed([str(place) for place in range(9)])
    ('a, b', '0, 1, 2, 3, 4, 5 and 3 more')
    """
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def roles(targets: Sequence[str], inputs: Sequence[str], known: Sequence[str]) -> str:
    """Which columns are for what."""
    parts = [f"forecast {listed(targets)}"]
    parts += [f"read {listed(inputs)}"] if inputs else []
    parts += [f"known ahead {listed(known)}"] if known else []
    return "; ".join(parts)


def sizes(series: Sequence[Series], ids: Ids, read: int) -> str:
    """How many rows there are, of which series."""
    rows = f"{read:,} row" + "s" * (read != 1)
    if not ids.name:
        return f"{rows} of one series"
    lengths = [len(one) for one in series]
    each = f"{lengths[0]:,}" if min(lengths) == max(lengths) else f"{min(lengths):,} to {max(lengths):,}"
    names = listed([one.name for one in series])
    return f"{rows} in {len(series):,} series by {ids.name}: {names} ({each} rows each)"


def span(rows: Rows, when: Moments | None) -> str:
    """From when to when, by which step."""
    if when is None:
        return "no column of times: rows are numbered"
    words = [when.doubt] * bool(when.doubt) + list(rows.notes)
    if rows.clock is None:
        first, last = when.told[int(when.ticks.argmin())], when.told[int(when.ticks.argmax())]
        return "; ".join([f"{first} to {last} by {when.name}", *words])
    ends = np.array([when.ticks.min(), when.ticks.max()])
    first, last = rows.clock.told(ends)
    zone = f" in {rows.clock.zone}" if rows.clock.zone else ""
    return "; ".join([f"{first} to {last}{zone}, every {step(rows.clock)}, by {when.name}", *words])


def step(clock: Clock) -> str:
    """A step of a clock, with its anchor."""
    anchor = ""
    if clock.unit in MONTHS and clock.end:
        anchor = " on the last day"
    elif clock.unit in MONTHS and clock.day:
        anchor = f" on day {clock.day}, or the last one of shorter months"
    return f"{clock}{anchor}"


def strays(columns: Sequence[str], values: np.ndarray, line: Callable[[int], int]) -> list[str]:
    """One value (rows, columns) of a column that lies far from all others, such as 1e30 for a broken sensor.

    Far is a thousand times as far from the median as the next value, or ten thousand times as far as nine
    tenths of the values.

    >>> import numpy as np
    >>> from wavetrain.tables.read.said import strays
    >>> load = np.append(np.arange(50.0), 1e30)[:, None]
    >>> strays(["load"], load, lambda row: row + 2)
    ['load 1e+30 in line 52']
    """
    found = []
    for place, name in enumerate(columns):
        column = values[:, place]
        column = np.where(np.isinf(column), np.nan, column)
        count = int(np.isfinite(column).sum())
        if count < ENOUGH:
            continue
        scale = np.nanmax(np.abs(column)) or 1.0  # so that no square overflows
        units = column / scale
        middle, spread = np.nanmean(units), np.nanstd(units)
        if not np.nanmax(np.abs(units - middle)) > spread * np.sqrt(count) / 4:  # as one value alone has it
            continue
        distance = np.abs(units - np.nanmedian(units))
        row = int(np.nanargmax(distance))
        others = np.sort(distance[np.isfinite(distance)])[:-1]
        near, most = others[int(NEAR * len(others))], others[-1]
        if distance[row] > 1e3 * most > 0 or distance[row] > 1e4 * near > 0:
            found.append(f"{name} {column[row]:.6g} in line {line(row)}")
    return found


def holes(rows: Rows, columns: Sequence[str], cells: np.ndarray, far: Sequence[str] = ()) -> str:
    """Gaps between rows, cells (columns,) in which nothing was measured, and values far from all others."""
    gaps = "no gaps"
    if rows.gaps:
        gaps = f"{rows.gaps:,} gap{'s' * (rows.gaps != 1)}, {rows.steps:,} step{'s' * (rows.steps != 1)}"
    missing = [f"{name} {count:,}" for name, count in zip(columns, cells, strict=True) if count]
    cell = f"missing cells: {listed(missing)}" if missing else "no cell is missing"
    odd = f"; far from all other values: {listed(far)} (--missing leaves such a value out)" if far else ""
    return f"{gaps}; {cell}{odd}"


def others(left_out: dict[str, str], units: dict[str, str], cells: dict[str, str] | None = None) -> str:
    """What is no column of the panel, and why."""
    words = [f"{name}, which {why}" for name, why in left_out.items()]
    more = [f"and {len(words) - SHOWN} more"] if len(words) > SHOWN else []
    words = words[:SHOWN] + more
    words += (
        ["a row of units (" + listed([f"{name} {unit}" for name, unit in units.items()]) + ")"]
        if units
        else []
    )
    told = listed([f"{name} {unit}" for name, unit in cells.items()]) if cells else ""
    words += [f"units in cells ({told})"] if told else []
    return f"left out: {'; '.join(words)}" if words else ""
