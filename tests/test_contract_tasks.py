"""The contract of tasks, generated and recorded: all of them that `find` finds, with default arguments."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.promises import normal
from wavetrain import find
from wavetrain.core import Batch, Generated, Recorded, Task
from wavetrain.errors import BadInput

TASKS = [found for found in find.everything() if found.kind in ("tasks", "data")]


def _task(found: find.Found) -> Task:
    try:
        task = found.load()()
    except BadInput as error:
        if found.kind != "data":
            raise
        pytest.skip(str(error))
    if not isinstance(task, Task):
        pytest.skip(f"{found.name} is a recording without a task")
    return task


@pytest.mark.parametrize("found", TASKS, ids=lambda found: found.name)
def test_task(found: find.Found):
    task = _task(found)
    check_draws(task)
    check_shapes(task, task.draw(5, _generator(1)))
    check_shapes(task, task.valid())
    check_shapes(task, task.test())
    check_held_out(task)
    check_scores(task)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def check_draws(task: Task) -> None:
    """The same generator gives the same batch, another seed another, and the next draw another."""
    torch.manual_seed(1)
    one = task.draw(50, _generator(1))
    torch.manual_seed(2)
    generator = _generator(1)
    _equal(one, task.draw(50, generator))
    assert not torch.equal(one.x, task.draw(50, generator).x), "the second draw is the first again"
    assert not torch.equal(one.x, task.draw(50, _generator(2)).x), "another seed gives the same draw"
    assert len(task.draw(1, _generator(1)).x) == 1


def check_shapes(task: Task, batch: Batch) -> None:
    """Shapes, types and ranges are those that the task tells."""
    x, y = batch
    if task.tokens:
        assert x.ndim == 2 and x.dtype == torch.long
        assert x.min() >= 0 and x.max() < task.inputs
    else:
        assert x.ndim == 3 and x.shape[2] == task.inputs and x.dtype == torch.float32
        assert x.isfinite().all()
    assert y.shape[: 1 + task.steps] == x.shape[: 1 + task.steps]
    if y.dtype == torch.long:
        assert y.ndim == 1 + task.steps and y.min() >= 0 and y.max() < task.outputs
    else:
        assert (
            y.dtype == torch.float32 and y.shape[1 + task.steps :] == (task.outputs,) and y.isfinite().all()
        )


def check_held_out(task: Task) -> None:
    """What is held out is fixed, in two different parts, and is no batch that training draws."""
    valid, test = task.valid(), task.test()
    _equal(valid, task.valid())
    _equal(test, task.test())
    assert valid.x.shape != test.x.shape or not torch.equal(valid.x, test.x)
    if isinstance(task, Recorded):
        parts = [_rows(part) for part in (task.train, valid, test)]
        assert not (parts[0] & parts[2] or parts[1] & parts[2] or parts[0] & parts[1]), (
            "parts share sequences"
        )
        drawn = _rows(task.draw(200, _generator(3)))
        assert drawn <= parts[0], "a draw is not from the training part"
    if isinstance(task, Generated):
        for seed in (*range(5), 42, 1234):  # the seeds that people use; torch keeps 32 bits of a seed
            drawn = task.draw(len(test.x), _generator(seed)).x
            assert not torch.equal(drawn, valid.x), f"seed {seed} draws the validation part"
            assert not torch.equal(drawn, test.x), f"seed {seed} draws the test part"


def check_scores(task: Task) -> None:
    """The loss is finite; the right answer scores best; the best answer that ignores x scores at chance."""
    objective, test = task.objective, task.test()
    sign = 1 if objective.higher else -1
    shape = (*test.y.shape, task.outputs) if test.y.dtype == torch.long else test.y.shape
    output = normal(*shape, dtype=torch.float32).requires_grad_()
    objective.loss(output, test.y).backward()
    assert output.grad is not None and output.grad.isfinite().all()
    perfect, ignorant, random = (
        sign * float(objective.score(answer, test.y))
        for answer in (_perfect(test.y, task.outputs), _ignorant(task).expand(shape), output.detach())
    )
    assert all(math.isfinite(score) for score in (perfect, ignorant, random))
    chance = sign * task.chance
    assert perfect > chance and perfect >= ignorant and perfect >= random, "the right answer is not the best"
    slack = 0.05 * (perfect - chance)
    assert abs(ignorant - chance) < slack, f"the best ignorant answer scores {ignorant}, not {chance}"
    assert random < chance + slack, f"a random answer scores {random}, chance is {chance}"


def _perfect(y: Tensor, outputs: int) -> Tensor:
    return 50 * nn.functional.one_hot(y, outputs).float() if y.dtype == torch.long else y


def _ignorant(task: Task) -> Tensor:
    """The best output that is the same for all sequences, one per step: (1, ...)."""
    y = task.test().y if isinstance(task, Recorded) else task.draw(5000, _generator(5)).y
    if y.dtype != torch.long:
        return y.mean(0, keepdim=True)
    return nn.functional.one_hot(y, task.outputs).float().mean(0, keepdim=True).clamp(min=1e-6).log()


def _equal(one: Batch, two: Batch) -> None:
    assert torch.equal(one.x, two.x) and torch.equal(one.y, two.y)


def _rows(batch: Batch) -> set[bytes]:
    return {row.tobytes() for row in batch.x.numpy()}
