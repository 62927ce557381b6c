"""One network, one data set, several rules: what each way to learn makes of it, and what it costs.

The network is one layer and a linear read-out, as wide as brings it to the budget of parameters, since there
are rules that can teach no other. Each rule gets the same first weights, batches, steps and seeds, and the
same search: every learning rate on the first seed for a part of the steps, chosen on the validation part.
Rules are as they are by default. One that cannot teach the network is refused before anything is trained.

As in a comparison of layers, a killed one goes on where it stopped and ends with the same figures.
"""

import copy
import datetime
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from wavetrain import __version__, find
from wavetrain.core import Rule, Task, leaves
from wavetrain.errors import BadInput
from wavetrain.evidence import code, comparison
from wavetrain.evidence.comparison import Figures, Part, Record, Timings
from wavetrain.evidence.files import write_json
from wavetrain.parts.reader import Reader, one_hot
from wavetrain.report.comparisons import write_page
from wavetrain.run import looks, widths
from wavetrain.run.budget import Progress
from wavetrain.run.contender import TIMED
from wavetrain.run.pools import Pool, named_in
from wavetrain.run.searched import searched
from wavetrain.run.terms import Terms, plain
from wavetrain.run.threads import limited
from wavetrain.tables.load import Described, load
from wavetrain.train.fit import fit
from wavetrain.train.generators import Shared
from wavetrain.train.lab import Lab, News


@dataclass(frozen=True)
class Entry:
    """One rule: the piece of work of one process."""

    rule: find.Found
    layer: find.Found
    width: int
    parameters: int
    source: str
    terms: Terms
    folder: Path
    device: str

    @property
    def name(self) -> str:
        return self.rule.name


def compare_rules_on(
    source: str | Described,
    rules: Sequence[str],
    layer: str,
    terms: Terms,
    out: Path,
    device: str,
    pool: Pool,
    tell: Callable[[News], None],
    *,
    say: Callable[[str], None] = lambda line: None,
) -> Record:
    """Teach one network by each rule; returns what its folder in `out` holds.

    Raises BadInput for a rule that cannot teach it, or a budget that is too small for it.
    """
    data = load(source) if isinstance(source, str) else source
    chosen = [find.named(name, ("rules",)) for name in dict.fromkeys(rules)]
    found = find.named(layer, ("layers",))
    width, parameters = _width(found, data.task, terms)
    network = _network(found, width, data.task)
    for one in chosen:
        _try(one, network, data.task)
    config = {
        "data": data.digest,
        "terms": plain(terms),
        "layer": code.digest([found.path]),
        "rules": {one.name: code.digest([one.path, Path(__file__)]) for one in chosen},
        "device": device,
        "version": __version__,
    }
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
    folder = out / f"compare-{data.name}-rules-{digest}"
    if (folder / "result.json").exists():
        say(f"taken up from {folder}")
        return comparison.read_record(folder / "result.json")
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "config.json").exists():  # tasks of a job array begin at once
        write_json(folder / "config.json", config)
    say(f"{layer} of width {width} with a linear read-out, {parameters:,} parameters")
    entries = [Entry(one, found, width, parameters, data.source, terms, folder, device) for one in chosen]
    parts, told = {}, Progress(len(entries), say)
    objective = data.task.objective
    for entry, part in pool.each(execute, entries, named_in(folder, tell)):
        parts[entry.rule.name] = part
        score = part.figures.score
        told.over(entry.rule.name, "diverged" if score is None else f"{objective.measure} {score:.3f}")
    sign = 1 if objective.higher else -1
    figures = sorted(
        (parts[one.name].figures for one in chosen),
        key=lambda one: math.inf if one.score is None else -sign * one.score,
    )
    record = Record(
        data=comparison.Source(source=data.source, name=data.name, what=data.what),
        measure=objective.measure,
        higher=objective.higher,
        chance=comparison.Chance(score=data.task.chance, answer=data.chance),
        terms=plain(terms) | {"layer": layer},
        left_out={},
        figures=tuple(figures),
        timings={name: part.timings for name, part in parts.items()},
        pictures={},
        environment=pool.environment(device, threads=1)
        | {"jobs": pool.jobs, "date": str(datetime.date.today())},
        folder=str(folder),
        rivals="rule",
    )
    write_page(record, folder)
    comparison.write(folder / "result.json", record)  # last: where it is, all is there
    return record


