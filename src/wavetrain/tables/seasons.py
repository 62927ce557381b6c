"""After how many rows a series repeats itself.

Candidates are what the clock suggests (24 hours, 12 months), and the lags near the highest peaks of the
autocorrelation, behind the first lag at which it is negative: of the values without their straight line, and
of the differences. How far apart rows are that lie a season apart, less their mean difference, is divided by
the same for rows that lie less than a season apart: 1 for noise, above 1 for a random walk, 0 for what
repeats itself, whatever the trend. The shortest season near the least share is taken; without one it is 1.
What no clock suggests must be seen four times and be clearer, for there are many lags to choose from.
"""

from collections.abc import Sequence

import numpy as np

from wavetrain.tables.clock import DAY, DAYS, FIXED, MONTHS, Clock
from wavetrain.tables.panel import Panel

LONGEST = 3000  # rows that are looked at, the last ones
LARGEST = 0.85  # share from which on a season is none: the best of many lags of noise comes to 0.9
ALONE = 0.75  # the same for a season that no clock suggests, of which there are many to choose from
TIMES = 4  # that such a season is seen at least: slow noise seems to repeat itself two or three times
ALIKE = 1.1  # of the least share
LAGS = 12  # shorter than a season that it is held against
NEAR = 16  # noise moves a peak by up to a sixteenth of its lag
CYCLES = (DAY, 7 * DAY)  # of clocks that tick within a day


def season_of(values: np.ndarray, clock: Clock | None = None) -> int:
    """Rows of a season in values (rows, columns), all columns taken together.

    >>> from wavetrain.tables.seasons import season_of
    >>> season_of(np.sin(np.arange(100) * 2 * np.pi / 7)[:, None])
    7
    """
    rows = values[-LONGEST:]
    rows = rows[:, np.isfinite(rows).any(0)]
    deviation = np.nanstd(rows, 0)
    rows = rows[:, deviation > 0] / deviation[deviation > 0]
    if not rows.shape[1] or len(rows) < 6:
        return 1
    time = np.arange(len(rows))[:, None] - (len(rows) - 1) / 2
    level = rows - np.nanmean(rows, 0)
    straight = level - time * np.nansum(time * level, 0) / (time**2).sum()
    peaks = {_peak(straight), _peak(np.diff(rows, axis=0))}
    near = {peak + apart for peak in peaks for apart in range(-(peak // NEAR), peak // NEAR + 1)}
    usual = {one for one in suggested(clock) if 1 < one <= len(rows) // 2}
    found = usual | {one for one in near if 1 < one <= len(rows) // TIMES}
    shares = {season: _share(rows, season) for season in sorted(found)}
    shares = {one: share for one, share in shares.items() if share <= (LARGEST if one in usual else ALONE)}
    if not shares:
        return 1
    least = min(shares.values())
    return next(season for season, share in shares.items() if share <= ALIKE * least)


def season_before(panel: Panel, ends: Sequence[int]) -> int:
    """The season of the longest series of a panel, by its rows before the end that is given for each."""
    place = int(np.argmax(ends))
    return season_of(panel.series[place].values[: ends[place], panel.places(panel.targets)], panel.clock)


def suggested(clock: Clock | None) -> tuple[int, ...]:
    """Seasons that are usual for a step.

    >>> from wavetrain.tables.clock import Clock
    >>> from wavetrain.tables.seasons import suggested
    >>> suggested(Clock(30, "minute")), suggested(Clock(1, "month")), suggested(None)
    ((48, 336), (12,), ())
    """
    if clock is None:
        return ()
    if clock.unit in FIXED:
        step = clock.count * FIXED[clock.unit]
        return tuple(cycle // step for cycle in CYCLES if cycle % step == 0 and cycle > step)
    if clock.unit in DAYS:
        return (7,) if (clock.unit, clock.count) == ("day", 1) else (52,) if clock.count == 1 else ()
    if clock.unit in MONTHS:
        months = clock.count * MONTHS[clock.unit]
        return (12 // months,) if 12 % months == 0 and months < 12 else ()
    return (5,)  # working days


def _peak(rows: np.ndarray) -> int:
    """The lag of the highest peak of the autocorrelation, summed over columns; 1 where there is none."""
    whole = np.nan_to_num(rows - np.nanmean(rows, 0))
    size = 2 * len(whole)
    together = np.fft.irfft((np.abs(np.fft.rfft(whole, size, axis=0)) ** 2).sum(1), size)[
        : len(whole) // 2 + 1
    ]
    if not (together < 0).any():
        return 1
    first = int((together < 0).argmax())
    inner = together[1:-1]
    tops = np.flatnonzero((inner > together[:-2]) & (inner >= together[2:])) + 1
    tops = tops[tops > first]
    return int(tops[together[tops].argmax()]) if len(tops) else 1


def _share(rows: np.ndarray, season: int) -> float:
    """How far apart rows a season apart are, over that of rows less than a season apart."""
    shorter = np.unique(np.linspace(1, season - 1, min(season - 1, LAGS)).round().astype(int))
    usual = float(np.mean([_apart(rows, int(lag)) for lag in shorter]))
    return _apart(rows, season) / usual if usual > 0 else 1.0


def _apart(rows: np.ndarray, lag: int) -> float:
    """The mean size of differences over a lag, less their mean."""
    steps = rows[lag:] - rows[:-lag]
    known = np.isfinite(steps).any(0)
    steps = steps[:, known]
    return float(np.nanmean(np.abs(steps - np.nanmean(steps, 0)))) if known.any() else 0.0
