"""Tasks that are learned one after another, and what a network is told of them: three scenarios.

Van de Ven, Tuytelaars and Tolias 2022, Nature Machine Intelligence 4:1185 (preprint arXiv 1904.07734):

    task      outputs of its own for each task, and which task it is, is told: others do not count
    domain    the same outputs in every task; which one it is, is not told
    class     outputs of its own for each task, and which task it is, is not told: all outputs compete, in
              learning those of later tasks too

`in_turn` makes such a sequence of recorded tasks. In the first and the last scenario the labels of a task
come behind those of all before it, in their order: 0 and 1, then 2 and 3. In a domain they are 0 and 1 each
time.
Labels alone say which head is asked, so that examples of several tasks may share a batch, as in replay.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool
from torch import Tensor

from wavetrain.core import CLASSES, Batch, Objective, Recorded, majority
from wavetrain.errors import BadInput


class Scenario(enum.Enum):
    """What is told of the task.

    >>> from wavetrain.parts.task_sequence import Scenario
    >>> Scenario.CLASS.value
    'class-incremental'
    """

    TASK = "task-incremental"
    DOMAIN = "domain-incremental"
    CLASS = "class-incremental"


@dataclass(frozen=True, eq=False)
class TaskSequence:
    """Recorded tasks for one network, with one objective; `heads` are the outputs of each task.

    >>> from wavetrain.data import digits
    >>> from wavetrain.data.images._shared import of_classes
    >>> from wavetrain.parts.task_sequence import Scenario, in_turn
    >>> parts = [of_classes(digits(), pair) for pair in ((0, 1), (2, 3), (4, 5))]
    >>> sequence = in_turn(parts, Scenario.CLASS)
    >>> sequence.heads, sequence.outputs, len(sequence.joint().train.y)
    (((0, 1), (2, 3), (4, 5)), 6, 729)
    """

    tasks: tuple[Recorded, ...]
    scenario: Scenario
    heads: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def inputs(self) -> int:
        """Channels of a step, of all tasks."""
        return self.tasks[0].inputs

    @property
    def outputs(self) -> int:
        """Outputs of the network, for all tasks together."""
        return self.tasks[0].outputs

    @property
    def objective(self) -> Objective:
        """Loss and score, the same for all tasks."""
        return self.tasks[0].objective

    @property
    def pixels(self) -> int:
        """Numbers in a sequence: its steps by its channels."""
        return self.tasks[0].train.x[0].numel()

    def told(self) -> "TaskSequence":
        """The same tasks and labels, asked among the outputs of the task alone; never harder than before.

        Raises BadInput where a label is in two heads, which cannot tell the task.
        """
        if self.scenario is Scenario.TASK:
            return self
        objective = _within(self.heads, self.outputs)
        tasks = tuple(replace(one, objective=objective) for one in self.tasks)
        return replace(self, tasks=tasks, scenario=Scenario.TASK)

    def joint(self) -> Recorded:
        """All tasks as one, which is learned at once: what a sequence could come to without forgetting."""
        train, valid, test = (
            _joined([getattr(one, part) for one in self.tasks])
            for part in ("train", "held_valid", "held_test")
        )
        chance = majority(test.y) if self.objective.measure == CLASSES.measure else self.tasks[0].chance
        return replace(self.tasks[0], train=train, held_valid=valid, held_test=test, chance=chance)

    def whole(self) -> "TaskSequence":
        """Learned from the part to choose by as well, for a protocol that chooses nothing."""
        tasks = (replace(one, train=_joined([one.train, one.held_valid])) for one in self.tasks)
        return replace(self, tasks=tuple(tasks))

    def cut(self, examples: int) -> "TaskSequence":
        """With no more than so many examples in each part of a task; the others leave memory."""

        def few(part: Batch) -> Batch:
            return Batch(part.x[:examples].clone(), part.y[:examples].clone())

        tasks = (
            replace(one, train=few(one.train), held_valid=few(one.held_valid), held_test=few(one.held_test))
            for one in self.tasks
        )
        return replace(self, tasks=tuple(tasks))


def in_turn(tasks: Sequence[Recorded], scenario: Scenario) -> TaskSequence:
    """Tasks of classes as one sequence in a scenario; labels are dealt anew, as the module says.

    Raises BadInput for no task, for one that is not of classes or has an empty part, for tasks whose
    sequences have other channels or other kinds of answers than those of the first, and in a domain for
    another number of classes.

    >>> from wavetrain.data import digits
    >>> from wavetrain.data.images._shared import of_classes
    >>> from wavetrain.parts.task_sequence import Scenario, in_turn
    >>> parts = [of_classes(digits(), pair) for pair in ((0, 1), (2, 3))]
    >>> [one.train.y.unique().tolist() for one in in_turn(parts, Scenario.DOMAIN).tasks]
    [[0, 1], [0, 1]]
    >>> [one.train.y.unique().tolist() for one in in_turn(parts, Scenario.TASK).tasks]
    [[0, 1], [2, 3]]
    """
    check_alike(tasks)
    for number, one in enumerate(tasks, 1):
        if one.objective.measure != CLASSES.measure:
            raise BadInput(f"a sequence of tasks: expected classes to tell, task {number} is not of classes")
    labels = [one.train.y.unique() for one in tasks]
    if scenario is Scenario.DOMAIN:
        sizes = [len(one) for one in labels]
        if len(set(sizes)) > 1:
            raise BadInput(
                f"a domain-incremental sequence: expected as many classes in each task, got {sizes}"
            )
        starts, outputs = [0] * len(tasks), sizes[0]
    else:
        ends = torch.tensor([len(one) for one in labels]).cumsum(0).tolist()
        starts, outputs = [0, *ends[:-1]], ends[-1]
    heads = tuple(tuple(range(start, start + len(one))) for start, one in zip(starts, labels, strict=True))
    objective = _within(heads, outputs) if scenario is Scenario.TASK else CLASSES
    return TaskSequence(
        tuple(
            _relabelled(one, known, start, outputs, objective, number)
            for number, (one, known, start) in enumerate(zip(tasks, labels, starts, strict=True), 1)
        ),
        scenario,
        heads,
    )


def check_alike(tasks: Sequence[Recorded]) -> None:
    """Raise BadInput unless there are tasks, none of them empty, and one network fits all of them.

    >>> from wavetrain.parts.task_sequence import check_alike
    >>> check_alike([])
    Traceback (most recent call last):
    wavetrain.errors.BadInput: a sequence of tasks: expected at least one task, got none
    """
    if not tasks:
        raise BadInput("a sequence of tasks: expected at least one task, got none")
    for number, one in enumerate(tasks, 1):
        for name, part in (("learn", one.train), ("choose by", one.held_valid), ("test", one.held_test)):
            if not len(part.x):
                raise BadInput(f"a sequence of tasks: task {number} has no sequence to {name}")
        if _shape(one) != _shape(tasks[0]):
            raise BadInput(
                f"a sequence of tasks: expected tasks of one shape, got {_shape(tasks[0])} in task 1 and "
                f"{_shape(one)} in task {number}"
            )


def _shape(task: Recorded) -> str:
    kind = "tokens" if task.tokens else f"sequences of {task.inputs} channels"
    return f"{kind} with {'an answer for each step' if task.every_step else 'one answer'}"


def _relabelled(
    task: Recorded, known: Tensor, start: int, outputs: int, objective: Objective, number: int
) -> Recorded:
    def dealt(part: Batch) -> Batch:
        if not torch.isin(part.y, known).all():
            raise BadInput(f"a sequence of tasks: task {number} has a label that its training part has not")
        return Batch(part.x, torch.searchsorted(known, part.y) + start)

    return replace(
        task,
        train=dealt(task.train),
        held_valid=dealt(task.held_valid),
        held_test=dealt(task.held_test),
        outputs=outputs,
        objective=objective,
        names=(),
    )


def _within(heads: Sequence[Sequence[int]], outputs: int) -> Objective:
    """Classes among the outputs of the head that a label is in."""
    if sum(map(len, heads)) > len({one for head in heads for one in head}):
        raise BadInput("expected labels that tell the task, got one that is in two heads")
    others = torch.ones(outputs, outputs, dtype=torch.bool)
    for head in heads:
        for label in head:
            others[label, list(head)] = False
    loss, score = (_masked(one, others) for one in (CLASSES.loss, CLASSES.score))
    return Objective("accuracy", True, loss, score, CLASSES.count)


def _masked(
    measure: Callable[[Tensor, Tensor], Tensor], others: Bool[Tensor, "outputs outputs"]
) -> Callable[[Tensor, Tensor], Tensor]:
    """The measure, of outputs that are minus infinity where they are of another head than the label."""

    def measured(output: Tensor, y: Tensor) -> Tensor:
        return measure(output.masked_fill(others.to(y.device)[y], -torch.inf), y)

    return measured


def _joined(parts: Sequence[Batch]) -> Batch:
    longest = max(part.x.shape[1] for part in parts)
    if any(part.x.shape[1] != longest for part in parts):
        raise BadInput(
            f"expected sequences of one length to learn tasks at once, got "
            f"{sorted({part.x.shape[1] for part in parts})} steps"
        )
    return Batch(torch.cat([part.x for part in parts]), torch.cat([part.y for part in parts]))