def execute(entry: Entry, tell: Callable[[News], None]) -> Part:
    """Search, train and examine by one rule, or read what came out where that is done."""
    done = entry.folder / f"{entry.rule.name}.json"
    if done.exists():
        return comparison.read_part(done)
    with limited(1), Shared(0, torch.device(entry.device)).drawn():
        part = _measured(entry, tell)
    comparison.write(done, part)
    return part


def _measured(entry: Entry, tell: Callable[[News], None]) -> Part:
    task, terms, name = load(entry.source).task, entry.terms, entry.rule.name
    labs = [Lab(entry.folder / f"{name}-seed{seed}", seed, entry.device, tell) for seed in terms.seeds]
    make = partial(_network, entry.layer, entry.width, task)
    found = searched(labs, make, task, terms, entry.rule.load())
    network = found.trainings[0].network
    assert isinstance(network, Reader)
    figures = Figures(
        layer=name,
        family=entry.rule.facts.get("family", ""),
        width=entry.width,
        parameters=entry.parameters,
        rate=found.plan.rate,
        scores=found.scores,
        score=found.score,
        spread=found.spread,
        diverged=found.diverged(terms.seeds),
        state_bytes=sum(leaf.numel() * leaf.element_size() for leaf in leaves(network.layer.begin(1))),
        context=None,
    )
    return Part(figures=figures, timings=_timings(network, task, terms, entry.rule.load()()))


def _timings(network: Reader, task: Task, terms: Terms, rule: Rule) -> Timings:
    """Medians: whole steps of learning, and single steps of one stream."""
    device = next(network.parameters()).device
    x = one_hot(task.test().x[:1].to(device), network.layer.inputs, network.read_dtype)
    optimiser = torch.optim.Adam(network.parameters(), 0.0)
    taught = fit(
        network,
        task,
        rule,
        optimiser,
        torch.Generator().manual_seed(0),
        terms.batch,
        range(TIMED),
        terms.clip,
    )
    tokens = round(terms.batch * x.shape[1] / looks.seconds(taught, device))
    step = round(1e6 * looks.seconds(looks.steps_of(network.layer, x), device), 1)
    return Timings(training_tokens_per_second=tokens, microseconds_per_step=step, routes={})


def _network(layer: find.Found, width: int, task: Task) -> Reader:
    return Reader(layer.load()(width, inputs=task.inputs), task.outputs, task.every_step)


def _width(layer: find.Found, task: Task, terms: Terms) -> tuple[int, int]:
    """The width that is nearest to the budget, and the parameters."""

    def size(width: int) -> float:
        try:
            with Shared(0).drawn():
                network = _network(layer, width, task)
        except BadInput:
            return math.inf
        trained = (part for part in network.parameters() if part.requires_grad)
        return sum(part.numel() * (1 + part.is_complex()) for part in trained)

    width = widths.nearest(size, terms.parameters)
    if width is None:
        raise BadInput(
            f"{layer.name}: expected a budget of at least {widths.least(size)} parameters for a layer with "
            f"{task.inputs} inputs and {task.outputs} outputs, got {terms.parameters}"
        )
    return width


def _try(rule: find.Found, network: nn.Module, task: Task) -> None:
    """Raise BadInput where a rule cannot teach a network."""
    with Shared(0).drawn():
        batch = task.draw(2, torch.Generator().manual_seed(0))
        try:
            rule.load()().learn(copy.deepcopy(network), batch, task.objective.loss)
        except BadInput as error:
            raise BadInput(f"{rule.name} cannot teach this network: {error}") from error
        except TypeError as error:  # a rule that is made of more than its defaults
            raise BadInput(f"{rule.name} needs more than its name to be made: {error}") from error
