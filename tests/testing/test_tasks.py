"""What tasks promise: for each promise a task that breaks it, and one that only just keeps it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from wavetrain.core import CLASSES, VALUES, Batch, Generated, Objective, Recorded
from wavetrain.errors import BadInput
from wavetrain.testing import check_task, tasks
from wavetrain.testing.tasks import generator_of


@dataclass(frozen=True)
class Bits(Generated):
    """Twenty bits of a vocabulary of three; the answer is the last."""

    held_out = 40

    inputs: int = 3
    outputs: int = 2
    tokens: bool = True
    every_step: bool = False
    objective: Objective = field(default=CLASSES, repr=False)
    chance: float = 0.5

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x = torch.randint(2, (batch, 20), generator=generator)
        return Batch(x, x[:, -1])


def test_the_toy_keeps_all_of_them():
    """Of 40 bits a constant answer may be right for more than a half: the toy is examined on more."""

    class Many(Bits):
        held_out = 2000

    check_task(Many())
    assert [one.name for one in tasks.promises(Many)] == [
        "repr",
        "annotations",
        "draws",
        "shapes of draw",
        "shapes of valid",
        "shapes of test",
        "held_out",
        "scores",
        "count",
    ]
    with pytest.raises(BadInput, match="expected something that makes a Task, got one that makes int"):
        list(tasks.promises(lambda: 3))  # type: ignore[arg-type, return-value]


# --- shapes -------------------------------------------------------------------------------------------

LABELS = torch.tensor([0, 1])
WALK = torch.tensor([[0, 1, 2], [2, 1, 0]])
VALUED = torch.zeros(2, 3, 4)
STEPS, VALUE = torch.zeros(2, 3, 2), torch.zeros(2, 2)


@pytest.mark.parametrize(
    ("x", "y"), [(WALK, LABELS), (VALUED, LABELS), (WALK, VALUE), (VALUED, VALUE)], ids=str
)
def test_shapes_that_are_told_are_kept_for_each_sequence(x: Tensor, y: Tensor):
    task = Bits(tokens=x.ndim == 2, inputs=3 if x.ndim == 2 else 4)
    tasks.check_shapes(task, Batch(x, y))
    with pytest.raises(AssertionError, match="expected an answer for every step, got x"):
        tasks.check_shapes(replace(task, every_step=True, outputs=3), Batch(x, y))


@pytest.mark.parametrize("y", [torch.tensor([[0, 1, 0], [1, 1, 1]]), STEPS], ids=str)
def test_shapes_that_are_told_are_kept_for_each_step(y: Tensor):
    tasks.check_shapes(Bits(every_step=True), Batch(WALK, y))
    with pytest.raises(AssertionError, match=r"expected (one class|2 values of float32) for every sequence"):
        tasks.check_shapes(Bits(), Batch(WALK, y))


@pytest.mark.parametrize(
    ("x", "what"),
    [
        (torch.tensor([[0, 1, 3], [2, 1, 0]]), "expected tokens x below 3"),
        (torch.tensor([[0, 1, -1], [2, 1, 0]]), "expected tokens x below 3"),
        (WALK.int(), r"expected tokens x \(batch, time\) of int64, got x torch.int32 \(2, 3\) and y"),
        (WALK[..., None], r"expected tokens x \(batch, time\)"),
    ],
    ids=str,
)
def test_tokens_that_are_none_are_seen(x: Tensor, what: str):
    with pytest.raises(AssertionError, match=what):
        tasks.check_shapes(Bits(), Batch(x, LABELS))


@pytest.mark.parametrize(
    ("x", "what"),
    [
        (VALUED.double(), r"expected x \(batch, time, 4\) of float32, got x torch.float64 \(2, 3, 4\)"),
        (VALUED[..., 1:], r"expected x \(batch, time, 4\)"),
        (VALUED[..., None], r"expected x \(batch, time, 4\)"),
        (VALUED[..., 0], r"expected x \(batch, time, 4\)"),
        (VALUED + torch.nan, "x is not finite"),
        (VALUED + torch.inf, "x is not finite"),
    ],
    ids=str,
)
def test_values_of_another_shape_are_seen(x: Tensor, what: str):
    with pytest.raises(AssertionError, match=what):
        tasks.check_shapes(Bits(tokens=False, inputs=4), Batch(x, LABELS))


@pytest.mark.parametrize(
    ("every_step", "y", "what"),
    [
        (False, torch.tensor([0, 1, 1]), r"expected an answer for every sequence, got x .* and y .* \(3,\)"),
        (False, torch.tensor([0, 2]), "expected classes y below 2"),
        (False, torch.tensor([0, -1]), "expected classes y below 2"),
        (True, torch.zeros(2, 3, 1, dtype=torch.long), "expected one class for every step"),
        (True, torch.zeros(2, 2, dtype=torch.long), "expected an answer for every step"),
        (False, VALUE.double(), r"expected 2 values of float32 for every sequence, got .*y torch.float64"),
        (False, VALUE[:, :1], "expected 2 values of float32 for every sequence"),
        (True, STEPS[..., :1], "expected 2 values of float32 for every step"),
        (True, STEPS + torch.nan, "y is not finite"),
        (False, VALUE - torch.inf, "y is not finite"),
    ],
    ids=str,
)
def test_answers_of_another_shape_are_seen(every_step: bool, y: Tensor, what: str):
    with pytest.raises(AssertionError, match=what):
        tasks.check_shapes(Bits(every_step=every_step), Batch(WALK, y))


@pytest.mark.parametrize("part", ["draw", "valid", "test"])
def test_each_part_has_its_shapes_looked_at(part: str):
    class Odd(Bits):
        """One part has a token that is not in the vocabulary."""

    def spoilt(self: Bits, *given: Any) -> Batch:
        batch = getattr(super(Odd, self), part)(*given)
        return Batch(batch.x + 2, batch.y)

    setattr(Odd, part, spoilt)
    broken = {}
    for promise in tasks.promises(Odd):
        try:
            promise.check()
        except AssertionError as error:
            broken[promise.name] = str(error)
    assert "expected tokens x below 3" in broken[f"shapes of {part}"]
    if part != "draw":  # what draws gives the other two
        assert [name for name in broken if name.startswith("shapes")] == [f"shapes of {part}"]


# --- one line, and what is drawn ----------------------------------------------------------------------


def test_a_line_of_250_characters_is_one():
    @dataclass(frozen=True)
    class Named(Bits):
        says: str = ""

        def __repr__(self) -> str:
            return self.says

    tasks.check_repr(Named(says="a" * 250))
    for long in ("a" * 251, "a\nb"):
        with pytest.raises(AssertionError, match="expected one line of at most 250 characters, got "):
            tasks.check_repr(Named(says=long))


class ByEverybody(Bits):
    """Records from everybody's generator, answers from the given one."""

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return Batch(torch.randint(2, (batch, 20)), super().draw(batch, generator).y)


