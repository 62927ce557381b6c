"""The command `predict`: the rows that follow, by a model in a folder."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name

if TYPE_CHECKING:
    from wavetrain.estimators import Forecaster, Forecasts
    from wavetrain.tables.panel import Panel

console = terminal.Terminal()


def predict(
    model: Name,
    data: Name = "",
    out: Path | None = None,
    coverage: float = 0.9,
    json: Json = False,
) -> None:
    """Forecast the rows that follow a table, or those that follow what the model learned from.

    Args:
        model: the folder that `wavetrain fit` wrote
        data: a table with the same columns, or - for standard input; without it, what was learned from
        out: a CSV to write; the forecasts are printed where none is named
        coverage: share of the truth that the intervals are to hold
    """
    from wavetrain.estimators import Forecaster

    kept = Forecaster.load(model)
    found = kept.predict(read_like(kept, data) if data else None, coverage=coverage)
    if json:
        terminal.print_json([dict(zip(header(found), row, strict=True)) for row in rows(found)])
        return
    if out is None:
        _write(sys.stdout, found)
        return
    new = out.with_name(out.name + ".new")
    with new.open("w", encoding="utf-8", newline="") as file:
        _write(file, found)
    new.replace(out)
    console.print(f"{len(found.series) * found.value.shape[1]} rows: {out}", soft_wrap=True)


def read_like(model: "Forecaster", data: str) -> "Panel":
    """A table with the roles that a model's own had."""
    from wavetrain.tables.read import read

    asked = model.asked_
    known = [name for name in model.panel_.known if not name.startswith(("sine of the", "cosine of the"))]
    return read(
        data,
        target=model.panel_.targets,
        time=asked.get("time") or None,
        id=asked.get("id") or None,
        known=known,
        missing=asked.get("missing", ()),
    )


def header(found: "Forecasts") -> list[str]:
    """Names of the columns of a table of forecasts."""
    ends = ("", " low", " high")
    return ["series", "time", *(f"{name}{end}" for name in found.targets for end in ends)]


def rows(found: "Forecasts") -> list[list[str | float]]:
    """The table, a row for each step ahead of each series."""
    table: list[list[str | float]] = []
    for place, name in enumerate(found.series):
        for step, time in enumerate(found.times[place]):
            parts = (found.value, found.low, found.high)
            values = [float(part[place, step, at]) for at in range(len(found.targets)) for part in parts]
            table.append([name, time, *values])
    return table


def _write(file: TextIO, found: "Forecasts") -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header(found))
    for row in rows(found):
        writer.writerow([f"{one:.6g}" if isinstance(one, float) else one for one in row])
