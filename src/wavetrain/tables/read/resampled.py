"""Rows at uneven times brought to an even step, by pandas: the mean of what was measured in each step.

A step begins at a round time (1h: on the hour; 1D: at midnight of the table's zone) and holds the rows from
then on. A step without rows stays missing, for nothing is made up; whatever learns from it fills it later.
"""

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.clock import DAY, SECOND, zone_of
from wavetrain.tables.read.moments import Moments
from wavetrain.tables.read.rows import LEAST, MOST, Ids
from wavetrain.tables.read.steps import Written
from wavetrain.tables.read.table import Table

if TYPE_CHECKING:
    import pandas as pd


class Even(NamedTuple):
    """Rows at even times."""

    values: np.ndarray  # (rows, columns)
    ids: Ids
    moments: Moments


def resampled(values: np.ndarray, ids: Ids, when: Moments | None, every: str, table: Table) -> Even:
    """Rows (rows, columns) as means over steps of `every`, each series by itself."""
    import pandas as pd

    step = _step(every)
    if when is None or not when.calendar:
        raise BadInput(f"expected a column of times to resample by {every}, got none")
    _check_finite(values, table)
    zone = zone_of(when.written.zone) if when.written.zone else None
    index = pd.DatetimeIndex(when.ticks.astype("datetime64[us]"))
    index = index.tz_localize("UTC").tz_convert(zone) if zone else index
    _check_count(ids, when.ticks, every, step)
    parts = []
    for code in range(len(ids.kinds)):
        mine = ids.codes == code
        part = pd.DataFrame(values[mine], index=index[mine]).sort_index()
        parts.append(part.resample(step).mean())
    codes = np.repeat(np.arange(len(parts)), [len(one) for one in parts])
    stamps = [one.index.tz_convert("UTC").tz_localize(None) if zone else one.index for one in parts]
    ticks = np.concatenate([one.to_numpy().astype("datetime64[us]").astype(np.int64) for one in stamps])
    whole = np.concatenate([one.to_numpy(dtype=np.float64) for one in parts])
    empty = int(np.isnan(whole).all(1).sum())
    told = f"{len(values):,} rows resampled to {len(whole):,}, the mean of each {every}"
    told += f"; {empty:,} of them had no row and stay missing" if empty else ""
    words = "; ".join(word for word in (when.doubt, told) if word)
    form = when.written.form if _tells(when.written.form, ticks) else ""
    moments = Moments(
        when.name,
        ticks,
        np.datetime_as_string(ticks.astype("datetime64[us]"), unit="s"),
        written=Written(when.written.zone, form),
        doubt=words,
    )
    return Even(whole, Ids(ids.name, codes, ids.kinds, ids.columns), moments)


def _step(every: str) -> "pd.offsets.BaseOffset":
    from pandas.tseries.frequencies import to_offset

    for told in (every, every.lower(), every.upper()):  # 1H is 1h, and 1d is 1D
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # pandas 2 reads 1H, and warns of it
                step = to_offset(told)
        except ValueError:
            continue
        if step is not None and step.n > 0:
            return step
    raise BadInput(
        f"expected a length of time to resample by, such as 15min, 1h, 1D, 1W or 1MS; got {every!r}"
    )


def _check_finite(values: np.ndarray, table: Table) -> None:
    wrong = np.argwhere(np.isinf(values))
    if len(wrong):
        raise BadInput(f"row {wrong[0, 0] + 1} is infinite (line {table.line(int(wrong[0, 0]))})")


def _check_count(ids: Ids, ticks: np.ndarray, every: str, step: "pd.offsets.BaseOffset") -> None:
    """Raise where the steps would be many times as many as the rows."""
    import pandas as pd

    begin = pd.Timestamp("2000-01-03")
    length = (begin + 100 * step - begin) / pd.Timedelta(microseconds=100)
    spans = [np.ptp(ticks[ids.codes == code]) for code in range(len(ids.kinds))]
    full = int(sum(spans) / length)
    if full > max(MOST * len(ticks), LEAST):
        raise BadInput(f"resampled by {every}, {len(ticks):,} rows would become {full:,}: give a longer step")


def _tells(form: str, ticks: np.ndarray) -> bool:
    """Whether a form tells all of these times apart from others of the day."""
    day, minute = (bool((ticks % size).any()) for size in (DAY, 60 * SECOND))
    clock = "%H" in form or "%I" in form
    return bool(form) and (clock or not day) and ("%S" in form or not minute)
