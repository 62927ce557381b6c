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
import operator
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from wavetrain import __version__, find, scan
from wavetrain.core import Layer, Recorded, Task
from wavetrain.errors import BadInput
from wavetrain.estimators.answering import of_comparison
from wavetrain.evidence import code, comparison
from wavetrain.evidence.comparison import Figures, Part, Record, Timings
from wavetrain.evidence.files import write_json
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.report.comparisons import write_page
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.run import answers, classes, looks, widths
from wavetrain.run.budget import Cost, Progress
from wavetrain.run.chosen import asked, founders
from wavetrain.run.machine import environment
from wavetrain.run.pools import named_in, pool
from wavetrain.run.terms import Terms, plain, with_steps
from wavetrain.run.threads import limited
from wavetrain.tables.load import Described, load
from wavetrain.tables.read.answered import Reading
from wavetrain.train.fit import examine, fit
from wavetrain.train.generators import Shared
from wavetrain.train.lab import Lab, News, Plan

HELD_OUT = 500  # sequences of the validation part that trainings are examined on
TIMED = 14  # steps of training that are timed
LOOKS = 4  # tests that a training costs besides its steps, about
MEASURED = 4  # steps of training that a budget is planned by


@dataclass(frozen=True)
class Entry:
    """One layer in a comparison: the piece of work of one process."""

    found: find.Found
    width: int
    parameters: int
    crop: looks.Crop
    source: str
    terms: Terms
    folder: Path
    device: str
    reading: Reading | None = None  # of later sequences; None where no model is kept

    @property
    def layer(self) -> str:
        return self.found.name


