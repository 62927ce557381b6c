"""Several layers, one data set, one budget: what each makes of it, and what it costs.

Each layer stands in the same residual stack (`stack.Stack`), as wide as brings the whole to the budget of
parameters. A plain MLP follows every layer, whatever its published block has: layers differ in whether they
are linear and mix channels, and with that behind each of them what is compared is how they carry the past.
A residual that a layer brings is kept and not doubled.

Each gets the same steps, the same seeds and the same search: every learning rate on the first seed for a
part of the steps, chosen on the validation part. Every seed is then trained with that rate and examined once
on the test part. A training that diverges is reported as that, never as a figure.

By default there is one layer of each family: the founder, the one with the oldest paper. What a comparison
depends on is in the name of its folder, so a killed one goes on where it stopped and ends with the same
figures; timings lie apart from them, since no two are alike.
"""

import dataclasses
import datetime
import functools
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from wavetrain import __version__
from wavetrain.core import Recorded
from wavetrain.errors import BadInput
from wavetrain.evidence import code, comparison
from wavetrain.evidence.comparison import Figures, Part, Record
from wavetrain.evidence.files import write_json
from wavetrain.report.comparisons import write_page
from wavetrain.run import answers, classes, contender, looks
from wavetrain.run.budget import Cost, Progress
from wavetrain.run.chosen import asked, founders
from wavetrain.run.contender import Entry, crop_of, execute, fitting_width, measure
from wavetrain.run.pools import Pool, named_in
from wavetrain.run.terms import Terms, plain, with_steps
from wavetrain.run.threads import limited
from wavetrain.tables.load import Described, load
from wavetrain.train.joining import started
from wavetrain.train.lab import News


def compare_layers(
    source: str | Described,
    layers: Sequence[str] | None,
    terms: Terms,
    out: Path,
    device: str,
    pool: Pool,
    tell: Callable[[News], None],
    *,
    minutes: float | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Record:
    """Compare layers on a file or a named task, loaded or not; returns what its folder in `out` holds.

    Without `layers`, the founder of each family is taken; "all" takes every layer. With `minutes`, the steps
    in `terms` become what fits into them. Each layer is a piece of work of the pool. `say` is told a
    line for each layer that is over.
    """
    data = load(source) if isinstance(source, str) else source
    named = None if layers is None or "all" in layers else layers
    chosen = founders() if layers is None else asked(layers)
    sizes: dict[str, tuple[int, int]] = {}
    left_out: dict[str, str] = {}  # of the default, what does not fit into the budget
    for one in chosen:
        try:
            sizes[one.name] = fitting_width(one, data.task, terms)
        except BadInput as error:
            if named is not None or (one.name == chosen[-1].name and not sizes):
                raise
            left_out[one.name] = str(error)
    chosen = [one for one in chosen if one.name in sizes]
    here = [Path(__file__), Path(contender.__file__)]
    config = {
        "data": data.digest,
        "terms": plain(terms) | ({} if minutes is None else {"steps": None, "minutes": minutes}),
        "layers": {one.name: code.digest([one.path, *here]) for one in chosen},
        "device": device,
        "version": __version__,
        **({} if (world := started()[1]) == 1 else {"processes": world}),  # figures agree to rounding
    }
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
    folder = out / f"compare-{data.name}-{digest}"
    if (folder / "result.json").exists():
        record = comparison.read_record(folder / "result.json")
        say(f"taken up from {folder}, of {record.environment.get('date', 'an earlier day')}")
        return record
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "config.json").exists():  # tasks of a job array begin at once
        write_json(folder / "config.json", config)
    crop = crop_of(data.task, max(width for width, _ in sizes.values()))
    entries = [
        Entry(one, *sizes[one.name], crop, data.source, terms, folder, device, data.reading) for one in chosen
    ]
    if minutes is not None:
        costs = functools.partial(_costs, entries, pool, tell)
        terms = with_steps(terms, folder, costs, minutes=minutes, jobs=pool.jobs, say=say)
        entries = [dataclasses.replace(one, terms=terms) for one in entries]
    parts: dict[str, Part] = {}
    told = Progress(len(entries), say)
    for entry, part in pool.each(execute, entries, named_in(folder, tell)):
        parts[entry.layer] = part
        score = part.figures.score
        told.over(entry.layer, "diverged" if score is None else f"{data.task.objective.measure} {score:.3f}")
    figures = [parts[entry.layer].figures for entry in entries]  # not in the order in which they end
    judgement = _judged(data, folder, figures)
    if judgement is not None:
        figures = [dataclasses.replace(one, metrics=judgement.metrics.get(one.layer, {})) for one in figures]
    objective = data.task.objective
    sign = 1 if objective.higher else -1
    figures.sort(key=lambda one: math.inf if one.score is None else -sign * one.score)
    record = Record(
        data=comparison.Source(source=data.source, name=data.name, what=data.what),
        measure=objective.measure,
        higher=objective.higher,
        chance=comparison.Chance(score=data.task.chance, answer=data.chance),
        terms=plain(terms),
        left_out=left_out,
        figures=tuple(figures),
        timings={layer: part.timings for layer, part in parts.items()},
        pictures=looks.draw_operators(folder, figures),
        environment=pool.environment(device, threads=1)
        | {"jobs": pool.jobs, "date": str(datetime.date.today())},
        folder=str(folder),
        baselines=() if judgement is None else judgement.baselines,
        verdict=None if judgement is None else judgement.verdict,
        said=tuple(line for line in (data.what, classes.small(data.task)) if line) if judgement else (),
    )
    write_page(record, folder)
    comparison.write(folder / "result.json", record)  # last: where it is, all is there
    return record


def _judged(data: Described, folder: Path, figures: Sequence[Figures]) -> answers.Judgement | None:
    """The layers held against baselines, where answers for whole sequences are asked for."""
    task = data.task
    if not isinstance(task, Recorded) or not classes.is_answered(task):
        return None
    whole = [one.layer for one in figures if not one.diverged]
    with limited(1):
        return classes.held(data, task, folder, whole)


def _costs(entries: Sequence[Entry], pool: Pool, tell: Callable[[News], None]) -> list[Cost]:
    return [cost for _, cost in pool.each(measure, entries, tell)]
