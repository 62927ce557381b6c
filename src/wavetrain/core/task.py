"""A task: what is learned, how it is scored, and what chance would score."""

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor
from torch.nn import functional as F


class Batch(NamedTuple):
    """Sequences and their answers.

    >>> from wavetrain.core import Batch
    >>> batch = Batch(x=torch.zeros(4, 10, 2), y=torch.zeros(4, dtype=torch.long))
    >>> x, y = batch
    >>> x.shape, y.shape  # four sequences, and an answer for each
    (torch.Size([4, 10, 2]), torch.Size([4]))
    """

    x: Float[Tensor, "batch time inputs"] | Int[Tensor, "batch time"]  # values, or tokens
    y: Num[Tensor, "batch *answer"]  # one for each sequence, or "batch time ..." for each step

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        return Batch(self.x.to(device), self.y.to(device))


@dataclass(frozen=True)
class Objective:
    """What is asked of the output: a loss to train by and a score to report.

    >>> from wavetrain.core import CLASSES, TOKENS, VALUES, Objective
    >>> output, y = torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1])
    >>> CLASSES.measure, CLASSES.score(output, y).item(), round(CLASSES.loss(output, y).item(), 2)
    ('accuracy', 0.5, 0.7)
    >>> VALUES.measure, VALUES.higher, TOKENS.measure, TOKENS.higher
    ('R²', True, 'nats per token', False)
    >>> isinstance(CLASSES, Objective)
    True
    """

    measure: str  # the score's name and unit, as in a table
    higher: bool  # whether a higher score is better
    loss: Callable[[Tensor, Tensor], Tensor] = field(repr=False)
    score: Callable[[Tensor, Tensor], Tensor] = field(repr=False)
    count: Callable[[Tensor], Tensor | int] | None = field(
        default=None, repr=False
    )  # answers in y that the loss is a mean over; None where it is no such mean


def _cross_entropy(
    output: Float[Tensor, "*answers outputs"], y: Int[Tensor, "*answers"]
) -> Float[Tensor, ""]:
    return F.cross_entropy(output.flatten(0, -2), y.flatten())


def accuracy(output: Float[Tensor, "*answers outputs"], y: Int[Tensor, "*answers"]) -> Float[Tensor, ""]:
    """The fraction of answers whose largest output is the right class.

    >>> from wavetrain.core import accuracy
    >>> output = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    >>> accuracy(output, torch.tensor([1, 0, 1, 1])).item()
    0.75
    """
    return (output.argmax(-1) == y).double().mean()


