"""The command `compare`: several layers on one data set."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wavetrain.cli import several, terminal
from wavetrain.cli.arguments import Json, Name
from wavetrain.cli.progress import progress
from wavetrain.cli.tracking import kind, tracking

if TYPE_CHECKING:
    from wavetrain.evidence.comparison import Record
    from wavetrain.evidence.in_turn import InTurn

console = terminal.Terminal()


def compare(
    data: Name = "",
    stream: tuple[str, ...] = (),
    rules: tuple[str, ...] = (),
    layers: tuple[str, ...] = (),
    target: tuple[str, ...] = (),
    horizon: int = 1,
    time: tuple[str, ...] = (),
    id: tuple[str, ...] = (),
    inputs: tuple[str, ...] = (),
    known_ahead: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    resample: str = "",
    classes: str = "",
    window: int | None = None,
    metric: Literal["mase", "mae", "rmse", "smape"] = "mase",
    split: str = "time",
    minutes: float | None = None,
    quick: bool = False,
    parameters: int = 20_000,
    steps: int | None = None,
    batch: int = 32,
    depth: int = 2,
    rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2),
    seeds: int = 3,
    device: str = "cpu",
    on: Literal["processes", "ray", "slurm"] = "processes",
    piece: str = "",
    jobs: int = 0,
    out: Path = Path("runs"),
    track: str | None = None,
    json: Json = False,
) -> None:
    """Several layers on one data set under one budget: which memory does it need, and is it worth it?

    Or several rules: with --rules one layer with a linear read-out is taught by each of them.

    Tables (CSV, TSV, Parquet, Excel, JSON, NPY, gz of them) are forecast, beside baselines. NPZ with x and y,
    and .ts, hold sequences to answer; .txt holds bytes to predict. With --stream several files of classes are
    learned one after another by several rules: what does each rule forget?

    Args:
        data: a file, - for standard input, or a name from `wavetrain list tasks data`
        stream: files with a class for each sequence, in the order in which they are learned, in place of data
        rules: names from `wavetrain list rules`; of a stream four usual ones where none is given
        layers: names from `wavetrain list layers`, or all; one of each family where none is given; rules
            teach one, a GRU where none is given
        target: columns to forecast; all columns of numbers where none is named
        horizon: rows ahead
        time: the column of times, found where it is not named; or one of days and one of clocks
        id: the column that tells the series apart, found where it is not named
        inputs: columns to read besides; all others where none is named
        known_ahead: columns that are known ahead, such as holidays
        missing: what else says that nothing was measured, such as -999
        resample: a step that rows are brought to, such as 15min, 1h or 1D: each is the mean of its rows
        classes: the column that holds the class of each id, or of each row where there is no id
        window: rows that each forecast begins with; two seasons and at least 32 where it is not given
        metric: what forecasts are ranked by
        split: time (the last rows are tested), group (whole series are), or a file to test on
        minutes: that all trainings take together, about; five where neither these nor steps are given
        quick: under a minute: one seed and one learning rate
        parameters: of the whole stack
        steps: of training, in place of minutes; rules have 400 where none are given
        batch: sequences in a step
        depth: layers in the stack
        rates: learning rates to search
        seeds: how many
        device: cpu, cuda, cuda:1 ...
        on: processes of this machine; ray: a cluster whose head RAY_ADDRESS names, else a Ray started here;
            slurm: prints a job array that does a piece a task, and submits nothing
        piece: of a job array: do this one alone
        jobs: layers at a time, one torch thread each; 0 for one per core (one per GPU)
        out: folder of the runs
        track: write losses and scores for tensorboard (into OUT/tensorboard) or wandb (its own settings hold)
    """
    from wavetrain.errors import BadInput
    from wavetrain.evidence.shape import written
    from wavetrain.run import by_rule, in_turn, own, stream_files
    from wavetrain.run.budget import chosen
    from wavetrain.run.chosen import asked
    from wavetrain.run.classes import is_answered, small
    from wavetrain.run.compare import compare_layers
    from wavetrain.run.forecasts import compare_series
    from wavetrain.run.pools import placed
    from wavetrain.run.terms import Terms
    from wavetrain.tables.rolling import Metric

    terminal.within(seeds=seeds, jobs=jobs or 1)
    if track is not None:
        kind(track)  # what cannot be had is said before the work
    where, device = terminal.place(on, device)
    words = terminal.words_said()
    workers = partial(
        placed, where, jobs=jobs, device=device, out=out, say=terminal.note, words=words, piece=piece
    )
    quiet = json or on == "slurm"  # whose script is all that is printed
    plan = chosen(minutes=minutes, quick=quick, steps=steps, seeds=seeds, rates=rates)
    terms = Terms(parameters, plan.steps, batch, depth, plan.rates, seeds=tuple(range(plan.seeds)))
    roles = own.Roles(target, time or None, id or None, inputs or None, known_ahead, missing, resample)
    _check_array(on, data, stream, plan.minutes)
    if layers:
        asked(layers)  # a wrong name is said before anything is read
    say = _quiet if quiet else _said
    roles_given = any(roles) or classes or (horizon, window, split) != (1, None, "time")
    stream_files.check(data, stream, rules, layers, minutes=minutes, quick=quick, others=bool(roles_given))
    several.refuse(stream or rules, "rules learn in one process each: expected --jobs in place of torchrun")
    if stream:
        layer = layers[0] if layers else stream_files.LAYER
        with (
            workers() as pool,
            progress(console, quiet=json) as tell,
            tracking(track, out, tell) as tell_all,
        ):
            turns = in_turn.compare_rules(stream, rules, layer, terms, out, device, pool, tell_all, say=say)
        if json:
            terminal.print_json(written(turns))
        else:
            _print_in_turn(turns)
        return
    if rules:
        if own.is_series(data, roles):
            raise BadInput(
                f"rules are compared on sequences with answers, text or a task, got a table: {data}"
            )
        with (
            workers() as pool,
            progress(console, quiet=json) as tell,
            tracking(track, out, tell) as tell_all,
        ):
            taught = by_rule.compare_rules_on(
                data,
                rules,
                layers[0] if layers else stream_files.LAYER,
                terms,
                out,
                device,
                pool,
                tell_all,
                say=say,
            )
        if json:
            terminal.print_json(written(taught))
        else:
            _print(taught)
        return
    if not classes and own.is_series(data, roles):
        own.check_device(device)
        series = own.series(data, roles, horizon=horizon, window=window, metric=Metric(metric), split=split)
        _tell([*series.split.past.said, series.split.said], quiet)
        with workers() as pool, tracking(track, out, lambda news: None) as tell:
            result = compare_series(
                series, layers or None, terms, minutes=plan.minutes, out=out, pool=pool, say=say, tell=tell
            )
    else:
        loaded, said = own.answered(data, roles, classes, out, horizon=horizon, window=window, split=split)
        doubt = small(loaded.task) if is_answered(loaded.task) else ""
        _tell([*said, loaded.what, *([doubt] if doubt else [])], quiet)  # before hours of training
        with (
            workers() as pool,
            progress(console, quiet=json) as tell,
            tracking(track, out, tell) as tell_all,
        ):
            result = compare_layers(
                loaded, layers or None, terms, out, device, pool, tell_all, minutes=plan.minutes, say=say
            )
    if json:
        terminal.print_json(written(result))
    else:
        _print(result)


def _check_array(on: str, data: str, stream: Sequence[str], minutes: float | None) -> None:
    """What tasks of a job array can do by themselves."""
    from wavetrain.errors import BadInput

    if on != "slurm":
        return
    if stream:
        raise BadInput("files in turn are no job array: expected --stream with --on processes or ray")
    if data == "-":
        raise BadInput("tasks of a job array read by themselves: expected a file, got standard input")
    if minutes is not None:
        raise BadInput("a job array has given steps: expected --steps, as minutes depend on the machine")


def _print_in_turn(result: "InTurn") -> None:
    from wavetrain.report.in_turn import kept_columns
    from wavetrain.report.tables import columns_table

    console.print(columns_table(kept_columns(result)))
    count = len(result.terms["seeds"])
    console.print(
        f"accuracy on the test parts, {count} seed{'s' * (count != 1)}; files as they are in the end"
    )
    console.print(f"† to hold the rules against; the commonest class of each file: {result.chance:.3f}")
    console.print(f"page: {Path(result.folder) / 'index.html'}", soft_wrap=True)


def _print(result: "Record") -> None:
    from wavetrain.report.tables import columns_table, comparison, costs, scores

    folder = Path(result.folder)
    if result.baselines:
        console.print(columns_table(scores(result)))
        names = ", ".join(result.baselines[0].metrics)
        count = len(result.terms["seeds"])
        console.print(f"† a baseline. On the test part, {count} seed{'s' * (count != 1)}: {names}")
        console.print(columns_table(costs(result)))
    else:
        console.print(columns_table(comparison(result)))
        console.print(f"chance: {result.chance.answer}")
    for why in result.left_out.values():
        console.print(f"left out: {why}")
    if result.verdict is not None:
        console.print(result.verdict.says)
    if result.advised:
        new = "" if "horizon" in result.terms else " NEW"  # whole sequences are not gone on with
        console.print(f"to use it: wavetrain predict {folder / result.advised}{new}", soft_wrap=True)
    if any(one.model for one in result.figures):
        console.print(f"models: {folder / 'models'}", soft_wrap=True)
    console.print(f"page: {folder / 'index.html'}", soft_wrap=True)


def _tell(lines: Sequence[str], json: bool) -> None:
    for line in lines if not json else ():
        console.print(line)


def _said(line: str) -> None:
    console.print(line)


def _quiet(line: str) -> None:
    pass
