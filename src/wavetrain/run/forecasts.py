"""Layers and baselines on series of one's own: the same rows, the same budget, and a verdict in words.

Every layer stands in a `Forecaster`, in the same residual stack, as wide as brings the network to the budget
of parameters, and adds to the same simple forecast. Each learning rate is tried on the first seed for a part
of the steps and chosen by the error on the validation part; every seed is then trained with that rate, and
all forecast the same windows of the test part once. How many steps there are is given, or follows from a
number of minutes, and is the same for all.

The best layer and the best baseline are chosen by the validation part; `tables/verdict.py` says whether the
layer is better by more than chance. What each contestant does is in `contestants.py`.

What a comparison depends on is in the name of its folder, so one that was killed goes on where it stopped:
what is over is read.
"""

import datetime
import functools
import hashlib
import json
import math
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wavetrain import __version__, find
from wavetrain.errors import BadInput
from wavetrain.estimators import Forecaster
from wavetrain.evidence import code, comparison
from wavetrain.evidence.comparison import Chance, Figures, Judged, Part, Record, Simple, Source
from wavetrain.evidence.files import write_json
from wavetrain.report.comparisons import write_page
from wavetrain.run import contestants, fallback, looks, widths
from wavetrain.run.budget import Cost, Progress
from wavetrain.run.chosen import asked, founders
from wavetrain.run.contestants import Entry, Question, Simplest, Simply
from wavetrain.run.pictures import draw_standing, write_forecasts
from wavetrain.run.pools import Pool, named_in
from wavetrain.run.standing import Standing
from wavetrain.run.terms import Terms, plain, with_steps
from wavetrain.tables.baselines import LastValue
from wavetrain.tables.panel import Panel
from wavetrain.tables.split import Split
from wavetrain.tables.verdict import Verdict
from wavetrain.train.joining import started
from wavetrain.train.lab import News

Say = Callable[[str], None]
NARROWEST = 4  # width of a layer that is worth a comparison


@dataclass(frozen=True, eq=False, kw_only=True)
class Series:
    """Series of one's own, and what is asked of them."""

    source: str
    name: str  # for tables and folders
    split: Split
    question: Question


def compare_series(
    data: Series,
    layers: Sequence[str] | None,
    terms: Terms,
    *,
    minutes: float | None,
    out: Path,
    pool: Pool,
    say: Say,
    tell: Callable[[News], None] = lambda news: None,
) -> Record:
    """Compare layers and baselines; with `minutes`, the steps in `terms` become what fits into them.

    Without `layers`, the founder of each family is taken; "all" takes every layer. Each contestant is a
    piece of work of the pool. `say` is told a line for each that is over, `tell` how trainings go.
    """
    named = layers is not None and "all" not in layers
    entries, left_out = _entries(founders() if layers is None else asked(layers), data, terms, named)
    folder = _folder(out, data, entries, terms, minutes)
    if (folder / "result.json").exists():
        record = comparison.read_record(folder / "result.json")
        say(f"taken up from {folder}, of {record.environment.get('date', 'an earlier day')}")
        return record
    contestants.write_split(data.split, folder)
    entries = [replace(one, folder=folder) for one in entries]
    if minutes is not None:
        costs = functools.partial(_costs, entries, pool)
        terms = with_steps(terms, folder, costs, minutes=minutes, jobs=pool.jobs, say=say)
        entries = [replace(one, terms=terms) for one in entries]
    standing, parts, over = _all(entries, data.question, folder, pool, say, named_in(folder, tell))
    judged = standing.verdict()
    figures = sorted((_figures(parts[one.name], standing) for one in entries), key=_rank)
    timings = {name: part.timings for name, part in parts.items()}
    last = standing.scores(LastValue.name)[0]
    some = Forecaster.load(folder / figures[0].model)  # whichever: all read as many rows
    hollow = fallback.told(some, data.split.test, standing.test)
    record = Record(
        data=Source(source=data.source, name=data.name, what="; ".join(data.split.past.said)),
        measure=last.name,
        higher=False,
        chance=Chance(score=last.value, answer="repeating the last value"),
        terms=plain(terms) | {"horizon": data.question.horizon, "season": data.question.season},
        left_out=left_out,
        figures=tuple(figures),
        timings=timings,
        pictures=looks.draw_operators(folder, figures),
        drawn=draw_standing(folder, standing, _chosen(judged), figures, timings),
        environment=pool.environment("cpu", threads=1)
        | {"jobs": pool.jobs, "date": str(datetime.date.today())},
        folder=str(folder),
        baselines=tuple(sorted((_simple(one, standing) for one in over), key=_rank)),
        verdict=_judged(judged),
        said=(
            *data.split.past.said,
            data.split.said,
            _season(data.question.season),
            *([hollow] if hollow else []),
        ),
    )
    _write_forecasts(folder, standing, data.split.test)
    write_page(record, folder)
    comparison.write(folder / "result.json", record)  # last: where it is, all is there
    for path in (*folder.glob("*.npz"), folder / "firsts.npy"):  # rows and answers, told in other files
        path.unlink()
    return record


def _entries(
    chosen: Sequence[find.Found], data: Series, terms: Terms, named: bool
) -> tuple[list[Entry], dict[str, str]]:
    """The layers at the widths of the budget, and those of the default that do not fit into it."""
    entries: list[Entry] = []
    left_out: dict[str, str] = {}
    for found in chosen:
        entry = Entry(found=found, width=1, parameters=0, question=data.question, terms=terms, folder=Path())
        try:
            entries.append(_fitted(entry, data.split.past))
        except BadInput as error:
            if named or (found.name == chosen[-1].name and not entries):
                raise
            left_out[found.name] = str(error)
    return entries, left_out