def explained(
    output: Float[Tensor, "*answers outputs"], y: Num[Tensor, "*answers outputs"]
) -> Float[Tensor, ""]:
    """The fraction of the variance of y that is explained, R²; guessing the mean gives 0.

    >>> from wavetrain.core import explained
    >>> y = torch.tensor([[1.0], [2.0], [3.0]])
    >>> explained(y, y).item(), explained(torch.full((3, 1), 2.0), y).item()  # the mean explains nothing
    (1.0, 0.0)
    """
    y = y.double().flatten(0, -2)
    return 1 - ((output.double().flatten(0, -2) - y) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()


def _known(y: Int[Tensor, "*answers"]) -> Int[Tensor, ""]:
    return (y != -100).sum()  # what cross-entropy passes over


CLASSES = Objective("accuracy", True, _cross_entropy, accuracy, _known)

VALUES = Objective("R²", True, F.mse_loss, explained, Tensor.numel)

TOKENS = Objective("nats per token", False, _cross_entropy, _cross_entropy, _known)


class HeldOut(enum.IntEnum):
    """What is drawn once and never trained on: each part has a generator of its own, in all tasks alike.

    >>> from wavetrain.core import HeldOut
    >>> one, again = (HeldOut.TEST.generator() for _ in range(2))
    >>> torch.randint(9, (5,), generator=one).equal(torch.randint(9, (5,), generator=again))
    True
    >>> [part.name for part in HeldOut]
    ['VALID', 'TEST', 'MORE']
    """

    VALID = 1  # to choose by
    TEST = 2  # to report
    MORE = 3  # for what an experiment asks besides

    def generator(self) -> torch.Generator:
        """A generator at one of the last seeds there are, since torch keeps 32 bits of a seed."""
        return torch.Generator().manual_seed(2**32 - self)


class Task(ABC):
    """Something to learn. `draw` gives training batches; `valid` and `test` are fixed and never drawn.

    A member is a frozen dataclass: its fields are what it is built with. Facts that are the same for all of
    its kind stand in the class, without annotation; those that follow from the fields are told to `set_facts`
    in `__post_init__`.

    >>> from wavetrain.core import Task
    >>> from wavetrain.tasks import Copying
    >>> task = Copying(delay=5)
    >>> isinstance(task, Task), task.inputs, task.outputs, task.objective.measure, task.chance
    (True, 10, 10, 'recall', 0.125)
    >>> task.draw(4, torch.Generator().manual_seed(0)).x.shape, task.test().x.shape
    (torch.Size([4, 25, 10]), torch.Size([1000, 25, 10]))
    """

    inputs: int  # channels of a step, or the size of the vocabulary where x holds tokens
    outputs: int  # channels of the answer
    tokens: bool  # whether x is (B, T) integers
    every_step: bool  # whether every step is answered, or the whole sequence once
    objective: Objective
    chance: float  # the score of the best answer that ignores x

    def set_facts(
        self,
        *,
        inputs: int | None = None,
        outputs: int | None = None,
        tokens: bool | None = None,
        every_step: bool | None = None,
        objective: Objective | None = None,
        chance: float | None = None,
    ) -> None:
        """Set facts that follow from the fields; for `__post_init__`, since a task is frozen afterwards."""
        facts = {
            "inputs": inputs,
            "outputs": outputs,
            "tokens": tokens,
            "every_step": every_step,
            "objective": objective,
            "chance": chance,
        }
        for name, fact in facts.items():
            if fact is not None:
                object.__setattr__(self, name, fact)

    @abstractmethod
    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        """A batch for training, the same for the same state of the generator."""

    @abstractmethod
    def valid(self) -> Batch:
        """The held-out batch to choose by."""

    @abstractmethod
    def test(self) -> Batch:
        """The held-out batch to report."""


class Generated(Task):
    """A task that is made up as it goes: its held-out batches are drawn with generators of their own.

    >>> from dataclasses import dataclass
    >>> from wavetrain.core import CLASSES, Batch, Generated
    >>> @dataclass(frozen=True)
    ... class Last(Generated):
    ...     inputs, outputs, tokens, every_step, objective, chance = 2, 2, True, False, CLASSES, 0.5
    ...     def draw(self, batch, generator):
    ...         x = torch.randint(2, (batch, 5), generator=generator)
    ...         return Batch(x, x[:, -1])
    >>> Last().test().x.shape, Last().valid().x.equal(Last().test().x)
    (torch.Size([1000, 5]), False)
    """

    held_out: ClassVar[int] = 1000  # sequences in each held-out batch

    def valid(self) -> Batch:
        return self.draw(self.held_out, HeldOut.VALID.generator())

    def test(self) -> Batch:
        return self.draw(self.held_out, HeldOut.TEST.generator())


@dataclass(frozen=True, eq=False)
class Recorded(Task):
    """A task made of recordings in three parts; training batches are drawn with replacement.

    >>> from wavetrain.core import CLASSES, Batch, Recorded
    >>> x, y = torch.randn(30, 10, 1), torch.randint(2, (30,))
    >>> parts = (Batch(x[part], y[part]) for part in (slice(20), slice(20, 25), slice(25, 30)))
    >>> task = Recorded(*parts, 1, 2, tokens=False, every_step=False, objective=CLASSES, chance=0.5)
    >>> task.draw(8, torch.Generator().manual_seed(0)).x.shape, task.test().y.shape
    (torch.Size([8, 10, 1]), torch.Size([5]))
    """

    train: Batch = field(repr=False)
    held_valid: Batch = field(repr=False)
    held_test: Batch = field(repr=False)
    inputs: int
    outputs: int
    tokens: bool
    every_step: bool
    objective: Objective
    chance: float
    names: tuple[str, ...] = field(default=(), repr=False)  # of classes, where they have any
    scale: tuple[float, ...] = field(default=(), repr=False)  # what one of each value is in its own units
    level: tuple[float, ...] = field(default=(), repr=False)  # what zero is

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        rows = torch.randint(len(self.train.x), (batch,), generator=generator)
        return Batch(self.train.x[rows], self.train.y[rows])

    def valid(self) -> Batch:
        return self.held_valid

    def test(self) -> Batch:
        return self.held_test


def majority(y: Int[Tensor, "*answers"]) -> float:
    """The accuracy of always naming the commonest class: the chance level of a classification.

    >>> from wavetrain.core import majority
    >>> majority(torch.tensor([1, 1, 1, 0]))
    0.75
    """
    return float(y.flatten().bincount().max() / y.numel())
