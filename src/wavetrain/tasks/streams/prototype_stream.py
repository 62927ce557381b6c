"""Prototype stream: classes that are new in every episode, each to be named from its second sample on.

The protocol of Santoro, Bartunov, Botvinick, Wierstra and Lillicrap 2016, arXiv 1605.06065, with points in
place of images: each class of an episode has a prototype of its own, normal with deviation 1 in each of
`channels`, and a sample is that plus `noise`. Labels are dealt out anew in each episode, and the label of a
sample comes with the next one, so that class and label can only be bound inside the episode. `shares` are how
often the classes come: with unequal ones, rare classes have to be learned from few samples.

    x_t = [sample t, label of sample t - 1 as a one-hot vector (zeros at first)]     y_t = label of sample t

Nobody can know the label of a first sample; guessing names 1 / classes.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class PrototypeStream(Generated):
    """x (B, length, channels + classes), y (B, length) labels, one for each step.

    >>> from wavetrain.tasks import PrototypeStream
    >>> task = PrototypeStream(length=8)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> x[0, :, 16:].argmax(-1)[1:].equal(y[0, :-1])  # the label of a sample comes with the next
    True
    >>> y.tolist(), task.chance
    ([[0, 3, 2, 3, 4, 4, 1, 2]], 0.2)
    """

    length: int = 50
    shares: tuple[float, ...] = (0.2, 0.2, 0.2, 0.2, 0.2)  # of the classes, of sum 1
    channels: int = 16
    noise: float = 0.5  # its deviation

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("prototype stream", 1, length=self.length, channels=self.channels)
        if len(self.shares) < 2 or min(self.shares) <= 0 or not math.isclose(sum(self.shares), 1):
            raise BadInput(
                f"prototype stream: expected shares above 0 of two classes or more, sum 1, got {self.shares}"
            )
        classes = len(self.shares)
        self.set_facts(inputs=self.channels + classes, outputs=classes, chance=1 / classes)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return self.episodes(batch, generator)[0]

    def episodes(self, batch: int, generator: torch.Generator) -> tuple[Batch, Tensor]:
        """A batch, and which of the classes, in the order of `shares`, each sample is of, (B, length)."""
        classes = len(self.shares)
        prototypes = torch.randn(batch, classes, self.channels, generator=generator)
        names = torch.rand(batch, classes, generator=generator).argsort(1)
        chances = torch.tensor(self.shares).expand(batch, -1)
        kinds = torch.multinomial(chances, self.length, replacement=True, generator=generator)
        samples = prototypes.gather(1, kinds.unsqueeze(-1).expand(-1, -1, self.channels))
        samples = samples + self.noise * torch.randn(samples.shape, generator=generator)
        y = names.gather(1, kinds)
        told = F.pad(F.one_hot(y, classes).float(), (0, 0, 1, 0))[:, :-1]
        return Batch(torch.cat([samples, told], -1), y), kinds


def presentations(y: Tensor, classes: int) -> Tensor:
    """The how manieth sample of its class each one is, (B, T) from 1."""
    return F.one_hot(y, classes).cumsum(1).gather(2, y.unsqueeze(-1)).squeeze(-1)