def _fitted(entry: Entry, past: Panel) -> Entry:
    sizes = entry.forecaster(steps=0, rate=1e-3, seed=0).sizes(past)

    def size(width: int) -> float:
        try:
            return sizes(width)
        except BadInput:
            return math.inf

    found = widths.nearest(size, entry.terms.parameters)
    if found is None or found[0] < NARROWEST:
        raise BadInput(
            f"{entry.name}: expected a budget of at least {widths.least(size, NARROWEST):,} parameters for "
            f"{len(past.columns):,} columns and a horizon of {entry.question.horizon}, got "
            f"{entry.terms.parameters:,}; name fewer columns with --target and --inputs, or give --parameters"
        )
    return replace(entry, width=found[0], parameters=found[1])


def _folder(out: Path, data: Series, entries: Sequence[Entry], terms: Terms, minutes: float | None) -> Path:
    """The folder of these rows, this question and this budget; `config.json` says what it depends on."""
    here = [Path(__file__), Path(contestants.__file__)]
    plan = plain(terms) if minutes is None else {**plain(terms), "steps": None, "minutes": minutes}
    config = {
        "data": digest(data.split),
        "question": {**vars(data.question), "metric": data.question.metric.value},
        "terms": plan,
        "layers": {one.name: code.digest([one.found.path, *here]) for one in entries},
        "version": __version__,
        **({} if (world := started()[1]) == 1 else {"processes": world}),  # figures agree to rounding
    }
    short = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
    folder = out / f"compare-{data.name}-{short}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "config.json").exists():  # tasks of a job array begin at once
        write_json(folder / "config.json", config)
    return folder


def digest(split: Split) -> str:
    """Of all rows, their columns and roles, and of what is tested."""
    found = hashlib.sha256(repr(split.firsts).encode())
    for panel in (split.past, split.test):
        found.update(repr((panel.columns, panel.targets, panel.known, panel.clock)).encode())
        for one in panel.series:
            found.update(one.name.encode() + np.ascontiguousarray(one.values).tobytes())
            found.update(b"" if one.times is None else np.ascontiguousarray(one.times).tobytes())
    return found.hexdigest()


def _costs(entries: Sequence[Entry], pool: Pool) -> list[Cost]:
    return [cost for _, cost in pool.each(contestants.measure, entries, _quiet)]


def _all(
    entries: Sequence[Entry],
    question: Question,
    folder: Path,
    pool: Pool,
    say: Say,
    tell: Callable[[News], None],
) -> tuple[Standing, dict[str, Part], list[Simply]]:
    """Every baseline and every layer, and where they stand."""
    simplest = [
        Simplest(name=name, question=question, folder=folder) for name in contestants.baselines(question)
    ]
    standing = Standing.of(contestants.read_split(folder), question)
    parts: dict[str, Part] = {}
    over: list[Simply] = []
    told = Progress(len(entries), say)
    items: list[Entry | Simplest] = [*simplest, *entries]
    for item, found in pool.each(contestants.execute, items, tell):
        if isinstance(found, Part):
            parts[item.name] = found
            standing.add(item.name, contestants.read_answers(folder / f"{item.name}.npz"), baseline=False)
            told.over(item.name, standing.told(item.name))
        else:
            over.append(found)
            standing.add(found.name, contestants.read_answers(folder / f"{item.name}.npz"), baseline=True)
            say(f"{found.name}, a baseline: {standing.told(found.name)}")
    return standing, parts, over


def _quiet(news: News) -> None:
    """What is measured before the trainings is not told."""


def _figures(part: Part, standing: Standing) -> Figures:
    name = part.figures.layer
    scores = [one.value if one.whole else None for one in standing.scores(name)]
    whole = [one for one in scores if one is not None]
    bad = len(whole) < len(scores)
    return replace(
        part.figures,
        scores=tuple(scores),
        score=None if bad else statistics.fmean(whole),
        spread=None if bad or len(whole) == 1 else statistics.stdev(whole),
        metrics=standing.metrics(name),
        columns=standing.columns(name),
    )


def _simple(one: Simply, standing: Standing) -> Simple:
    (score,) = standing.scores(one.name)
    return Simple(
        name=one.name,
        score=score.value if score.whole else None,
        metrics=standing.metrics(one.name),
        columns=standing.columns(one.name),
        seconds=one.seconds,
        model=one.model,
    )


def _rank(one: Figures | Simple) -> float:
    return math.inf if one.score is None else one.score


def _chosen(found: Verdict) -> tuple[str, ...]:
    """The layer and the baseline that the verdict is about."""
    return (*([found.layer.name] if found.layer else []), found.baseline.name)


def _judged(found: Verdict) -> Judged:
    return Judged(says=str(found), advice=found.advice, earns=found.earns, chosen=_chosen(found))


def _write_forecasts(folder: Path, standing: Standing, test: Panel) -> None:
    """The forecasts of each contestant as a table."""
    (folder / "forecasts").mkdir(exist_ok=True)
    times = [one.times for one in test.series]
    for name in standing.candidates:
        path = folder / "forecasts" / f"{re.sub(r'[^a-z0-9_]+', '_', name.lower()).strip('_')}.csv"
        write_forecasts(path, standing, name, times, test.clock)


def _season(season: int) -> str:
    return f"a season of {season} rows" if season > 1 else "no season"
