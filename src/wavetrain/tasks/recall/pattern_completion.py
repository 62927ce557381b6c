"""Pattern completion: random patterns are shown, then cues, each a spoiled one of them; say the whole.

The protocol by which associative memories are measured, as in Kanerva 1988 and in Bricken and Pehlevan 2021,
arXiv 2111.05498: patterns of +1 and -1 without any structure, and cues at a given number of wrong bits. In a
cue `hidden` bits are 0, and `wrong` ones of the others have the other sign; the last channel of x is 1 where
a step is a cue. Left out: patterns that are like each other, and the pictures of digits.

    x  + + - -  0     2 patterns of 4 bits, 1 cue of the second with 1 bit hidden and 1 wrong
       - + - +  0
       - - 0 +  1
    y  - + - +        at the cue; 0 before, where nothing is asked

A layer takes x as it is, with patterns that are new in every sequence: it learns to look them up. For a
memory, `parts` takes patterns and cues apart. The cue itself has 1 - wrong / size - hidden / (2 size) of the
signs right, a guess at those that are hidden included.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from wavetrain.core import Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._answers import SIGNS
from wavetrain.tasks._draws import at_least, some


class Parts(NamedTuple):
    """What a memory stores, what it is asked, and what it should answer."""

    pattern: Tensor  # (B, patterns, size)
    cue: Tensor  # (B, cues, size)
    whole: Tensor  # (B, cues, size)


@dataclass(frozen=True)
class PatternCompletion(Generated):
    """x (B, patterns + cues, size + 1), y (B, patterns + cues, size); each cue is of another pattern.

    >>> from wavetrain.tasks import PatternCompletion
    >>> task = PatternCompletion(size=8, patterns=2, cues=1, wrong=1, hidden=2)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> x[0, -1].int().tolist()  # the cue: two bits hidden, one wrong, and a 1 that marks it
    [0, 0, 1, -1, -1, 1, 1, 1, 1]
    >>> y[0, -1].int().tolist()
    [-1, 1, 1, -1, 1, 1, 1, 1]
    """

    size: int = 64
    patterns: int = 16
    cues: int = 4
    wrong: int = 6
    hidden: int = 16

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = SIGNS
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("pattern completion", 1, size=self.size, patterns=self.patterns, cues=self.cues)
        at_least("pattern completion", 0, wrong=self.wrong, hidden=self.hidden)
        if self.cues > self.patterns:
            raise BadInput(
                f"pattern completion: {self.cues} cues ask for as many patterns, got {self.patterns}"
            )
        if self.wrong + self.hidden > self.size:
            raise BadInput(
                f"pattern completion: {self.wrong} wrong and {self.hidden} hidden bits do not fit into "
                f"a cue of {self.size}"
            )
        self.set_facts(inputs=self.size + 1, outputs=self.size)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        pattern = 2.0 * torch.randint(2, (batch, self.patterns, self.size), generator=generator) - 1
        asked = some(batch, self.patterns, self.cues, generator)
        whole = pattern.gather(1, asked[:, :, None].expand(-1, -1, self.size))
        order = torch.rand(whole.shape, generator=generator).argsort(-1).argsort(-1)  # a rank for each bit
        flipped = torch.where(order < self.hidden + self.wrong, -whole, whole)
        cue = torch.where(order < self.hidden, 0.0, flipped)
        x = torch.cat([torch.cat([pattern, cue], 1), torch.zeros(batch, self.patterns + self.cues, 1)], 2)
        x[:, self.patterns :, -1] = 1
        return Batch(x, torch.cat([torch.zeros_like(pattern), whole], 1))

    def parts(self, batch: Batch) -> Parts:
        """A batch for a memory: patterns to store, cues, and the patterns that these should bring back."""
        shown = self.patterns
        return Parts(batch.x[:, :shown, :-1], batch.x[:, shown:, :-1], batch.y[:, shown:])


def guessed(cue: Tensor, generator: torch.Generator) -> Tensor:
    """The cues with a random sign for each hidden bit, for memories that know only +1 and -1."""
    coin = 2.0 * torch.randint(2, cue.shape, generator=generator).to(cue.device) - 1
    return torch.where(cue == 0, coin, cue)
