"""What a comparison may learn from, and what it is tested on.

    in time      the last rows of each series are tested, all before them are learned from
    by series    whole series are tested, others learned from: do forecasts hold for a new shop?
    later        another table is tested

Windows of one recording are never dealt out at random: neighbours share most of their rows, and a test on
them would ask for what was learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel, Series

SHARE = 0.15  # of the rows, or of the series, that are tested


@dataclass(frozen=True, eq=False, kw_only=True)
class Split:
    """A panel to learn from, and one to test on from a row of each series on."""

    past: Panel
    test: Panel
    firsts: tuple[int, ...]  # the first row that is tested, of each series of `test`
    said: str


def in_time(panel: Panel, horizon: int, share: float = SHARE) -> Split:
    """The last rows of each series are tested: the share, and at least one horizon.

    >>> from wavetrain.tables.panel import panel
    >>> from wavetrain.tables.split import in_time
    >>> split = in_time(panel(np.arange(100.0)), horizon=3)
    >>> len(split.past.series[0]), split.firsts, split.said
    (85, (85,), 'the last 15 rows of each series are tested')
    """
    ends = [len(one) - max(horizon, round(share * len(one))) for one in panel.series]
    least = min(range(len(ends)), key=lambda place: ends[place])
    if ends[least] < 1:
        one = panel.series[least]
        raise BadInput(f"series {one.name!r}: expected more rows than a horizon of {horizon}, got {len(one)}")
    tested = {len(one) - end for one, end in zip(panel.series, ends, strict=True)}
    some = f"{min(tested):,}" if len(tested) == 1 else f"{min(tested):,} to {max(tested):,}"
    said = f"the last {some} rows of each series are tested"
    return Split(past=until(panel, ends), test=panel, firsts=tuple(ends), said=said)


def by_series(panel: Panel, context: int, share: float = SHARE) -> Split:
    """Whole series are tested, drawn by one fixed shuffle; each is read for `context` rows before."""
    count = len(panel.series)
    if count < 3:
        raise BadInput(f"expected at least 3 series to test some and learn from others, got {count}")
    order = np.random.default_rng(0).permutation(count)
    held = set(order[: max(1, round(share * count))].tolist())
    test = replace(panel, series=tuple(one for place, one in enumerate(panel.series) if place in held))
    past = replace(panel, series=tuple(one for place, one in enumerate(panel.series) if place not in held))
    said = f"{len(held)} of {count} series are tested"
    return Split(past=past, test=test, firsts=_behind(test, context), said=said)


def later(past: Panel, test: Panel, context: int) -> Split:
    """Another panel of the same columns is tested; each of its series is read for `context` rows before."""
    if test.columns != past.columns or test.targets != past.targets:
        raise BadInput(
            f"expected the columns {', '.join(past.columns)} to test; got {', '.join(test.columns)}"
        )
    rows = sum(map(len, test.series))
    said = f"{rows:,} rows of another table are tested"
    return Split(past=past, test=test, firsts=_behind(test, context), said=said)


def held(panel: Panel, horizon: int, share: float) -> list[int]:
    """Where the part to choose by begins in each series: the share of its rows, and at least one horizon.

    >>> from wavetrain.tables.panel import panel
    >>> from wavetrain.tables.split import held
    >>> held(panel(np.arange(100.0)), 3, 0.15)
    [85]
    """
    return [len(one) - max(horizon, round(share * len(one))) for one in panel.series]


def until(panel: Panel, ends: Sequence[int]) -> Panel:
    """The rows of each series before its end."""
    series = [
        Series(name=one.name, values=one.values[:end], times=None if one.times is None else one.times[:end])
        for one, end in zip(panel.series, ends, strict=True)
    ]
    return replace(panel, series=tuple(series))


def _behind(panel: Panel, context: int) -> tuple[int, ...]:
    """The first row behind a context, or behind half of a shorter series."""
    return tuple(min(context, max(1, len(one) // 2)) for one in panel.series)
