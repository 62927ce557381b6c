"""A later table, read as an earlier one of the same kind was: the same roles, levels, clock and columns.

A table may have more columns and another order; what the earlier one left out is not read. A level of text
that is new counts as none of those that are known, and is told.
"""

from pathlib import Path
from typing import Any

import numpy as np

from wavetrain.errors import BadInput, unknown
from wavetrain.tables.form import Form
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import said
from wavetrain.tables.read.asked import Asked, Earlier
from wavetrain.tables.read.measured import measured
from wavetrain.tables.read.reading import check_measured, read
from wavetrain.tables.read.resampled import resampled
from wavetrain.tables.read.roles import ids_of, when_again
from wavetrain.tables.read.rows import Ids, series_of
from wavetrain.tables.read.sources import found
from wavetrain.tables.read.table import Table
from wavetrain.tables.read.years import by_year


def read_like(source: Any, earlier: Panel, *, ahead: bool = False) -> Panel:
    """A panel from a file, a frame or standard input, with the columns and roles of an earlier one.

    With `ahead`, the columns known ahead are all that it must have, and all that is read.

    >>> import pandas as pd
    >>> from wavetrain.tables.read import read, read_like
    >>> first = read(pd.DataFrame({"sold": [1.0, 2.0, 4.0], "sky": ["clear", "rain", "clear"]}))
    >>> read_like(pd.DataFrame({"sky": ["fog"], "till": [7], "sold": [5.0]}), first).series[0].values
    array([[5., 0., 0.]])
    """
    form = earlier.form
    if form is None:
        return _arrays(source, earlier)
    known = tuple(name for name in form.columns if set(form.parts(name)) & set(earlier.known))
    inputs = tuple(name for name in form.columns if name not in (*earlier.targets, *known))
    asked = Asked(
        target=() if ahead else earlier.targets,
        time=form.time,
        id=form.id,
        inputs=() if ahead else inputs,
        known=known,
        missing=form.missing,
        earlier=Earlier(form, earlier.clock, ahead),
        resample=form.resample,
    )
    where = f"{source}: " if isinstance(source, str | Path) and str(source) != "-" else ""
    try:
        held = found(source, asked)
        if isinstance(held, Panel):
            raise BadInput(f"expected a table with the columns {', '.join(form.columns)}, got arrays")
        return _panel(held, asked, earlier, form)
    except BadInput as error:
        raise BadInput(f"{where}{error}") from error


def _panel(table: Table, asked: Asked, earlier: Panel, form: Form) -> Panel:
    if not {*form.time, *form.id} <= set(table.names):
        table = by_year(table)
    for name in (*form.time, *form.id, *asked.measured):
        if name not in table.names:
            raise unknown("column", name, table.names)
    if not len(table.frame):
        raise BadInput("expected rows below the header, got none")
    when = when_again(table, form.time, earlier.clock.form if earlier.clock else "")
    one = Ids("", np.zeros(len(table.frame), np.int64), ("",))
    ids, keys = ids_of(table, asked, when) if form.id else (one, {})
    names = [name for name in form.columns if name in asked.measured]
    kept = measured(table, names, asked, when.moments is not None)
    columns = {part: values for parts in kept.columns.values() for part, values in parts.items()}
    nothing = np.full(len(table.frame), np.nan)
    values = np.stack([columns.get(name, nothing) for name in earlier.columns], 1)
    moments, count = when.moments, len(values)
    far = said.strays(earlier.columns, values, table.line)
    if asked.resample:
        values, ids, moments = resampled(values, ids, moments, asked.resample, table)
    rows = series_of(values, ids, moments, table.line, asked.earlier)
    if asked.target:
        check_measured(rows, earlier.columns, earlier.targets)
    others = [name for name in table.names if name not in (*when.used, *keys, *names)]
    left_out = {**when.used, **keys, **dict.fromkeys(others, "the model does not read")}
    lines = [
        said.roles(asked.target, asked.inputs or (), asked.known),
        said.sizes(rows.series, ids, count),
        said.span(rows, moments),
        said.holes(rows, earlier.columns, np.isnan(values).sum(0), far) if asked.target else "",
        said.others(left_out, table.units, kept.units),
    ]
    return Panel(
        columns=earlier.columns,
        series=rows.series,
        targets=earlier.targets,
        known=earlier.known,
        clock=earlier.clock,
        said=tuple(line for line in [*lines, *kept.strange] if line),
        doubts=tuple(kept.strange),
        form=form,
    )


def _arrays(source: Any, earlier: Panel) -> Panel:
    """Of arrays, whose columns are told by their names or, where they have none, by their places."""
    whole = read(source, target=earlier.targets, known=earlier.known)
    missing = [name for name in earlier.columns if name not in whole.columns]
    if missing:
        raise unknown("column", missing[0], whole.columns)
    return whole.taken(earlier.columns)
