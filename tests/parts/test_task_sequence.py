"""Sequences of tasks: labels and outputs in the three scenarios, what is told, and what is refused."""

import itertools
from dataclasses import replace

import pytest
import torch

from tests.promises import close, normal
from wavetrain.core import CLASSES, VALUES, Batch, Recorded
from wavetrain.errors import BadInput
from wavetrain.parts.task_sequence import Scenario, TaskSequence, check_alike, in_turn


def task(*labels: int, inputs: int = 3, seed: int = 0, many: int = 12) -> Recorded:
    """Sequences whose first number is their label."""

    def part(of: int) -> Batch:
        y = torch.tensor(labels).repeat(many)[: many + of]
        x = normal(len(y), 4, inputs, seed=seed + of, dtype=torch.float32)
        x[:, 0, 0] = y.float()
        return Batch(x, y)

    return Recorded(part(2), part(1), part(0), inputs, 10, False, False, CLASSES, 0.5)


PAIRS = [task(0, 1), task(5, 3), task(7, 9)]


def labels(sequence: TaskSequence) -> list[list[int]]:
    return [one.train.y.unique().tolist() for one in sequence.tasks]


@pytest.mark.parametrize("scenario", [Scenario.TASK, Scenario.CLASS])
def test_outputs_of_its_own_for_each_task(scenario: Scenario):
    sequence = in_turn(PAIRS, scenario)
    assert labels(sequence) == [[0, 1], [2, 3], [4, 5]] == [list(head) for head in sequence.heads]
    assert sequence.outputs == 6 and len(sequence) == 3
    for part, offset in ((task(5, 3).train, 2),):
        found = sequence.tasks[1].train
        assert torch.equal(found.x, part.x)
        assert torch.equal(found.y, (part.y == 5).long() + offset)  # 3 comes before 5


def test_a_domain_has_the_same_outputs_in_each_task():
    sequence = in_turn(PAIRS, Scenario.DOMAIN)
    assert labels(sequence) == [[0, 1]] * 3 and sequence.outputs == 2
    assert sequence.heads == ((0, 1),) * 3


def test_split_digits_keep_their_labels_where_they_come_in_order():
    pairs = [task(2 * k, 2 * k + 1) for k in range(5)]
    for one, old in zip(in_turn(pairs, Scenario.CLASS).tasks, pairs, strict=True):
        assert torch.equal(one.train.y, old.train.y) and one.outputs == 10


def test_with_the_task_told_other_heads_do_not_count():
    sequence = in_turn(PAIRS, Scenario.CLASS)
    told, y = sequence.told(), torch.tensor([2, 3, 5])
    output = torch.tensor([[9.0, 0, 1, 0, 0, 0], [0, 0, 2, 1, 9, 0], [0, 0, 0, 9, 1, 2]])
    assert sequence.objective.score(output, y) == 0
    assert told.objective.score(output, y) == pytest.approx(2 / 3)
    own = torch.tensor([[1.0, 0], [2, 1], [1, 2]])
    close(told.objective.loss(output, y), CLASSES.loss(own, torch.tensor([0, 1, 1])), "loss within the head")
    assert told.scenario is Scenario.TASK and told.told() is told


def test_masking_never_hurts():
    sequence = in_turn(PAIRS, Scenario.CLASS)
    output, y = normal(200, 6, dtype=torch.float32), torch.arange(200) % 6
    right = output.argmax(-1) == y
    for row in range(200):
        told = sequence.told().objective.score(output[row : row + 1], y[row : row + 1])
        assert told >= right[row]


def test_other_heads_get_no_gradient():
    output = normal(4, 6, dtype=torch.float32).requires_grad_()
    in_turn(PAIRS, Scenario.TASK).objective.loss(output, torch.tensor([0, 1, 1, 0])).backward()
    assert output.grad is not None and output.grad[:, :2].any() and not output.grad[:, 2:].any()


def test_heads_that_share_a_label_cannot_tell_the_task():
    with pytest.raises(BadInput, match="expected labels that tell the task"):
        in_turn(PAIRS, Scenario.DOMAIN).told()


def test_all_tasks_at_once():
    joint = in_turn(PAIRS, Scenario.CLASS).joint()
    assert joint.train.y.unique().tolist() == list(range(6))
    assert len(joint.train.y) == sum(len(one.train.y) for one in PAIRS)
    assert joint.chance == pytest.approx(1 / 6)
    longer = replace(PAIRS[1], train=Batch(normal(3, 5, 3, dtype=torch.float32), torch.tensor([3, 5, 3])))
    with pytest.raises(BadInput, match=r"one length to learn tasks at once, got \[4, 5\] steps"):
        in_turn([PAIRS[0], longer], Scenario.CLASS).joint()


def test_sizes():
    sequence = in_turn(PAIRS, Scenario.CLASS)
    assert [len(one.train.y) for one in sequence.whole().tasks] == [14 + 13] * 3
    few = sequence.cut(5)
    assert {len(part.y) for one in few.tasks for part in (one.train, one.valid(), one.test())} == {5}
    assert few.tasks[0].train.x.untyped_storage().nbytes() == 5 * 4 * 3 * 4
    assert sequence.pixels == 12 and sequence.inputs == 3


def test_draws_in_between_change_no_task():
    """Nothing is drawn lazily: what is learned does not hang on what was drawn before."""
    one = in_turn(PAIRS, Scenario.CLASS)
    torch.rand(5)
    two = in_turn(PAIRS, Scenario.CLASS)
    for this, other in itertools.product(*[range(3)] * 2):
        same = torch.equal(one.tasks[this].train.y, two.tasks[other].train.y)
        assert same == (this == other)


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([], "expected at least one task, got none"),
        (
            [task(0, 1), task(0, 1, inputs=2)],
            "expected tasks of one shape, got sequences of 3 channels with one answer in task 1 and "
            "sequences of 2 channels with one answer in task 2",
        ),
        ([task(0, 1), replace(task(0, 1), every_step=True)], "with an answer for each step in task 2"),
        (
            [task(0, 1), replace(task(0, 1), tokens=True)],
            "got sequences of 3 channels with one answer in task 1",
        ),
        (
            [task(0, 1), replace(task(0, 1), held_test=Batch(torch.zeros(0, 4, 3), torch.zeros(0).long()))],
            "task 2 has no sequence to test",
        ),
        ([replace(task(0, 1), objective=VALUES)], "expected classes to tell, task 1 is not of classes"),
        (
            [replace(task(0, 1), held_test=task(0, 2).test())],
            "task 1 has a label that its training part has not",
        ),
    ],
)
def test_bad_tasks_are_refused_in_one_line(tasks: list[Recorded], said: str):
    with pytest.raises(BadInput) as caught:
        in_turn(tasks, Scenario.CLASS)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_domain_has_as_many_classes_in_each_task():
    with pytest.raises(BadInput, match=r"as many classes in each task, got \[2, 3\]"):
        in_turn([task(0, 1), task(0, 1, 2)], Scenario.DOMAIN)


def test_tasks_that_are_alike_are_let_through():
    check_alike(PAIRS)
