"""The command `fit`: a model of one's own series, in a folder."""

import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavetrain.cli import several, terminal
from wavetrain.cli.arguments import Json, Name
from wavetrain.errors import BadInput

if TYPE_CHECKING:
    from wavetrain.estimators import BaselineForecaster, Forecaster
    from wavetrain.estimators._sequences import SequenceEstimator
    from wavetrain.tables.read.answered import Reading

console = terminal.Terminal()
LAYER = "gru"  # where none is named


def fit(
    data: Name,
    out: Path,
    layer: str | None = None,
    baseline: str | None = None,
    target: tuple[str, ...] = (),
    horizon: int = 1,
    time: tuple[str, ...] = (),
    id: tuple[str, ...] = (),
    known_ahead: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    resample: str = "",
    classes: str = "",
    context: int | None = None,
    width: int = 32,
    depth: int = 2,
    steps: int = 300,
    rate: float = 3e-3,
    seed: int = 0,
    sharded: bool = False,
    json: Json = False,
) -> None:
    """Learn to forecast series of one's own, by a layer or a simple baseline, and keep the model in a folder.

    Sequences with a class, or numbers, each are answered instead: a table and --classes, .ts, NPZ with x and
    y, a folder of classes.

    Args:
        data: a table (CSV, TSV, Parquet, Excel, JSON, NPZ, NPY, gz of them), or - for standard input
        out: folder of the model
        layer: a name from `wavetrain list layers`, or mine.py:MyLayer; gru where neither this nor a baseline
            is named
        baseline: in place of a layer: last_value, seasonal_naive, ridge or boosted_trees; of classes
            most_frequent_class or random_kernels, of numbers mean, ridge_on_summaries or
            ridge_on_random_kernels
        target: columns to forecast; all columns of numbers where none is named
        horizon: rows ahead
        time: the column of times, found where it is not named; or one of days and one of clocks
        id: the column that tells the series apart, found where it is not named
        known_ahead: columns that are known ahead
        missing: what else says that nothing was measured, such as -999
        resample: a step that rows are brought to, such as 15min, 1h or 1D: each is the mean of its rows
        classes: the column that holds the class of each id, or of each row where there is no id
        context: rows that each forecast begins with; two seasons and at least 32 where it is not given
        width: of the layers; what follows is of no use to a baseline
        depth: layers in the stack
        steps: of training
        rate: the learning rate
        seed: of the random numbers
        sharded: under torchrun, split what the optimiser keeps over the processes
    """
    from wavetrain.estimators import BaselineForecaster, Forecaster
    from wavetrain.tables.read import read
    from wavetrain.tables.read.answered import Reading, has_answers

    _check_one(layer, baseline)
    several.refuse(data == "-", "one process reads standard input: expected a file under torchrun, got -")
    _split(sharded)
    if classes or (not (target or horizon != 1) and has_answers(Path(data))):
        if target or known_ahead or resample or horizon != 1 or context is not None:
            raise BadInput(
                "whole sequences are answered: expected no --target, --horizon, --known-ahead, --resample "
                "or --context"
            )
        reading = Reading(classes=classes, id=id, time=time, missing=missing)
        settings = {"width": width, "depth": depth, "steps": steps, "rate": rate, "random_state": seed}
        _answers(data, reading, settings, out, json, layer=layer or LAYER, baseline=baseline)
        return
    model: Forecaster | BaselineForecaster
    if baseline is not None:
        model = BaselineForecaster(baseline, horizon=horizon, context=context)
    else:
        model = Forecaster(
            layer or LAYER,
            horizon=horizon,
            context=context,
            width=width,
            depth=depth,
            steps=steps,
            rate=rate,
            random_state=seed,
        )
    model.check()
    terminal.folder(out)
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
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always", UserWarning)
        model.fit(panel)
    for doubt in doubts:
        if doubt.category is UserWarning:
            terminal.note(str(doubt.message))
    _keep(model, out)
    said, told = _network(model) if isinstance(model, Forecaster) else _baseline(model)
    season = f"a season of {model.season_} rows" if model.season_ > 1 else "no season"
    if json:
        found = {"folder": str(out), "season": model.season_, "context": model.context_}
        terminal.print_json({"data": list(panel.said), **found, **told})
        return
    console.print(f"{season}; {said}", soft_wrap=True)
    console.print(f"model: {out}", soft_wrap=True)


