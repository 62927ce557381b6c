"""What every task promises, generated or recorded."""

import functools
import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from wavetrain.core import Batch, Generated, HeldOut, Recorded, Task
from wavetrain.errors import BadInput
from wavetrain.testing import shapes
from wavetrain.testing.promise import Promise, keep
from wavetrain.testing.tools import normal

FEW = 50  # sequences of a draw


def promises(make: Task | Callable[[], Task]) -> Iterator[Promise]:
    """All promises of a task, or of a class or function that makes one."""
    task = make if isinstance(make, Task) else make()
    if not isinstance(task, Task):
        raise BadInput(f"expected something that makes a Task, got one that makes {type(task).__name__}")
    valid, test = functools.cache(task.valid), functools.cache(task.test)  # drawn once for all promises
    yield Promise("repr", partial(check_repr, task))
    yield Promise("annotations", partial(check_annotations, task))
    yield Promise("draws", partial(check_draws, task))
    for part, batch in (
        ("draw", lambda: task.draw(5, generator_of(1))),
        ("valid", valid),
        ("test", test),
    ):
        yield Promise(f"shapes of {part}", partial(_check_part, task, batch))
    yield Promise("held_out", lambda: check_held_out(task, valid(), test()))
    yield Promise("scores", lambda: check_scores(task, test()))
    yield Promise("count", partial(check_count, task))


def _check_part(task: Task, draw: Callable[[], Batch]) -> None:
    check_shapes(task, draw())


def check_task(make: Task | Callable[[], Task]) -> None:
    """Hold a task to the contract: the task itself, or a class or function that makes it.

    >>> from wavetrain.tasks import Copying
    >>> from wavetrain.testing import check_task
    >>> check_task(Copying)  # says nothing where all is well
    """
    keep(make, promises(make))


def generator_of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def check_repr(task: Task) -> None:
    """It prints as one line of what it was built with, without its recordings."""
    said = repr(task)
    assert "\n" not in said and len(said) <= 250, f"expected one line of at most 250 characters, got {said!r}"


def check_annotations(task: Task) -> None:
    """What is given and returned has the shapes of the annotations: of its own, `Task` and `Batch`."""
    with shapes.held(type(task)):
        _, y = task.draw(3, generator_of(1))
        output = _perfect(y, task.outputs)
        task.objective.loss(output, y)
        task.objective.score(output, y)


def check_draws(task: Task) -> None:
    """The same generator gives the same batch, another seed another, and the next draw another."""
    torch.manual_seed(1)
    one = task.draw(FEW, generator_of(1))
    torch.manual_seed(2)
    generator = generator_of(1)
    _equal(one, task.draw(FEW, generator))
    assert not torch.equal(one.x, task.draw(FEW, generator).x), "the second draw is the first again"
    assert not torch.equal(one.x, task.draw(FEW, generator_of(2)).x), "another seed gives the same draw"
    assert len(task.draw(1, generator_of(1)).x) == 1, "a batch of one has another length"


def check_shapes(task: Task, batch: Batch) -> None:
    """Shapes, types and ranges are those that the task tells."""
    x, y = batch
    came = f"got x {x.dtype} {tuple(x.shape)} and y {y.dtype} {tuple(y.shape)}"
    if task.tokens:
        assert x.ndim == 2 and x.dtype == torch.long, f"expected tokens x (batch, time) of int64, {came}"
        assert x.min() >= 0 and x.max() < task.inputs, f"expected tokens x below {task.inputs}"
    else:
        sequences = x.ndim == 3 and x.shape[2] == task.inputs and x.dtype == torch.float32
        assert sequences, f"expected x (batch, time, {task.inputs}) of float32, {came}"
        assert x.isfinite().all(), "x is not finite"
    answered = 1 + task.every_step
    where = "every step" if task.every_step else "every sequence"
    assert y.shape[:answered] == x.shape[:answered], f"expected an answer for {where}, {came}"
    if y.dtype == torch.long:
        assert y.ndim == answered, f"expected one class for {where}, {came}"
        assert y.min() >= 0 and y.max() < task.outputs, f"expected classes y below {task.outputs}"
    else:
        values = y.dtype == torch.float32 and y.shape[answered:] == (task.outputs,)
        assert values, f"expected {task.outputs} values of float32 for {where}, {came}"
        assert y.isfinite().all(), "y is not finite"


