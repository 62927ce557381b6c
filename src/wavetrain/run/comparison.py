"""`wt.compare`: several layers on one data set, with the same budget for each; the result has types.

It does what the command `wavetrain compare` does, and in the same folder: either takes up what the other has
computed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wavetrain.errors import BadInput
from wavetrain.evidence.comparison import Figures, Record, Simple
from wavetrain.report.tables import columns_table, comparison, plain_text, scores
from wavetrain.run import own
from wavetrain.run.budget import chosen
from wavetrain.run.chosen import asked
from wavetrain.run.compare import compare_layers
from wavetrain.run.forecasts import compare_series
from wavetrain.run.pools import led, placed, pool_called
from wavetrain.run.terms import Terms
from wavetrain.tables.load import Described
from wavetrain.tables.read.asked import Names
from wavetrain.tables.rolling import Metric
from wavetrain.train.joining import joined
from wavetrain.train.lab import News


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What one layer made of the data, and what it costs."""

    layer: str
    family: str
    width: int
    parameters: int  # of the whole stack
    rate: float  # the learning rate that was chosen on the validation part
    score: float | None  # on the test part, the mean over the seeds; None where a training diverged
    spread: float | None  # the standard deviation over the seeds; None where there is one, or one diverged
    scores: tuple[float | None, ...]  # one for each seed
    diverged: tuple[int, ...]  # seeds whose training diverged
    state_bytes: int  # that one stream keeps from step to step
    tokens_per_second: int  # in training
    microseconds_per_step: float  # of one stream
    mean_reach: float | None  # steps, weighted by the operator of the trained stack
    most_within: int | None  # steps that hold 90% of the operator's weight
    picture: Path | None  # of the operator
    metrics: Mapping[str, float | None]  # others, of forecasts; means over the seeds
    columns: Mapping[str, float | None]  # the score of each column that is forecast, where there are several
    model: Path | None  # the forecaster of the first seed, for `wt.load`


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a simple forecast made of the data."""

    name: str
    score: float | None  # on the test part; None where it has no forecast for some of it
    metrics: Mapping[str, float | None]
    columns: Mapping[str, float | None]
    seconds: float  # to fit it
    model: Path | None  # ready to forecast, for `wt.load`; None of classes


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A comparison; `print` shows its table."""

    data: str  # the name of the data
    what: str  # sizes, parts, and what was left out
    measure: str  # of the scores
    higher: bool  # whether a higher score is better
    chance: float  # the score of the best answer that ignores the input
    chance_answer: str  # which answer that is
    rows: tuple[Compared, ...]  # best first
    left_out: Mapping[str, str]  # layers that do not fit into the budget, and why
    folder: Path  # of all that was computed
    table: str  # the table as text
    baselines: tuple[Baseline, ...]  # best first; of forecasts
    verdict: str  # in words: whether a layer earns its keep over the baselines; empty where there are none
    advice: str  # the layer or the baseline to use
    model: Path | None  # of that layer or baseline, for `wt.load`; None where models are not kept

    @property
    def best(self) -> Compared:
        """The layer with the best score."""
        return self.rows[0]

    def __str__(self) -> str:
        return self.table


