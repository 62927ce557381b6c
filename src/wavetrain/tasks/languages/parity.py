"""Parity: is the number of ones so far odd?

The regular task of Delétang et al. 2023, arXiv 2207.02098, asked after every bit, so that a sequence of
length T teaches and tests all lengths up to T. Karuvally et al. 2025, arXiv 2507.05238, call even 1.

    x  1 0 1 1 0
    y  1 1 0 1 1

Guessing is right half of the time at every step.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class Parity(Generated):
    """x (B, length) bits, y alike.

    >>> from wavetrain.tasks import Parity
    >>> x, y = Parity(length=8).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [0, 1, 1, 0, 1, 1, 1, 1]
    >>> y[0].tolist()  # whether the number of ones so far is odd
    [0, 1, 0, 0, 1, 0, 1, 0]
    """

    length: int = 20

    # without annotations: facts of the task, not fields
    inputs = 2
    outputs = 2
    tokens = True
    every_step = True
    objective = CLASSES
    chance = 1 / 2

    def __post_init__(self) -> None:
        at_least("parity", 1, length=self.length)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x = torch.randint(2, (batch, self.length), generator=generator)
        return Batch(x, x.cumsum(1) % 2)