class AnswersByEverybody(Bits):
    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return Batch(super().draw(batch, generator).x, torch.randint(2, (batch,)))


class Afresh(Bits):
    """Begins again at each draw."""

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return super().draw(batch, generator_of(generator.initial_seed()))


class OneSeed(Bits):
    """The same whatever the seed, though other draws follow the first."""

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        begun = generator.get_state().equal(generator_of(generator.initial_seed()).get_state())
        torch.rand((), generator=generator)
        return super().draw(batch, generator_of(0 if begun else 1))


class Pairs(Bits):
    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return super().draw(max(batch, 2), generator)


@pytest.mark.parametrize(
    ("task", "what"),
    [
        (ByEverybody, "two batches differ that should be the same"),
        (AnswersByEverybody, "two batches differ that should be the same"),
        (Afresh, "the second draw is the first again"),
        (OneSeed, "another seed gives the same draw"),
        (Pairs, "a batch of one has another length"),
    ],
)
def test_draws_that_are_not_those_of_the_generator_are_seen(task: type[Bits], what: str):
    tasks.check_draws(Bits())
    with pytest.raises(AssertionError, match=what):
        tasks.check_draws(task())


class OneTooFew(Bits):
    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x, y = super().draw(batch, generator)
        return Batch(x, y[1:])