def compare(
    data: Any,
    layers: Sequence[str] = (),
    *,
    target: Names = (),
    horizon: int = 1,
    time: Names | None = None,
    id: Names | None = None,
    inputs: Names | None = None,
    known_ahead: Names = (),
    missing: Sequence[str | float] = (),
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
    rates: Sequence[float] = (1e-3, 3e-3, 1e-2),
    seeds: int = 3,
    device: str = "cpu",
    on: Literal["processes", "ray"] = "processes",
    jobs: int = 1,
    out: str | Path = "runs",
) -> Comparison:
    """Compare layers on a file or on a task: which kind of memory does the data need?

    Args:
        data: series to forecast: a table in a file, a frame of pandas or polars, an array or a panel; or
            sequences (.npz with x and y, .ts), text (.txt), a name from `wavetrain list tasks data`
        layers: names from `wavetrain list layers`, or "all"; without any, one of each family
        target: columns to forecast; all columns of numbers where none is named
        horizon: rows ahead
        time: the column of times, found where it is not named
        id: the column that tells the series apart, found where it is not named
        inputs: columns to read besides; all others where none is named
        known_ahead: columns that are known ahead
        missing: what else says that nothing was measured, such as -999
        resample: the step that rows are brought to, such as 15min, 1h or 1D, as the mean of each
        classes: the column that holds the class of each id, or of each row where there is no id
        window: rows that each forecast begins with
        metric: what forecasts are ranked by
        split: "time" (the last rows are tested), "group" (whole series are), or a file to test on
        minutes: that all trainings take together, about; five where neither these nor steps are given
        quick: under a minute: one seed and one learning rate
        parameters: of the whole stack
        steps: of training, in place of minutes
        batch: sequences in a step
        depth: layers in the stack
        rates: learning rates to search
        seeds: how many
        device: cpu, cuda, cuda:1 ...
        on: processes of this machine, or ray: a cluster whose head RAY_ADDRESS names, else a Ray started here
        jobs: layers at a time, a process each; 0 for one per core. A script that asks for more than one must
            be guarded by `if __name__ == "__main__"`
        out: folder of the runs; a comparison that was cut off goes on where it stopped

    >>> import wavetrain as wt
    >>> found = wt.compare("parity", ["elman"], parameters=200, depth=1, steps=2, rates=[0.01], seeds=1)
    >>> found.measure, found.chance, found.best.layer
    ('accuracy', 0.5, 'elman')
    """
    plan = chosen(minutes=minutes, quick=quick, steps=steps, seeds=seeds, rates=rates)
    terms = Terms(parameters, plan.steps, batch, depth, plan.rates, seeds=tuple(range(plan.seeds)))
    named, place = tuple(layers) or None, Path(out)
    where = pool_called(on)  # a job array is for the command, which can be said again
    roles = own.Roles(target, time, id, inputs, known_ahead, tuple(missing), resample)
    if named is not None:
        asked(named)  # a wrong name is said before anything is read

    def compared() -> Comparison:
        if not isinstance(data, Described) and not classes and own.is_series(data, roles):
            own.check_device(device)
            if metric not in {one.value for one in Metric}:
                raise BadInput(f"expected a metric mase, mae, rmse or smape, got {metric!r}")
            series = own.series(
                data, roles, horizon=horizon, window=window, metric=Metric(metric), split=split
            )
            with placed(where, jobs=jobs, device=device, out=place) as pool:
                return typed(
                    compare_series(
                        series, named, terms, minutes=plan.minutes, out=place, pool=pool, say=_silent
                    )
                )
        loaded, _ = own.answered(data, roles, classes, place, horizon=horizon, window=window, split=split)
        with placed(where, jobs=jobs, device=device, out=place) as pool:
            return typed(
                compare_layers(
                    loaded, named, terms, place, device, pool, _quiet, minutes=plan.minutes, say=_silent
                )
            )

    return led(joined(), compared)


def typed(record: Record) -> Comparison:
    """The record of a comparison, as its folder holds it, as one to work with."""
    folder = Path(record.folder)
    return Comparison(
        data=record.data.name,
        what=record.data.what,
        measure=record.measure,
        higher=record.higher,
        chance=record.chance.score,
        chance_answer=record.chance.answer,
        rows=tuple(_row(one, record, folder) for one in record.figures),
        left_out=dict(record.left_out),
        folder=folder,
        table=plain_text(columns_table(scores(record) if record.baselines else comparison(record))),
        baselines=tuple(_baseline(one, folder) for one in record.baselines),
        verdict="" if record.verdict is None else record.verdict.says,
        advice=record.figures[0].layer if record.verdict is None else record.verdict.advice,
        model=folder / record.advised if record.advised else None,
    )


def _row(figures: Figures, record: Record, folder: Path) -> Compared:
    layer = figures.layer
    timings, context = record.timings[layer], figures.context
    drawn = record.pictures.get(layer)
    return Compared(
        layer=layer,
        family=figures.family,
        width=figures.width,
        parameters=figures.parameters,
        rate=figures.rate,
        score=figures.score,
        spread=figures.spread,
        scores=tuple(figures.scores),
        diverged=tuple(figures.diverged),
        state_bytes=figures.state_bytes,
        tokens_per_second=timings.training_tokens_per_second,
        microseconds_per_step=timings.microseconds_per_step,
        mean_reach=context.mean if context else None,
        most_within=context.reach if context else None,
        picture=folder / drawn if drawn else None,
        metrics=figures.metrics,
        columns=figures.columns,
        model=folder / figures.model if figures.model else None,
    )


def _baseline(one: Simple, folder: Path) -> Baseline:
    return Baseline(
        name=one.name,
        score=one.score,
        metrics=one.metrics,
        columns=one.columns,
        seconds=one.seconds,
        model=folder / one.model if one.model else None,
    )


def _silent(line: str) -> None:
    """What is over is not printed: only the command prints."""


def _quiet(news: News) -> None:
    """What happens on the way is not printed: only the command prints."""