def check_held_out(task: Task, valid: Batch | None = None, test: Batch | None = None) -> None:
    """What is held out is fixed, in two different parts, and is no batch that training draws.

    Both parts may be given where they are at hand.
    """
    valid, test = valid or task.valid(), test or task.test()
    _equal(valid, task.valid())
    _equal(test, task.test())
    assert valid.x.shape != test.x.shape or not torch.equal(valid.x, test.x), "both held-out parts are one"
    if isinstance(task, Recorded):
        parts = [_rows(part) for part in (task.train, valid, test)]
        assert not (parts[0] & parts[2] or parts[1] & parts[2] or parts[0] & parts[1]), (
            "parts share sequences"
        )
        drawn = _rows(task.draw(200, generator_of(3)))
        assert drawn <= parts[0], "a draw is not from the training part"
    if isinstance(task, Generated):
        for name, batch, part in (("valid", valid, HeldOut.VALID), ("test", test, HeldOut.TEST)):
            if getattr(type(task), name) is getattr(Generated, name):  # its first few tell which seed it is
                batch = task.draw(FEW, part.generator())
            about = "validation" if part is HeldOut.VALID else "test"
            for seed in (*range(5), 42, 1234):  # the seeds that people use; torch keeps 32 bits of a seed
                again = task.draw(len(batch.x), generator_of(seed)).x
                assert not torch.equal(again, batch.x), f"seed {seed} draws the {about} part"


def check_scores(task: Task, test: Batch | None = None) -> None:
    """The loss is finite; the right answer scores best; the best answer that ignores x scores at chance.

    The test part may be given where it is at hand.
    """
    objective, test = task.objective, test or task.test()
    sign = 1 if objective.higher else -1
    shape = (*test.y.shape, task.outputs) if test.y.dtype == torch.long else test.y.shape
    output = normal(*shape, dtype=torch.float32).requires_grad_()
    objective.loss(output, test.y).backward()
    assert output.grad is not None and output.grad.isfinite().all(), "the loss has no finite gradient"
    perfect, ignorant, random = (
        sign * float(objective.score(answer, test.y))
        for answer in (_perfect(test.y, task.outputs), _ignorant(task).expand(shape), output.detach())
    )
    assert all(math.isfinite(score) for score in (perfect, ignorant, random)), "a score is not finite"
    chance = sign * task.chance
    assert perfect > chance and perfect >= ignorant and perfect >= random, "the right answer is not the best"
    slack = 0.05 * (perfect - chance)
    assert abs(ignorant - chance) < slack, f"the best ignorant answer scores {ignorant}, not {chance}"
    assert random < chance + slack, f"a random answer scores {random}, chance is {chance}"


def check_count(task: Task) -> None:
    """Where the objective counts its answers, its loss is a mean over them: parts of a batch add up to it."""
    objective, batch = task.objective, task.draw(FEW, generator_of(4))
    if objective.count is None:
        return
    shape = (*batch.y.shape, task.outputs) if batch.y.dtype == torch.long else batch.y.shape
    output, whole = normal(*shape, dtype=torch.float64), int(objective.count(batch.y))
    total = 0.0
    for rows in torch.arange(FEW).tensor_split([1, 4, FEW // 2]):
        count = int(objective.count(batch.y[rows]))
        total += count and float(objective.loss(output[rows], batch.y[rows])) * count / whole
    mean = float(objective.loss(output, batch.y))
    assert math.isclose(total, mean, rel_tol=1e-5), (
        f"losses of parts, by their counts, are {total}, not {mean}"
    )


def _perfect(y: Tensor, outputs: int) -> Tensor:
    return 50 * nn.functional.one_hot(y, outputs).float() if y.dtype == torch.long else y


def _ignorant(task: Task) -> Tensor:
    """The best output that is the same for all sequences, one per step: (1, ...)."""
    y = task.test().y if isinstance(task, Recorded) else task.draw(5000, generator_of(5)).y
    if y.dtype != torch.long:
        return y.mean(0, keepdim=True)
    return nn.functional.one_hot(y, task.outputs).float().mean(0, keepdim=True).clamp(min=1e-6).log()


def _equal(one: Batch, two: Batch) -> None:
    same = torch.equal(one.x, two.x) and torch.equal(one.y, two.y)
    assert same, "two batches differ that should be the same: does something draw from another generator?"


def _rows(batch: Batch) -> set[bytes]:
    return {row.tobytes() for row in batch.x.numpy()}
