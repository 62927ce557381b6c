"""The command `predict`: the rows that follow, by a model in a folder."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name
from wavetrain.errors import BadInput

if TYPE_CHECKING:
    from wavetrain.estimators import Forecasts

console = terminal.Terminal()


def predict(
    model: Name,
    data: Name = "",
    ahead: str = "",
    out: Path | None = None,
    coverage: float = 0.9,
    json: Json = False,
) -> None:
    """Forecast the rows that follow a table, or those that follow what the model learned from.

    A model of whole sequences answers each sequence of new data instead.

    Args:
        model: the folder that `wavetrain fit` wrote, or one of the models that `wavetrain compare` kept
        data: a table with the same columns, or - for standard input; without it, what was learned from. Where
            columns are known ahead, rows at its end with empty targets tell what is known of rows to come
        ahead: a table of what is known of the rows to come: times, ids and the columns known ahead
        out: a CSV to write; the forecasts are printed where none is named
        coverage: share of the truth that the intervals are to hold
    """
    from wavetrain.estimators import load_series_model

    terminal.share("coverage", coverage)
    terminal.writable(out)
    if is_of_sequences(model):
        if ahead:
            raise BadInput("whole sequences are answered: expected no --ahead")
        _answer(model, data, out, json)
        return
    kept = load_series_model(model)
    past = later = None
    if data or ahead:  # pandas is not loaded where nothing is read
        from wavetrain.tables.read import read_like

        plain = kept.plain(kept.panel_)
        past = read_like(data, plain) if data else None
        later = read_like(ahead, plain, ahead=True) if ahead else None
    found = kept.predict(past, ahead=later, coverage=coverage)
    for line in [*(past.doubts if past is not None else ()), *found.said]:
        terminal.note(line)
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


def is_of_sequences(model: str) -> bool:
    """Whether a folder keeps a model of whole sequences."""
    from wavetrain.estimators._kept_files import SEQUENCES

    return (Path(model) / SEQUENCES).is_file()


def _answer(model: str, data: str, out: Path | None, json: bool) -> None:
    from wavetrain.estimators.answering import answers
    from wavetrain.estimators.door import load

    table = answers(load(model), data)
    if json:
        terminal.print_json(table.to_dict("records"))
    elif out is None:
        table.to_csv(sys.stdout, index=False, float_format="%.6g", lineterminator="\n")
    else:
        new = out.with_name(out.name + ".new")
        table.to_csv(new, index=False, float_format="%.10g", lineterminator="\n")
        new.replace(out)
        console.print(f"{len(table)} sequences: {out}", soft_wrap=True)


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
        writer.writerow([f"{one:.10g}" if isinstance(one, float) else one for one in row])
