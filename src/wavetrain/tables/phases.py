"""Where in the day, the week and the year a time lies: columns that are known ahead of every forecast.

Each cycle is a sine and a cosine. A cycle is taken where a step is shorter than half of it and the rows span
at least two of it.
"""

from dataclasses import replace

import numpy as np

from wavetrain.tables.clock import DAY
from wavetrain.tables.panel import Panel, Series

CYCLES = {"day": DAY, "week": 7 * DAY, "year": round(365.2425 * DAY)}
MONDAY = 4 * DAY  # the first one after the beginning of 1970


def cycles(times: np.ndarray) -> tuple[str, ...]:
    """The cycles that rows in time can tell."""
    if len(times) < 3:
        return ()
    step, span = float(np.median(np.diff(times))), float(times[-1] - times[0])
    return tuple(name for name, length in CYCLES.items() if step < length / 2 and span >= 2 * length)


def columns(times: np.ndarray, taken: tuple[str, ...]) -> np.ndarray:
    """Sine and cosine of each cycle, (rows, 2 cycles).

    >>> from wavetrain.tables.phases import columns
    >>> from wavetrain.tables.clock import DAY
    >>> columns(np.array([0, DAY // 4]), ("day",)).round(12).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    angles = [2 * np.pi * ((times - MONDAY) % CYCLES[name]) / CYCLES[name] for name in taken]
    parts = [part for angle in angles for part in (np.sin(angle), np.cos(angle))]
    return np.stack(parts, 1) if parts else np.zeros((len(times), 0))


def added(panel: Panel, taken: tuple[str, ...]) -> Panel:
    """The panel with these columns, which are known ahead."""
    if not taken:
        return panel
    names = tuple(f"{part} of the {cycle}" for cycle in taken for part in ("sine", "cosine"))
    series = []
    for one in panel.series:
        assert one.times is not None, "a panel without times has no phases"
        values = np.concatenate([one.values, columns(one.times, taken)], 1)
        series.append(Series(name=one.name, values=values, times=one.times))
    return replace(
        panel, columns=(*panel.columns, *names), series=tuple(series), known=(*panel.known, *names)
    )


def without(panel: Panel, taken: tuple[str, ...]) -> Panel:
    """The panel without these columns, which stand last."""
    count = 2 * len(taken)
    if not count:
        return panel
    series = tuple(
        Series(name=one.name, values=one.values[:, :-count], times=one.times) for one in panel.series
    )
    return replace(panel, columns=panel.columns[:-count], series=series, known=panel.known[:-count])
