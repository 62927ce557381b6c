"""Reverse string: a string, then blanks; say it from the end.

The context-free task of Delétang et al. 2023, arXiv 2207.02098, with two symbols.

    x  2 1 1 0 0 0
    y  - - - 1 1 2      - (class 0) is not asked

Guessing gets one symbol in `symbols` right, 1/2.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class ReverseString(Generated):
    """x (B, 2 length) tokens, y alike; the last `length` steps are asked.

    >>> from wavetrain.tasks import ReverseString
    >>> x, y = ReverseString(length=4).draw(1, torch.Generator().manual_seed(3))
    >>> x[0].tolist()
    [1, 1, 2, 2, 0, 0, 0, 0]
    >>> y[0].tolist()  # the string from its end
    [0, 0, 0, 0, 2, 2, 1, 1]
    """

    length: int = 20  # of the string
    symbols: int = 2

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("reverse string", 1, length=self.length)
        at_least("reverse string", 2, symbols=self.symbols)
        self.set_facts(inputs=self.symbols + 1, outputs=self.symbols + 1, chance=1 / self.symbols)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        string = torch.randint(1, self.symbols + 1, (batch, self.length), generator=generator)
        blank = torch.zeros_like(string)
        return Batch(torch.cat([string, blank], 1), torch.cat([blank, string.flip(1)], 1))