def _split(sharded: bool) -> None:
    """Whether several processes split what the optimiser keeps; one has it all."""
    from wavetrain.train.ranks import here

    if not here().alone:
        here().sharded = sharded


def _keep(model: "Forecaster | BaselineForecaster | SequenceEstimator", out: Path) -> None:
    """The first of however many processes writes the model."""
    from wavetrain.train.ranks import here

    if here().first:
        model.save(out)


def _check_one(layer: str | None, baseline: str | None) -> None:
    if baseline is not None and layer is not None:
        raise BadInput("expected one of --layer and --baseline, got both")


def _answers(
    data: str,
    reading: "Reading",
    settings: dict[str, Any],
    out: Path,
    json: bool,
    *,
    layer: str,
    baseline: str | None,
) -> None:
    """Learn the class, or the numbers, of whole sequences, by a baseline where one is named."""
    from wavetrain.estimators import SequenceClassifier, SequenceRegressor
    from wavetrain.estimators._kept import layer_of
    from wavetrain.estimators._simply import check, learn_simply
    from wavetrain.estimators.answering import learn

    if baseline is None:
        layer_of(layer)  # a wrong name is said before anything is read
    else:
        check(baseline)
    terminal.folder(out)
    found, lines = reading.first(data)
    kind = SequenceRegressor if found.labels is None else SequenceClassifier
    if not json:
        for line in lines:
            console.print(line)
    if baseline is None:
        model: SequenceEstimator = learn(kind(layer, **settings), found, reading)
    else:
        model = learn_simply(baseline, found, reading)
    _keep(model, out)
    told: dict[str, Any] = {
        "data": list(lines),
        "folder": str(out),
        **({"layer": layer} if baseline is None else {"baseline": baseline}),
    }
    words = f"{model.layer} learned {len(found.series):,} sequences"
    if found.labels is not None:
        told["classes"] = dict(sorted(Counter(found.labels).items()))
        words += " of " + ", ".join(f"{one} ({count})" for one, count in told["classes"].items())
    if model.valid_score_ is not None:
        what = "R²" if found.labels is None else "accuracy"
        kept = "kept to choose the step by" if baseline is None else "held out of a first fit"
        told[f"{what} on the sequences to choose by"] = model.valid_score_
        words += f"\n{what} {model.valid_score_:.3f} on {model.held_} of them, {kept}"
    if json:
        terminal.print_json(told)
        return
    console.print(words, soft_wrap=True)
    console.print(f"model: {out}", soft_wrap=True)


def _network(model: "Forecaster") -> tuple[str, dict[str, Any]]:
    """What a network learned, in words and in figures."""
    from wavetrain.estimators._card import STARTS

    start, end = model.history_[0][1], min(error for _, error in model.history_)
    base, layer = model.base_.kind.value, model.called
    gain = f"{layer} brings its error from {start:.4g} to {end:.4g} deviations on the validation rows"
    none = f"{layer} adds nothing to it on the validation rows (error {start:.4g} deviations)"
    words = (
        f"each forecast reads at least {model.context_} rows\n"
        f"starts from {STARTS[base]}; {gain if end < start else none}"
    )
    return words, {"layer": layer, "starts from": base, "error of the start": start, "error": end}


def _baseline(model: "BaselineForecaster") -> tuple[str, dict[str, Any]]:
    """What a baseline learned, in words and in figures."""
    scores = {score.name: score.value for score in model.valid_.scores()}
    words = ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
    told = {"baseline": model.baseline, "on the validation rows": scores}
    return f"{model.called} reads up to {model.reach} rows\non the validation rows: {words}", told
