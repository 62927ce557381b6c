"""The command `fit`: a model of one's own series, in a folder."""

import warnings
from pathlib import Path

from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name

console = terminal.Terminal()


def fit(
    data: Name,
    out: Path,
    layer: str = "gru",
    target: tuple[str, ...] = (),
    horizon: int = 1,
    time: tuple[str, ...] = (),
    id: tuple[str, ...] = (),
    known_ahead: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    resample: str = "",
    context: int | None = None,
    width: int = 32,
    depth: int = 2,
    steps: int = 300,
    rate: float = 3e-3,
    seed: int = 0,
    json: Json = False,
) -> None:
    """Learn to forecast series of one's own, and keep the model in a folder.

    Args:
        data: a table (CSV, TSV, Parquet, Excel, JSON, NPZ, NPY, gz of them), or - for standard input
        out: folder of the model
        layer: a name from `wavetrain list layers`, or mine.py:MyLayer
        target: columns to forecast; all columns of numbers where none is named
        horizon: rows ahead
        time: the column of times, found where it is not named; or one of days and one of clocks
        id: the column that tells the series apart, found where it is not named
        known_ahead: columns that are known ahead
        missing: what else says that nothing was measured, such as -999
        resample: a step that rows are brought to, such as 15min, 1h or 1D: each is the mean of its rows
        context: rows that each forecast begins with; two seasons and at least 32 where it is not given
        width: of the layers
        depth: layers in the stack
        steps: of training
        rate: the learning rate
        seed: of the random numbers
    """
    from wavetrain.estimators import Forecaster
    from wavetrain.estimators._card import STARTS
    from wavetrain.tables.read import read

    panel = read(
        data,
        target=target,
        time=time or None,
        id=id or None,
        known=known_ahead,
        missing=missing,
        resample=resample,
    )
    if not json:
        for line in panel.said:
            console.print(line)
    model = Forecaster(
        layer,
        horizon=horizon,
        context=context,
        width=width,
        depth=depth,
        steps=steps,
        rate=rate,
        random_state=seed,
    )
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always", UserWarning)
        model.fit(panel)
    for doubt in doubts:
        if doubt.category is UserWarning:
            terminal.note(str(doubt.message))
    model.save(out)
    start, end = model.history_[0][1], min(error for _, error in model.history_)
    if json:
        told = {"folder": str(out), "layer": layer, "season": model.season_, "context": model.context_}
        errors = {"starts from": model.base_.kind.value, "error of the start": start, "error": end}
        terminal.print_json({"data": list(panel.said), **told, **errors})
        return
    season = f"a season of {model.season_} rows" if model.season_ > 1 else "no season"
    console.print(f"{season}; each forecast reads at least {model.context_} rows")
    gain = f"{layer} brings its error from {start:.4g} to {end:.4g} deviations on the validation rows"
    none = f"{layer} adds nothing to it on the validation rows (error {start:.4g} deviations)"
    said = f"starts from {STARTS[model.base_.kind.value]}; {gain if end < start else none}"
    console.print(said, soft_wrap=True)
    console.print(f"model: {out}", soft_wrap=True)
