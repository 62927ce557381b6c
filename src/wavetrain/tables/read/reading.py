"""From a file or a frame to a panel: which columns there are, of which series, at which times."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.form import Form
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import said
from wavetrain.tables.read.asked import Asked, Names, named
from wavetrain.tables.read.measured import measured
from wavetrain.tables.read.resampled import resampled
from wavetrain.tables.read.roles import ids_of, when_of
from wavetrain.tables.read.rows import Rows, series_of
from wavetrain.tables.read.sources import found
from wavetrain.tables.read.table import Table
from wavetrain.tables.read.years import by_year


def read(
    source: Any,
    *,
    target: Names = (),
    time: Names | None = None,
    id: Names | None = None,
    inputs: Names | None = None,
    known: Names = (),
    missing: Sequence[str | float] = (),
    resample: str = "",
) -> Panel:
    """A panel from a file, from standard input (`-`), from a frame or from arrays.

    Files are CSV and its relatives, gz of them, Parquet, Excel, JSON, JSON lines, NPZ and NPY; frames are of
    pandas, polars or xarray. Roles are names of columns: what is forecast (`target`, by default all columns
    of numbers), when and of which series a row is (`time` and `id`, found where they are not named; `time`
    may be a column of days and one of clocks), what is read besides (`inputs`, by default all others) and
    what is known ahead (`known`). `missing` holds what else says that nothing was measured, such as -999.
    With `resample`, a length of time such as 15min, 1h or 1D, rows become the means of even steps. Gaps
    become rows of NaN, and nothing is filled. `Panel.said` tells what was understood.

    >>> import pandas as pd
    >>> from wavetrain.tables.read import read
    >>> days = pd.DataFrame({"day": ["2024-01-01", "2024-01-02", "2024-01-04"], "load": [1.5, 2.5, 4.5]})
    >>> panel = read(days)
    >>> panel.series[0].values[:, 0].tolist()
    [1.5, 2.5, nan, 4.5]
    >>> print(*panel.said, sep="\\n")
    forecast load
    3 rows of one series
    2024-01-01 to 2024-01-04, every day, by day
    1 gap, 1 step; no cell is missing
    left out: day, which dates the rows
    """
    if isinstance(source, Panel):
        raise BadInput("expected a file or a frame, got a panel, which is read already")
    asked = Asked(
        named(target),
        named(time),
        named(id),
        None if inputs is None else named(inputs),
        named(known),
        tuple(f"{word:g}" if isinstance(word, float) else str(word) for word in missing),
        resample=resample,
    )
    where = f"{source}: " if isinstance(source, str | Path) and str(source) != "-" else ""
    try:
        held = found(source, asked)
        if isinstance(held, Panel) and resample:
            raise BadInput(f"expected a table with times to resample by {resample}, got arrays")
        return held if isinstance(held, Panel) else panel_of(held, asked)
    except BadInput as error:
        raise BadInput(f"{where}{error}") from error


def panel_of(table: Table, asked: Asked) -> Panel:
    """The series of a table in the roles that are asked for, or found."""
    if not (asked.time or asked.id or asked.measured):
        table = by_year(table)
    asked.check(table.names)
    if not len(table.frame):
        raise BadInput("expected rows below the header, got none")
    when = when_of(table, asked)
    ids, keys = ids_of(table, asked, when)
    free = [name for name in table.names if name not in when.used and name not in keys]
    unasked = []
    if asked.inputs is not None:
        unasked = [name for name in free if asked.target and name not in asked.measured]
    kept = measured(table, [name for name in free if name not in unasked], asked, when.moments is not None)
    left_out = {**when.used, **keys, **kept.left_out, **dict.fromkeys(unasked, "is not asked for")}
    columns = {part: values for parts in kept.columns.values() for part, values in parts.items()}
    known = _parts(kept.columns, asked.known)
    inputs = _parts(kept.columns, asked.inputs or ())
    plain = [name for name in kept.columns if name not in kept.levels]
    targets = asked.target or tuple(name for name in plain if name not in (*known, *inputs))
    if not targets:
        told = said.others(left_out, {})
        raise BadInput(f"expected a column of numbers to forecast, got none{'; ' * bool(told)}{told}")
    names = list(columns)
    values = np.stack([columns[name] for name in names], 1)
    moments, count = when.moments, len(values)
    far = said.strays(names, values, table.line)
    if asked.resample:
        values, ids, moments = resampled(values, ids, moments, asked.resample, table)
    rows = series_of(values, ids, moments, table.line)
    check_measured(rows, names, targets)
    read_only = [name for name in names if name not in (*targets, *known)]
    lines = [
        said.roles(targets, read_only, known),
        said.sizes(rows.series, ids, count),
        said.span(rows, moments),
        said.holes(rows, names, np.isnan(values).sum(0), far),
        said.others(left_out, table.units, kept.units),
    ]
    return Panel(
        columns=tuple(names),
        series=rows.series,
        targets=tuple(targets),
        known=tuple(known),
        clock=rows.clock,
        said=tuple(line for line in lines if line),
        form=Form(
            columns=tuple(kept.columns),
            time=tuple(when.used) if when.moments is not None else (),
            id=ids.columns,
            levels=kept.levels,
            commas=tuple(name for name in kept.commas if name in kept.columns),
            missing=asked.missing,
            step=rows.step,
            resample=asked.resample,
            left_out=left_out,
        ),
    )


def _parts(columns: dict[str, dict[str, np.ndarray]], names: Sequence[str]) -> list[str]:
    """The columns of the panel that come from these of the table."""
    return [part for name in names for part in columns.get(name, {})]


def check_measured(rows: Rows, names: Sequence[str], targets: Sequence[str]) -> None:
    """Raise for a series of which nothing is known that could be forecast."""
    places = [names.index(name) for name in targets]
    for one in rows.series:
        if np.isnan(one.values[:, places]).all():
            which = f"series {one.name!r}: " if one.name else ""
            raise BadInput(f"{which}expected numbers to forecast, got none in {len(one):,} rows")
