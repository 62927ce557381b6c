"""How sure a difference of two scores is, from the same windows for both.

Windows that overlap err alike, so they are taken together: windows that follow each other within a block of
time are one unit, and the mean over units is held against how units vary (a paired t interval over folds).
Blocks are two horizons long, or one where there would be less than four of them. A bootstrap over blocks
draws again and again from the same few, and its intervals are too narrow; a t interval allows for how few
they are. Where a panel has many series, series are units too, and the wider of the two intervals counts,
for series may move together.

Seeds are a second source of chance. Their variance is added, and the degrees of freedom follow Welch and
Satterthwaite. With one seed there is nothing to add, and what another seed would give is not told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from wavetrain.errors import BadInput
from wavetrain.tables.rolling import Rolled
from wavetrain.tables.score import Score

FEWEST = 4  # units from which an interval follows
MOST = 10  # units of time: longer blocks are nearly as sure, and safer against errors that last


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A score less another one; below 0 the first errs less."""

    value: float
    low: float  # of the interval; infinite where there are too few units
    high: float
    level: float  # of the interval
    units: int  # that were held against each other
    what: str  # a unit is
    seeds: int

    def __str__(self) -> str:
        seeds = f"{self.seeds} seed{'s' * (self.seeds != 1)}"
        units = f"{self.units} {self.what}{'s' * (self.units != 1 and not self.what.endswith('s'))}"
        if not np.isfinite(self.low):
            return f"difference {self.value:+.3g}, too few windows for an interval: {units}"
        share = f"{100 * self.level:g} % interval"
        return f"difference {self.value:+.3g}, {share} {self.low:+.3g} to {self.high:+.3g}, {units}, {seeds}"


def blocks(rolled: Rolled) -> np.ndarray:
    """The block of time (N,) of each window: ten at most, two horizons long or, for at least four, one.

    A row counts from the end of its series, so that the last rows of all series are one block.
    """
    end = np.array([rolled.rows[rolled.series == one].max(initial=0) for one in range(len(rolled.names))])
    back = end[rolled.series] - rolled.rows
    span = int(back.max()) + 1
    count = max(min(MOST, span // (2 * rolled.horizon)), min(FEWEST, span // rolled.horizon))
    return back * count // span


def difference(
    scores: Sequence[Score], other: Score, units: dict[str, np.ndarray], *, level: float = 0.95
) -> Difference:
    """The mean score over seeds less another one, whose windows are the same.

    `units` says for each kind of unit which one (N,) each window belongs to; the widest interval counts.

    >>> from wavetrain.tables.metrics import mae
    >>> from wavetrain.tables.paired import difference
    >>> ones = np.ones((8, 1))
    >>> mine, theirs = mae(truth=ones, forecast=2 * ones), mae(truth=ones, forecast=4 * ones)
    >>> print(difference([mine], theirs, {"window": np.arange(8)}))
    difference -2, 95 % interval -2 to -2, 8 windows, 1 seed
    """
    if not scores or not units:
        raise BadInput("expected a score and a kind of unit at least, got none")
    if not 0 < level < 1:
        raise BadInput(f"expected a level between 0 and 1, got {level}")
    if other.parts is None or other.shares is None or any(one.parts is None for one in scores):
        raise BadInput(f"{other.name}: expected a metric that is a sum over windows")
    apart = np.stack([np.asarray(one.parts) - other.parts for one in scores])  # (seeds, windows)
    if not np.isfinite(apart).all():
        raise BadInput(f"{other.name}: expected a forecast for each window, got some without")
    each = apart.sum(1)
    seeds = len(each)
    value, off_seed = float(each.mean()), float(each.var(ddof=1)) / seeds if seeds > 1 else 0.0
    left = apart.mean(0) - other.shares * value  # what a window adds beyond its share
    found = []
    for what, which in units.items():
        counts = other.shares > 0
        names, place = np.unique(which[counts], return_inverse=True)
        count = len(names)
        if count < FEWEST:
            found.append((np.inf, count, what))
            continue
        off = count / (count - 1) * float((np.bincount(place, left[counts]) ** 2).sum())
        total = off + off_seed
        free = total**2 / (off**2 / (count - 1) + off_seed**2 / max(seeds - 1, 1)) if total > 0 else 1.0
        found.append((float(stats.t.ppf((1 + level) / 2, free) * np.sqrt(total)), count, what))
    half, count, what = max(found)
    return Difference(
        value=value,
        low=value - half,
        high=value + half,
        level=level,
        units=count,
        what=what,
        seeds=seeds,
    )


def units(rolled: Rolled) -> dict[str, np.ndarray]:
    """The kinds of unit of forecasts: blocks of time, and series where there are enough to vary.

    Many series with less than four blocks of time are units by themselves.
    """
    time = {"block": blocks(rolled)}
    if len(np.unique(rolled.series)) < 2 * FEWEST:
        return time
    return {"series": rolled.series} | (time if len(np.unique(time["block"])) >= FEWEST else {})
