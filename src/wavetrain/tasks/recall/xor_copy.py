"""Xor copy: each new vector is the exclusive or of all the vectors that are kept, a binary Fibonacci series.

From the code released with Karuvally, DelMastro and Siegelmann 2023, arXiv 2310.02430 (there "Fibonacci
numbers" with xor): `history` vectors of +1 and -1 are given; then the input is 0, and each component of each
output is the exclusive or, +1 for an odd number of +1, of that component in the last `history` vectors, given
or said.

    x  - + 0 0 0 0      y  . . + - + +      history 2, one component; . (0) is not asked

As the exclusive or of history + 1 vectors in a row is -1 everywhere, the series repeats after history + 1
steps: to copy history + 1 vectors is enough, the last of them made at the end of the input. No linear map
makes it. Guessing gets half of the signs.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated
from wavetrain.tasks._answers import SIGNS
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class XorCopy(Generated):
    """x (B, history + horizon, width), y alike; the last `horizon` steps are asked.

    >>> from wavetrain.tasks import XorCopy
    >>> x, y = XorCopy(width=1, history=2, horizon=6).draw(1, torch.Generator().manual_seed(0))
    >>> x[0, :, 0].int().tolist()
    [-1, 1, 0, 0, 0, 0, 0, 0]
    >>> y[0, :, 0].int().tolist()
    [0, 0, 1, -1, 1, 1, -1, 1]
    """

    width: int = 8
    history: int = 2  # vectors that each new one is made of
    horizon: int = 20

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = SIGNS
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("xor copy", 1, width=self.width, horizon=self.horizon)
        at_least("xor copy", 2, history=self.history)
        self.set_facts(inputs=self.width, outputs=self.width)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        bits = torch.randint(2, (batch, self.history, self.width), generator=generator)
        period = torch.cat([bits, bits.sum(1, keepdim=True) % 2], 1)  # what comes round for ever
        time = torch.arange(self.history + self.horizon)
        u = 2.0 * period[:, time % (self.history + 1)] - 1
        given = (time < self.history)[:, None]
        return Batch(u * given, u * ~given)
