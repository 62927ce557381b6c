"""Even pairs: is the number of neighbours that differ odd?

The regular task of Delétang et al. 2023, arXiv 2207.02098, asked after every bit. Since each change of bit
undoes the last, the answer is whether the first bit and the newest differ.

    x  0 1 1 0 1
    y  0 1 1 0 1

    x  1 1 0 0 1
    y  0 0 1 1 0

The first answer is always 0, so guessing scores (length + 1) / (2 length), 0.525 for length 20.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class EvenPairs(Generated):
    """x (B, length) bits, y alike.

    >>> from wavetrain.tasks import EvenPairs
    >>> x, y = EvenPairs(length=8).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [0, 1, 1, 0, 1, 1, 1, 1]
    >>> y[0].tolist()  # whether the newest bit differs from the first
    [0, 1, 1, 0, 1, 1, 1, 1]
    """

    length: int = 20

    # without annotations: facts of the task, not fields
    inputs = 2
    outputs = 2
    tokens = True
    every_step = True
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("even pairs", 1, length=self.length)
        self.set_facts(chance=(self.length + 1) / (2 * self.length))

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x = torch.randint(2, (batch, self.length), generator=generator)
        return Batch(x, x ^ x[:, :1])
