"""One layer of a comparison: its width, its search, its trainings, and what is kept of them.

Each is a piece of work of one process; what it found lies in a file of its own, so that a killed comparison
goes on from there.
"""

import functools
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from wavetrain import find, scan
from wavetrain.core import Layer, Task
from wavetrain.errors import BadInput
from wavetrain.estimators.answering import of_layer
from wavetrain.evidence import comparison
from wavetrain.evidence.comparison import Figures, Part, Timings
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.run import answers, classes, looks, widths
from wavetrain.run.budget import Cost
from wavetrain.run.searched import Searched, searched
from wavetrain.run.terms import Terms
from wavetrain.run.threads import limited
from wavetrain.tables.load import Described, load
from wavetrain.tables.read.answered import Reading
from wavetrain.train.fit import examine, fit
from wavetrain.train.generators import Shared
from wavetrain.train.lab import Lab, News
from wavetrain.train.ranks import here

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

    @property
    def name(self) -> str:
        return self.found.name


def measure(entry: Entry, tell: Callable[[News], None]) -> Cost:
    """What trainings of a layer cost; nothing of it is a figure."""
    with limited(1), Shared(0, torch.device(entry.device)).drawn():
        task, terms = load(entry.source).task, entry.terms
        stack = build(entry.found.load(), entry.width, task, terms.depth)
        network = Answer(stack, task.every_step).to(entry.device)
        optimiser = torch.optim.Adam(network.parameters(), 0.0)
        generator, steps = torch.Generator().manual_seed(0), range(MEASURED)
        together, device = here(), torch.device(entry.device)
        rule, clip = Backpropagation(), terms.clip
        trained = fit(network, task, rule, optimiser, generator, terms.batch, steps, clip, together)
        step = looks.seconds(trained, device)
        look = looks.elapsed(lambda: examine(network, task.test(), task.objective, together=together), device)
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
    done, together = entry.folder / f"{entry.layer}.json", here()
    if together.once(done.exists):
        return together.once(lambda: comparison.read_part(done))
    with (
        limited(1),
        Shared(0, torch.device(entry.device)).drawn(),
    ):  # the same after whichever layer came before
        return together.once(functools.partial(_measured, entry, _trained(entry, tell), done))


def _trained(entry: Entry, tell: Callable[[News], None]) -> Searched:
    """The plan that the search has chosen, and a training of each seed by it."""
    task, terms = load(entry.source).task, entry.terms
    labs = [Lab(entry.folder / f"{entry.layer}-seed{seed}", seed, entry.device, tell) for seed in terms.seeds]

    def make() -> Answer:
        return Answer(build(entry.found.load(), entry.width, task, terms.depth), task.every_step)

    return searched(labs, make, task, terms)


def _measured(entry: Entry, result: Searched, done: Path) -> Part:
    """Look at what was trained, and write what came out."""
    data, terms, found = load(entry.source), entry.terms, entry.found
    task, trainings = data.task, result.trainings
    whole = next((at for at, score in enumerate(result.scores) if score is not None), None)
    network = trainings[whole or 0].network
    assert isinstance(network, Answer)
    network.eval()  # what is looked at is the layer without its dropout, if it has any
    x, context = task.test().x.to(torch.device(entry.device)), None
    if whole is not None:
        context = looks.context(
            network.stack, x, entry.crop, name=entry.layer, folder=entry.folder, encoded=task.tokens
        )
    if classes.is_answered(task):
        told = answers.answered([one.network for one in trainings], task)
        answers.write(entry.folder / f"{entry.layer}.npz", told)
    model = _kept(entry, data, network, result.plan.rate) if whole is not None else ""
    figures = Figures(
        layer=entry.layer,
        family=found.facts.get("family", ""),
        width=entry.width,
        parameters=entry.parameters,
        rate=result.plan.rate,
        scores=result.scores,
        score=result.score,
        spread=result.spread,
        diverged=result.diverged(terms.seeds),
        state_bytes=looks.state_bytes(network.stack, x[:1]),
        context=context,
        model=model,
    )
    part = Part(figures=figures, timings=_timings(network, task, terms))
    comparison.write(done, part)
    return part


def _kept(entry: Entry, data: Described, network: Answer, rate: float) -> str:
    """Keep what answers whole sequences of a file; returns its place in the folder, empty where none is."""
    if entry.reading is None or not data.spread or not classes.is_answered(data.task):
        return ""
    depth = entry.terms.depth
    model = of_layer(
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


def crop_of(task: Task, width: int) -> looks.Crop:
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
