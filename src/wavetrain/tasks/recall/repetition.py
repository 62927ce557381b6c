"""Repetition: a string, a sign, and the string again, each symbol told after it was asked.

Karuvally et al. 2025, arXiv 2507.05238: the next token of the stream is to be predicted from the sign (0) on,
ten symbols by default. The answers are part of the stream, so a system may also look up what followed the
last answer where that stood before.

    x  4 2 9 0 4 2
    y  - - - 4 2 9      - (class 0) is not asked

Guessing gets one symbol in ten right.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class Repetition(Generated):
    """x (B, 2 length) tokens, y alike; the last `length` steps are asked.

    >>> from wavetrain.tasks import Repetition
    >>> x, y = Repetition(length=3).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [5, 10, 4, 0, 5, 10]
    >>> y[0].tolist()  # after 0 the string comes again
    [0, 0, 0, 5, 10, 4]
    """

    length: int = 10  # of the string
    symbols: int = 10

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("repetition", 1, length=self.length)
        at_least("repetition", 2, symbols=self.symbols)
        self.set_facts(inputs=self.symbols + 1, outputs=self.symbols + 1, chance=1 / self.symbols)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        string = torch.randint(1, self.symbols + 1, (batch, self.length), generator=generator)
        sign = torch.zeros(batch, 1, dtype=torch.long)
        return Batch(
            torch.cat([string, sign, string[:, :-1]], 1), torch.cat([torch.zeros_like(string), string], 1)
        )