def test_shapes_of_annotations_are_looked_at():
    tasks.check_annotations(Bits())
    with pytest.raises(AssertionError, match="batch"):
        tasks.check_annotations(OneTooFew())
    with pytest.raises(AssertionError, match="accuracy"):  # a loss that takes it, a score that does not
        tasks.check_annotations(
            Bits(objective=Objective("", True, CLASSES.loss, lambda output, y: CLASSES.score(output, y[:1])))
        )


# --- what is held out ---------------------------------------------------------------------------------


def parts(**made: Callable[[Bits], Batch]) -> Bits:
    """The toy with other parts."""
    return type("Parts", (Bits,), made)()


def drawn(seed: int, many: int = 40) -> Callable[[Bits], Batch]:
    return lambda task: task.draw(many, generator_of(seed))


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 42, 1234])
def test_what_a_seed_of_many_people_draws_is_not_held_out(seed: int):
    with pytest.raises(AssertionError, match=rf"^seed {seed} draws the validation part"):
        tasks.check_held_out(parts(valid=drawn(seed)))
    with pytest.raises(AssertionError, match=rf"^seed {seed} draws the test part"):
        tasks.check_held_out(parts(test=drawn(seed)))


def test_what_is_held_out_is_fixed_and_in_two_parts():
    tasks.check_held_out(Bits())
    tasks.check_held_out(parts(valid=drawn(99, 30)))  # of another size
    for part in ("valid", "test"):
        for batch in (
            lambda task: Batch(torch.randint(2, (40, 20)), torch.zeros(40, dtype=torch.long)),
            lambda task: Batch(drawn(99)(task).x, torch.rand(40)),
        ):
            with pytest.raises(AssertionError, match="two batches differ that should be the same"):
                tasks.check_held_out(parts(**{part: batch}))
    with pytest.raises(AssertionError, match="both held-out parts are one"):
        tasks.check_held_out(parts(valid=drawn(99), test=drawn(99)))


def recorded(
    train: list[int], valid: list[int], test: list[int], kind: type[Recorded] = Recorded
) -> Recorded:
    """Sequences of a number that comes four times."""
    batches = [
        Batch(torch.tensor(part)[:, None].repeat(1, 4), torch.zeros(len(part), dtype=torch.long))
        for part in (train, valid, test)
    ]
    return kind(*batches, 9, 2, tokens=True, every_step=False, objective=CLASSES, chance=0.5)


class DrawsTheTest(Recorded):
    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x, y = super().draw(batch, generator)
        x[0] = self.held_test.x[0]
        return Batch(x, y)


def test_recordings_are_in_three_parts_and_drawn_from_the_first():
    tasks.check_held_out(recorded([0, 1, 2], [3, 4], [5]))
    for shared in (([0, 1, 2], [2, 4], [5]), ([0, 1, 2], [3, 4], [1]), ([0, 1, 2], [3, 4], [4])):
        with pytest.raises(AssertionError, match="parts share sequences"):
            tasks.check_held_out(recorded(*shared))
    with pytest.raises(AssertionError, match="a draw is not from the training part"):
        tasks.check_held_out(recorded([0, 1, 2], [3, 4], [5], DrawsTheTest))


# --- scores -------------------------------------------------------------------------------------------


def scored(perfect: float, ignorant: float, random: float, *, chance: float, higher: bool = True) -> None:
    """Hold a task to its scores whose measure tells these, one after the other."""
    told = iter((perfect, ignorant, random))
    measure = Objective("told", higher, CLASSES.loss, lambda output, y: torch.tensor(next(told)))
    tasks.check_scores(Bits(objective=measure, chance=chance))


