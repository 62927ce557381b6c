"""What is known of rows to come: values of the columns known ahead, behind the last row of each series."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel, Series

Ahead = Sequence[np.ndarray]  # of each series, (rows, columns known ahead): of the first row to come, ...


def parted(panel: Panel) -> tuple[Panel, tuple[np.ndarray, ...]]:
    """A panel up to the last row in which a target was measured, and what the rows behind it tell ahead.

    Of those rows no other column is read. A panel without columns known ahead stays as it is.

    >>> from wavetrain.tables.ahead import parted
    >>> from wavetrain.tables.panel import Panel, Series
    >>> rows = Series(name="", values=np.array([[5.0, 0.0], [6.0, 1.0], [np.nan, 1.0]]))
    >>> sales = Panel(columns=("sold", "sale"), series=(rows,), targets=("sold",), known=("sale",))
    >>> past, ahead = parted(sales)
    >>> len(past.series[0]), ahead[0].tolist()
    (2, [[1.0]])
    """
    known, targets = panel.places(panel.known), panel.places(panel.targets)
    if not known:
        return panel, tuple(np.zeros((0, 0)) for _ in panel.series)
    series, ahead = [], []
    for one in panel.series:
        measured = np.flatnonzero(~np.isnan(one.values[:, targets]).all(1))
        end = int(measured[-1]) + 1 if len(measured) else 0
        ahead.append(one.values[end:, known])
        times = None if one.times is None else one.times[:end]
        series.append(Series(name=one.name, values=one.values[:end], times=times))
    return replace(panel, series=tuple(series)), tuple(ahead)


def doubtful(panel: Panel) -> tuple[str, ...]:
    """Columns known ahead that equal a target in every row: are they known before it is?

    >>> from wavetrain.tables.ahead import doubtful
    >>> from wavetrain.tables.panel import Panel, Series
    >>> rows = Series(name="", values=np.array([[5.0, 5.0], [6.0, 6.0], [np.nan, 1.0]]))
    >>> doubtful(Panel(columns=("y", "x"), series=(rows,), targets=("y",), known=("x",)))
    ('x is to be known ahead, and equals y in all 2 rows that have both: is it known before y is?',)
    """
    rows = np.concatenate([one.values for one in panel.series])
    found = []
    for name in panel.known:
        for target in panel.targets:
            both = rows[:, panel.places([name, target])]
            both = both[~np.isnan(both).any(1)]
            if len(both) > 1 and (both[:, 0] == both[:, 1]).all() and np.ptp(both[:, 0]) > 0:
                found.append(
                    f"{name} is to be known ahead, and equals {target} in all {len(both):,} rows that have "
                    f"both: is it known before {target} is?"
                )
    return tuple(found)


def later(past: Panel, given: Ahead | Panel, horizon: int) -> tuple[np.ndarray, ...]:
    """What is known ahead of each series, from arrays or from the columns of a panel of later rows.

    Rows of a panel are told by their times; where it has none, they begin right behind the past.
    """
    known = past.known
    if not known:
        raise BadInput("expected nothing that is known ahead, for the model has no such columns")
    if not isinstance(given, Panel):
        arrays = tuple(np.asarray(one, np.float64) for one in given)
        wanted = (horizon, len(known))
        if len(arrays) != len(past.series) or any(one.shape != wanted for one in arrays):
            shapes = ", ".join(str(one.shape) for one in arrays[:3])
            raise BadInput(
                f"expected what is known ahead of each of {len(past.series)} series, {wanted} of "
                f"{', '.join(known)}; got {len(arrays)}: {shapes}"
            )
        return arrays
    missing = [name for name in known if name not in given.columns]
    if missing:
        raise BadInput(f"expected the columns known ahead, {', '.join(known)}; got no {', '.join(missing)}")
    there = {one.name: one for one in given.series}
    strange = [name for name in there if name not in {one.name for one in past.series}]
    if strange:
        raise BadInput(f"what is known ahead has a series {strange[0]!r}, the rows before have none")
    return tuple(_of(past, one, there.get(one.name), given, horizon) for one in past.series)


def _of(past: Panel, before: Series, after: Series | None, given: Panel, horizon: int) -> np.ndarray:
    found = np.full((horizon, len(past.known)), np.nan)
    if after is None:
        return found
    values = after.values[:, given.places(past.known)]
    if before.times is None or after.times is None:
        found[: len(values)] = values[:horizon]
        return found
    clock = past.clock or given.clock
    if clock is None:
        raise BadInput("expected the clock of a panel with times")
    wanted = clock.after(int(before.times[-1]), horizon)
    place = {int(time): row for row, time in enumerate(after.times)}
    rows = [(step, place[int(time)]) for step, time in enumerate(wanted) if int(time) in place]
    if not rows:
        first, last = clock.told(wanted[[0, -1]])
        told = clock.told(after.times[[0, -1]])
        which = f"series {before.name!r}: " if before.name else ""
        raise BadInput(
            f"{which}what is known ahead must tell of rows from {first} to {last}, got {told[0]} to {told[1]}"
        )
    for step, row in rows:
        found[step] = values[row]
    return found