def compare_layers(
    source: str | Described,
    layers: Sequence[str] | None,
    terms: Terms,
    out: Path,
    device: str,
    jobs: int,
    tell: Callable[[News], None],
    *,
    minutes: float | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Record:
    """Compare layers on a file or a named task, loaded or not; returns what its folder in `out` holds.

    Without `layers`, the founder of each family is taken; "all" takes every layer. With `minutes`, the steps
    in `terms` become what fits into them. Each of `jobs` is a process with one torch thread. `say` is told a
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
    config = {
        "data": data.digest,
        "terms": plain(terms) | ({} if minutes is None else {"steps": None, "minutes": minutes}),
        "layers": {one.name: code.digest([one.path, Path(__file__)]) for one in chosen},
        "device": device,
        "version": __version__,
    }
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
    folder = out / f"compare-{data.name}-{digest}"
    if (folder / "result.json").exists():
        record = comparison.read_record(folder / "result.json")
        say(f"taken up from {folder}, of {record.environment.get('date', 'an earlier day')}")
        return record
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", config)
    crop = _crop(data.task, max(width for width, _ in sizes.values()))
    entries = [
        Entry(one, *sizes[one.name], crop, data.source, terms, folder, device, data.reading) for one in chosen
    ]
    if minutes is not None:
        costs = functools.partial(_costs, entries, jobs, tell)
        terms = with_steps(terms, folder, costs, minutes=minutes, jobs=jobs, say=say)
        entries = [dataclasses.replace(one, terms=terms) for one in entries]
    parts: dict[str, Part] = {}
    told = Progress(len(entries), say)
    for entry, part in pool(execute, entries, jobs, named_in(folder, tell)):
        parts[entry.layer] = part
        score = part.figures.score
        told.over(entry.layer, "diverged" if score is None else f"{data.task.objective.measure} {score:.3f}")
    figures = [parts[entry.layer].figures for entry in entries]  # not in the order in which they end
    judgement = _judged(data.task, folder, figures)
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
        environment=environment(device, threads=1) | {"jobs": jobs, "date": str(datetime.date.today())},
        folder=str(folder),
        baselines=() if judgement is None else judgement.baselines,
        verdict=None if judgement is None else judgement.verdict,
        said=tuple(line for line in (data.what, classes.small(data.task)) if line) if judgement else (),
    )
    write_page(record, folder)
    comparison.write(folder / "result.json", record)  # last: where it is, all is there
    return record


def _judged(task: Task, folder: Path, figures: Sequence[Figures]) -> answers.Judgement | None:
    """The layers held against baselines, where answers for whole sequences are asked for."""
    if not isinstance(task, Recorded) or not classes.is_answered(task):
        return None
    whole = [one.layer for one in figures if not one.diverged]
    with limited(1):
        return classes.held(task, folder, whole)


def _costs(entries: Sequence[Entry], jobs: int, tell: Callable[[News], None]) -> list[Cost]:
    return [cost for _, cost in pool(measure, entries, jobs, tell)]


def measure(entry: Entry, tell: Callable[[News], None]) -> Cost:
    """What trainings of a layer cost; nothing of it is a figure."""
    with limited(1), Shared(0, torch.device(entry.device)).drawn():
        task, terms = load(entry.source).task, entry.terms
        stack = build(entry.found.load(), entry.width, task, terms.depth)
        network = Answer(stack, task.every_step).to(entry.device)
        optimiser = torch.optim.Adam(network.parameters(), 0.0)
        generator, steps = torch.Generator().manual_seed(0), range(MEASURED)
        trained = fit(network, task, Backpropagation(), optimiser, generator, terms.batch, steps, terms.clip)
        device = torch.device(entry.device)
        step = looks.seconds(trained, device)
        look = looks.elapsed(lambda: examine(network, task.test(), task.objective), device)
    # of a training: the test, and looks at the part to choose by, which together come to a few tests
    return Cost(LOOKS * look, functools.partial(operator.mul, step))


def fitting_width(found: find.Found, task: Task, terms: Terms) -> tuple[int, int]:
    """The width whose stack is nearest to the budget and less than a tenth above it, and its parameters."""
    layer = found.load()

    def size(width: int) -> float:
        """Trained parameters; a layer that cannot have this width is without limit."""
        try:
            with Shared(0).drawn():
                stack = build(layer, width, task, terms.depth)
        except BadInput:
            return math.inf
        trained = (part for part in stack.parameters() if part.requires_grad)
        return sum(part.numel() * (1 + part.is_complex()) for part in trained)

    width = widths.nearest(size, terms.parameters)
    if width is None:
        raise BadInput(
            f"{found.name}: expected a budget of at least {widths.least(size)} parameters for a stack of "
            f"{terms.depth} with {task.inputs} inputs and {task.outputs} outputs, got {terms.parameters}"
        )
    return width


def build(layer: Callable[[int], Layer], width: int, task: Task, depth: int) -> Stack:
    """The stack that every layer stands in."""
    return Stack([layer(width) for _ in range(depth)], task.inputs, task.outputs, MLP.PLAIN)


def execute(entry: Entry, tell: Callable[[News], None]) -> Part:
    """Search, train and examine one layer, or read what came out where that is done."""
    done = entry.folder / f"{entry.layer}.json"
    if done.exists():
        return comparison.read_part(done)
    with (
        limited(1),
        Shared(0, torch.device(entry.device)).drawn(),
    ):  # the same after whichever layer came before
        part = _measured(entry, tell)
    comparison.write(done, part)
    return part


def _measured(entry: Entry, tell: Callable[[News], None]) -> Part:
    data, terms, found = load(entry.source), entry.terms, entry.found
    task = data.task
    labs = [Lab(entry.folder / f"{entry.layer}-seed{seed}", seed, entry.device, tell) for seed in terms.seeds]

    def make() -> Answer:
        return Answer(build(found.load(), entry.width, task, terms.depth), task.every_step)

    short = max(1, round(terms.search * terms.steps))
    plans = {
        f"{rate:g}": Plan(short, terms.batch, rate, terms.clip, every=short, held_out=HELD_OUT)
        for rate in terms.rates
    }
    label, _ = labs[0].best("search", make, task, plans)
    plan = dataclasses.replace(plans[label], steps=terms.steps, every=max(1, terms.steps // 5))
    trainings = [lab.fit("train", make, task, plan) for lab in labs]
    scores = [
        math.nan if one.diverged else examine(one.network, task.test(), task.objective) for one in trainings
    ]
    bad = [seed for seed, score in zip(terms.seeds, scores, strict=True) if not math.isfinite(score)]
    whole = next((at for at, score in enumerate(scores) if math.isfinite(score)), None)
    network = trainings[whole or 0].network
    assert isinstance(network, Answer)
    network.eval()  # what is looked at is the layer without its dropout, if it has any
    x, context = task.test().x.to(labs[0].device), None
    if whole is not None:
        context = looks.context(
            network.stack, x, entry.crop, name=entry.layer, folder=entry.folder, encoded=task.tokens
        )
    if classes.is_answered(task):
        told = answers.answered([one.network for one in trainings], task)
        answers.write(entry.folder / f"{entry.layer}.npz", told)
    model = _kept(entry, data, network, plan.rate) if whole is not None else ""
    figures = Figures(
        layer=entry.layer,
        family=found.facts.get("family", ""),
        width=entry.width,
        parameters=entry.parameters,
        rate=plan.rate,
        scores=tuple(score if math.isfinite(score) else None for score in scores),
        score=None if bad else statistics.fmean(scores),
        spread=None if bad or len(scores) == 1 else statistics.stdev(scores),
        diverged=tuple(bad),
        state_bytes=looks.state_bytes(network.stack, x[:1]),
        context=context,
        model=model,
    )
    return Part(figures=figures, timings=_timings(network, task, terms))


def _kept(entry: Entry, data: Described, network: Answer, rate: float) -> str:
    """Keep what answers whole sequences of a file; returns its place in the folder, empty where none is."""
    if entry.reading is None or not data.spread or not classes.is_answered(data.task):
        return ""
    depth = entry.terms.depth
    model = of_comparison(
        network,
        data,
        entry.reading,
        layer=entry.found.place or entry.found.name,
        width=entry.width,
        depth=depth,
        rate=rate,
    )
    model.save(entry.folder / "models" / entry.layer)
    return f"models/{entry.layer}"


def _crop(task: Task, width: int) -> looks.Crop:
    """The same for all layers."""
    floats = width**2 if task.tokens else task.inputs * task.outputs  # for each pair of steps
    count, steps = task.test().x.shape[:2]
    return looks.crop(count, steps, floats)


def _timings(network: Answer, task: Task, terms: Terms) -> Timings:
    """Medians after a warm-up: whole training steps, and single steps of one stream."""
    x = task.test().x[:1].to(network.stack.encode.weight.device)
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), 0.0)
    generator, steps = torch.Generator().manual_seed(0), range(TIMED)
    trained = fit(network, task, Backpropagation(), optimiser, generator, terms.batch, steps, terms.clip)
    with scan.recorded() as routes:
        tokens = round(terms.batch * x.shape[1] / looks.seconds(trained, x.device))
        step = round(1e6 * looks.seconds(looks.stream(network.stack, x), x.device), 1)
    return Timings(training_tokens_per_second=tokens, microseconds_per_step=step, routes=routes)
