"""Tasks learned one after another by any rule and any optimiser, and looked at after each.

A task is gone through in whole passes, each in an order of its own, or for a number of steps. Its last batch
may be smaller. What a rule does at a task's end it does in `remember`, which is given the network and some of
the task's sequences where it takes them: so do elastic weight consolidation and the projections, and a rule
of one's own may. The optimiser goes on from task to task, or begins anew with each (`reset`): that changes
how much is forgotten, so that it has to be told with a figure.

    learn_in_turn    task after task; the accuracy matrix on the test parts
    learn_at_once    all tasks as one, what the sequence could come to
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Recorded, Rule, Task, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.accuracy_matrix import AccuracyMatrix
from wavetrain.parts.task_end import end_task
from wavetrain.parts.task_sequence import TaskSequence
from wavetrain.train.fit import Step, examine, fit

Optimiser = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How each task is learned: the same for all rivals.

    >>> from wavetrain.train.continual import Terms
    >>> Terms(batch=10).passes, Terms(batch=128, steps=500).steps  # one pass by default
    (1, 500)
    """

    batch: int
    passes: int = 1  # through each task
    steps: int | None = None  # of each task, in place of passes
    reset: bool = False  # whether the optimiser begins anew with each task
    clip: float | None = None  # largest norm of the gradient
    remembered: int = 200  # sequences of a task that a rule is given at its end
    watched: int = 0  # first steps of each further task after which the first task is tested

    def __post_init__(self) -> None:
        check_width("Terms", batch=self.batch, passes=self.passes, remembered=self.remembered)
        if self.steps is not None:
            check_width("Terms", steps=self.steps)
        if self.watched < 0:
            raise BadInput(f"Terms: expected watched steps of at least 0, got {self.watched}")


class Learned(NamedTuple):
    """A network after the last task, and how it did: `others` are the matrices of further ways to ask."""

    network: nn.Module
    matrix: AccuracyMatrix
    others: Mapping[str, AccuracyMatrix]


def learn_in_turn(
    network: nn.Module,
    sequence: TaskSequence,
    rule: Rule,
    optimiser: Optimiser,
    terms: Terms,
    generator: torch.Generator,
    *,
    ways: Mapping[str, TaskSequence] | None = None,
    tell: Callable[[int, int, float], None] = lambda done, steps, score: None,
) -> Learned:
    """Teach a network task after task. `ways` are the same tasks asked otherwise, as by `told`.

    After a loss that is not finite nothing more is learned, and scores are NaN from that task on. `tell` is
    given the steps so far, all steps, and the mean score over the tasks so far.

    >>> from wavetrain.data import digits
    >>> from wavetrain.data.images._shared import of_classes
    >>> from wavetrain.parts.task_sequence import Scenario, in_turn
    >>> from wavetrain.rules import Backpropagation
    >>> from wavetrain.train.continual import Terms, learn_in_turn
    >>> pairs = in_turn([of_classes(digits(), two) for two in ((0, 1), (2, 3))], Scenario.CLASS)
    >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
    >>> learned = learn_in_turn(
    ...     network,
    ...     pairs,
    ...     Backpropagation(),
    ...     lambda parameters: torch.optim.SGD(parameters, 0.5),
    ...     Terms(batch=10, passes=3),
    ...     torch.Generator().manual_seed(0),
    ... )
    >>> learned.matrix.learned > 0.95, learned.matrix.backward < -0.5  # each is learned, the first is lost
    (True, True)
    """
    looks = {name: _Looks(network, one) for name, one in ({"": sequence} | dict(ways or {})).items()}
    for name, one in looks.items():
        if len(one.sequence) != len(sequence):
            raise BadInput(
                f"expected {len(sequence)} tasks in every way to ask, got {len(one.sequence)} in {name!r}"
            )
    updates, whole, done = optimiser(network.parameters()), True, 0
    total = sum(_steps(one, terms) for one in sequence.tasks)
    for index, task in enumerate(sequence.tasks):
        if terms.reset and index:
            updates = optimiser(network.parameters())
        for step in _lessons(network, task, rule, updates, terms, generator) if whole else ():
            loss = step.loss
            if index and step.done <= terms.watched:
                for one in looks.values():
                    one.watch()
        if whole:
            whole = math.isfinite(float(loss))
            end_task(rule, network, _some(task, terms.remembered, generator).to(loss.device))
        for one in looks.values():
            one.look(whole)
        done += _steps(task, terms)
        tell(done, total, float(np.mean(looks[""].rows[-1][: index + 1])))
    found = {name: one.matrix(bool(terms.watched)) for name, one in looks.items()}
    return Learned(network, found.pop(""), found)