@pytest.mark.parametrize(
    ("higher", "chance", "scores", "what"),
    [
        (True, 0.0, (1.0, 0.0, 0.0), None),
        (True, 0.0, (1.0, 0.049, 0.049), None),
        (True, 0.0, (1.0, -0.049, -9.0), None),
        (True, 0.0, (1.0, 0.051, 0.0), "the best ignorant answer scores 0.05.*, not 0.0"),
        (True, 0.0, (1.0, -0.051, 0.0), "the best ignorant answer scores -0.05.*, not 0.0"),
        (True, 0.0, (1.0, 0.0, 0.051), "a random answer scores 0.05.*, chance is 0.0"),
        (True, 10.0, (30.0, 10.9, 10.9), None),
        (True, 10.0, (30.0, 11.1, 10.0), "the best ignorant answer scores"),
        (True, 10.0, (30.0, 10.0, 11.1), "a random answer scores"),
        (True, 0.5, (0.5, 0.5, 0.5), "the right answer is not the best"),
        (True, 0.5, (0.4, 0.3, 0.3), "the right answer is not the best"),
        (True, 0.5, (0.9, 1.0, 0.5), "the right answer is not the best"),
        (True, 0.5, (0.9, 0.5, 1.0), "the right answer is not the best"),
        (False, 2.0, (0.0, 2.09, 2.0), None),
        (False, 2.0, (0.0, 1.91, 1.91), None),
        (False, 2.0, (0.0, 2.0, 80.0), None),
        (False, 2.0, (0.0, 2.11, 3.0), "the best ignorant answer scores"),
        (False, 2.0, (0.0, 2.0, 1.89), "a random answer scores"),
        (False, 2.0, (3.0, 2.0, 2.0), "the right answer is not the best"),
        (True, 0.5, (math.inf, 0.5, 0.5), "a score is not finite"),
        (True, 0.5, (1.0, math.nan, 0.5), "a score is not finite"),
        (True, 0.5, (1.0, 0.5, -math.inf), "a score is not finite"),
    ],
)
def test_the_right_answer_is_best_and_ignorance_and_noise_are_chance(
    higher: bool, chance: float, scores: tuple[float, float, float], what: str | None
):
    if what is None:
        scored(*scores, chance=chance, higher=higher)
    else:
        with pytest.raises(AssertionError, match=what):
            scored(*scores, chance=chance, higher=higher)


def test_what_is_scored_is_the_answer_the_best_constant_and_noise():
    given = []
    objective = Objective(
        "told", True, CLASSES.loss, lambda output, y: given.append(output) or torch.tensor(1.0 / len(given))
    )
    three = recorded([0, 1], [2], [3, 4, 5])
    three.held_test.y[2] = 1
    tasks.check_scores(replace(three, outputs=3, objective=objective, chance=0.49))
    perfect, ignorant, random = given
    assert perfect.tolist() == [[50, 0, 0], [50, 0, 0], [0, 50, 0]]
    share = torch.tensor([2 / 3, 1 / 3, 1e-6]).log().expand(3, 3)  # how often each is the answer of the test
    torch.testing.assert_close(ignorant, share)
    assert random.shape == (3, 3) and random.std() > 0.3 and not random.requires_grad


def test_of_values_the_best_constant_is_their_mean():
    x, y = torch.zeros(3, 4, 1), torch.tensor([[1.0, 5.0], [2.0, 5.0], [6.0, 8.0]])
    given = []
    objective = Objective(
        "told", True, VALUES.loss, lambda output, y: given.append(output) or torch.tensor(1.0 / len(given))
    )
    batches = [Batch(x + part, y) for part in range(3)]
    tasks.check_scores(
        Recorded(*batches, 1, 2, tokens=False, every_step=False, objective=objective, chance=0.49)
    )
    assert given[0].equal(y) and given[1].tolist() == [[3, 6]] * 3 and given[2].shape == y.shape


def test_made_up_answers_are_counted_in_many_draws():
    torch.testing.assert_close(tasks._ignorant(Bits()).exp(), torch.full((1, 2), 0.5), atol=0.02, rtol=0)


def test_a_loss_without_a_finite_gradient_is_seen():
    other = torch.zeros((), requires_grad=True)
    for loss in (lambda output, y: (output * torch.nan).sum(), lambda output, y: other * 1):
        with pytest.raises(AssertionError, match="the loss has no finite gradient"):
            tasks.check_scores(Bits(objective=Objective("", True, loss, CLASSES.score)))
