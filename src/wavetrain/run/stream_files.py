"""What a stream of files is: which are asked for, what they have in common, and what refuses them.

Each file holds sequences with a class each. Classes of one name are one class in all files, and an output
stands for each. Channels are in the units of the first file, since the others are still to come.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from wavetrain import find
from wavetrain.core import Batch, Recorded, majority
from wavetrain.errors import BadInput
from wavetrain.parts.task_sequence import Scenario, TaskSequence, check_alike
from wavetrain.run.classes import is_answered
from wavetrain.tables.load import Described

USUAL = ("backpropagation", "elastic_weight_consolidation", "experience_replay", "dark_experience_replay")
LAYER = "gru"


def check(
    data: str,
    stream: Sequence[str],
    rules: Sequence[str],
    layers: Sequence[str],
    *,
    minutes: float | None,
    quick: bool,
    others: bool,
) -> None:
    """Raise BadInput unless one thing is asked for: data by layers, or a stream by rules.

    `others` says whether anything is asked that is of tables or of their columns.
    """
    if not stream:
        if not data:
            raise BadInput("expected a file or a name to compare layers on, or --stream and files")
        if rules:
            _check_rules(rules, layers, minutes=minutes, quick=quick, others=others)
        return
    if data:
        raise BadInput(f"expected one file to compare on, or --stream and files in turn, got both: {data}")
    asked(rules)  # a wrong name is said before anything is read
    if len(layers) > 1 or "all" in layers:
        raise BadInput(f"a stream is learned by one layer and several rules, got layers {', '.join(layers)}")
    if minutes is not None or quick:
        raise BadInput("a stream is learned for a number of --steps a file: expected no --minutes or --quick")
    if others:
        raise BadInput(
            "a stream is of files with a class for each sequence: expected no columns, --classes, --horizon, "
            "--window or --split"
        )


def _check_rules(
    rules: Sequence[str], layers: Sequence[str], *, minutes: float | None, quick: bool, others: bool
) -> None:
    """Raise BadInput unless several rules are to teach one layer."""
    asked(rules)
    if len(layers) > 1 or "all" in layers:
        raise BadInput(f"several rules teach one layer, got layers {', '.join(layers)}")
    if minutes is not None or quick:
        raise BadInput("rules teach for a number of --steps: expected no --minutes or --quick")
    if others:
        raise BadInput(
            "rules are compared on sequences with their answers, on text or on a task: expected no columns, "
            "--classes, --horizon, --window or --split"
        )


def asked(names: Sequence[str]) -> list[find.Found]:
    """The rules of these names or places, once each; the usual ones where none is named."""
    return [find.named(name, ("rules",)) for name in dict.fromkeys(names or USUAL)]


def together(loaded: Sequence[Described]) -> tuple[TaskSequence, tuple[str, ...]]:
    """Files as one sequence of tasks, classes known by their names, and what was understood.

    Raises BadInput for no file, for answers that are not classes, and for other channels or lengths in some.
    """
    for one in loaded:
        task = one.task
        if not (isinstance(task, Recorded) and is_answered(task) and task.names):
            raise BadInput(f"{one.name}: expected a file of sequences with a class each, to learn in turn")
    tasks = [one.task for one in loaded if isinstance(one.task, Recorded)]
    check_alike(tasks)
    for one, task in zip(loaded, tasks, strict=True):
        steps, first = task.train.x.shape[1], tasks[0].train.x.shape[1]
        if steps != first:
            raise BadInput(
                f"expected sequences of one length in all files, got {first} steps in {loaded[0].name} and "
                f"{steps} in {one.name}"
            )
    names = sorted({name for task in tasks for name in task.names})
    heads = [tuple(names.index(name) for name in task.names) for task in tasks]
    known = [set(head) for head in heads]
    if all(one == known[0] for one in known):
        scenario, how = Scenario.DOMAIN, f"the same {len(names)} classes in each file"
    elif sum(map(len, known)) == len(names):
        scenario, how = Scenario.CLASS, f"other classes in each file, {len(names)} in all, which all compete"
    else:
        scenario, how = Scenario.CLASS, f"{len(names)} classes in all, some of them in several files"
    parts = [
        _as_first(one, loaded[0], task, torch.tensor(head), names)
        for one, task, head in zip(loaded, tasks, heads, strict=True)
    ]
    lines = tuple(f"{place}. {one.name}: {one.what}" for place, one in enumerate(loaded, 1))
    return TaskSequence(tuple(parts), scenario, tuple(heads)), (*lines, f"{scenario.value}: {how}")


def _as_first(
    one: Described, first: Described, task: Recorded, head: torch.Tensor, names: list[str]
) -> Recorded:
    """A task in the units of the first file, its labels among all names."""
    spread, centre = (torch.tensor(few, dtype=torch.double) for few in (one.spread, one.centre))
    to_spread, to_centre = (torch.tensor(few, dtype=torch.double) for few in (first.spread, first.centre))

    def part(batch: Batch) -> Batch:
        x = batch.x
        if one is not first:
            x = ((x.double() * spread + centre - to_centre) / to_spread).to(x.dtype)
        return Batch(x, head[batch.y])

    train, valid, test = (part(few) for few in (task.train, task.held_valid, task.held_test))
    return replace(
        task,
        train=train,
        held_valid=valid,
        held_test=test,
        outputs=len(names),
        names=tuple(names),
        chance=majority(test.y),
    )