class _Looks:
    """Looks at a network while it learns tasks in turn."""

    def __init__(self, network: nn.Module, sequence: TaskSequence):
        self.network, self.sequence = network, sequence
        self.untrained = _scores(network, sequence)
        self.rows: list[list[float]] = []  # after each task, on each
        self.lowest: list[float] = []  # of the first task, after each change
        self.least = math.inf  # so far, in the present task

    def watch(self) -> None:
        """In the first steps of a further task."""
        self.least = min(self.least, _score(self.network, self.sequence, 0))

    def look(self, whole: bool) -> None:
        """At the end of a task; `whole` unless the training diverged."""
        if self.rows:
            self.lowest.append(self.least if whole else math.nan)
        self.rows.append(_scores(self.network, self.sequence) if whole else [math.nan] * len(self.sequence))
        self.least = math.inf

    def matrix(self, watched: bool) -> AccuracyMatrix:
        """What was seen."""
        lowest = np.array(self.lowest) if watched else None
        return AccuracyMatrix(np.array(self.rows), np.array(self.untrained), lowest)


def learn_at_once(
    network: nn.Module,
    sequence: TaskSequence,
    rule: Rule,
    optimiser: Optimiser,
    terms: Terms,
    generator: torch.Generator,
    *,
    ways: Mapping[str, TaskSequence] | None = None,
) -> dict[str, list[float]]:
    """Teach all tasks as one, with as many steps as in turn; the scores on each task, of each way to ask.

    What the sequence itself asks is under "". Passes are through all tasks together.

    >>> from wavetrain.data import digits
    >>> from wavetrain.data.images._shared import of_classes
    >>> from wavetrain.parts.task_sequence import Scenario, in_turn
    >>> from wavetrain.rules import Backpropagation
    >>> from wavetrain.train.continual import Terms, learn_at_once
    >>> pairs = in_turn([of_classes(digits(), two) for two in ((0, 1), (2, 3))], Scenario.CLASS)
    >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
    >>> scores = learn_at_once(
    ...     network,
    ...     pairs,
    ...     Backpropagation(),
    ...     lambda parameters: torch.optim.SGD(parameters, 0.5),
    ...     Terms(batch=10, passes=3),
    ...     torch.Generator().manual_seed(0),
    ... )
    >>> min(scores[""]) > 0.9
    True
    """
    updates, joint = optimiser(network.parameters()), sequence.joint()
    every = terms if terms.steps is None else _times(terms, len(sequence))
    for step in _lessons(network, joint, rule, updates, every, generator):
        loss = step.loss
    whole = math.isfinite(float(loss))
    asked = {"": sequence} | dict(ways or {})
    return {name: _scores(network, one) if whole else [math.nan] * len(one) for name, one in asked.items()}


def _times(terms: Terms, many: int) -> Terms:
    return Terms(batch=terms.batch, steps=(terms.steps or 0) * many, clip=terms.clip)


def _steps(task: Recorded, terms: Terms) -> int:
    return terms.passes * -(-len(task.train.y) // terms.batch) if terms.steps is None else terms.steps


class _Passes(Task):
    """A recorded task whose training part is gone through whole, each time in another order."""

    def __init__(self, task: Recorded, batch: int, generator: torch.Generator):
        self.task, self.objective = task, task.objective
        self.orders = self._orders(batch, generator)

    def _orders(self, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Which sequences are in each batch, without end."""
        while True:
            yield from torch.randperm(len(self.task.train.y), generator=generator).split(batch)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        rows = next(self.orders)
        return Batch(self.task.train.x[rows], self.task.train.y[rows])

    def valid(self) -> Batch:
        return self.task.valid()

    def test(self) -> Batch:
        return self.task.test()


def _lessons(
    network: nn.Module,
    task: Recorded,
    rule: Rule,
    updates: torch.optim.Optimizer,
    terms: Terms,
    generator: torch.Generator,
) -> Iterator[Step]:
    passes, steps = _Passes(task, terms.batch, generator), range(_steps(task, terms))
    return fit(network, passes, rule, updates, generator, terms.batch, steps, terms.clip)


def _some(task: Recorded, many: int, generator: torch.Generator) -> Tensor:
    return task.train.x[torch.randperm(len(task.train.x), generator=generator)[:many]]


def _score(network: nn.Module, sequence: TaskSequence, place: int) -> float:
    task = sequence.tasks[place]
    return examine(network, task.test(), task.objective, chunk=1000)


def _scores(network: nn.Module, sequence: TaskSequence) -> list[float]:
    return [_score(network, sequence, place) for place in range(len(sequence))]
