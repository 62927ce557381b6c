"""A task: what is learned, how it is scored, and what chance would score."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Batch(NamedTuple):
    """Sequences and their answers."""

    x: Tensor  # (B, T, inputs), or (B, T) integer tokens
    y: Tensor  # (B, ...) an answer per sequence, or (B, T, ...) one per step

    def to(self, device: torch.device) -> "Batch":
        return Batch(self.x.to(device), self.y.to(device))


@dataclass(frozen=True)
class Objective:
    """What is asked of the output: a loss to train by and a score to report."""

    measure: str  # the score's name and unit, as in a table
    higher: bool  # whether a higher score is better
    loss: Callable[[Tensor, Tensor], Tensor]
    score: Callable[[Tensor, Tensor], Tensor]


def _cross_entropy(output: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(output.flatten(0, -2), y.flatten())


def accuracy(output: Tensor, y: Tensor) -> Tensor:
    """The fraction of answers whose largest output is the right class."""
    return (output.argmax(-1) == y).double().mean()


def explained(output: Tensor, y: Tensor) -> Tensor:
    """The fraction of the variance of y that is explained, R²; guessing the mean gives 0."""
    y = y.double().flatten(0, -2)
    return 1 - ((output.double().flatten(0, -2) - y) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()


CLASSES = Objective("accuracy", True, _cross_entropy, accuracy)

VALUES = Objective("R²", True, F.mse_loss, explained)

TOKENS = Objective("nats per token", False, _cross_entropy, _cross_entropy)


class Task(ABC):
    """Something to learn. `draw` gives training batches; `valid` and `test` are fixed and never drawn."""

    inputs: int  # channels of a step, or the size of the vocabulary where x holds tokens
    outputs: int  # channels of the answer
    tokens: bool  # whether x is (B, T) integers
    steps: bool  # whether every step is answered, or the whole sequence once
    objective: Objective
    chance: float  # the score of the best answer that ignores x

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
    """A task that is made up as it goes: its held-out batches are drawn with generators of their own."""

    held_out: ClassVar[int] = 1000  # sequences in each held-out batch

    def valid(self) -> Batch:
        return self.draw(self.held_out, torch.Generator().manual_seed(2**32 - 1))  # torch keeps 32 bits of it

    def test(self) -> Batch:
        return self.draw(self.held_out, torch.Generator().manual_seed(2**32 - 2))


@dataclass(frozen=True, eq=False)
class Recorded(Task):
    """A task made of recordings in three parts; training batches are drawn with replacement."""

    train: Batch
    held_valid: Batch
    held_test: Batch
    inputs: int
    outputs: int
    tokens: bool
    steps: bool
    objective: Objective
    chance: float

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        rows = torch.randint(len(self.train.x), (batch,), generator=generator)
        return Batch(self.train.x[rows], self.train.y[rows])

    def valid(self) -> Batch:
        return self.held_valid

    def test(self) -> Batch:
        return self.held_test


def majority(y: Tensor) -> float:
    """The accuracy of always naming the commonest class: the chance level of a classification."""
    return float(y.flatten().bincount().max() / y.numel())
