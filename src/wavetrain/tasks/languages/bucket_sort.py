"""Bucket sort: a string of few symbols, then blanks; say the symbols in order.

Delétang et al. 2023, arXiv 2207.02098, with five symbols. In Karuvally et al. 2025, arXiv 2507.05238, the
answers are fed back, and saying the last answer again is then right at all but a few steps; here the steps
that are asked hold blanks (0).

    x  4 1 3 1 0 0 0 0
    y  - - - - 1 1 3 4      - (class 0) is not asked

Guessing gets more than one in five right, since the first answers are small and the last are large:
symbol k of n is at most v with the probability that a binomial of n and v/5 is at least k. For n = 10,
the best guess of each step scores 0.598.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import bdtrc

from wavetrain.core import Batch, Generated
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least


def floor(length: int, symbols: int) -> float:
    """The accuracy of the best guess: the commonest symbol at each place of the sorted string."""
    place = np.arange(length)[:, None]
    at_most = bdtrc(place, length, np.arange(symbols + 1) / symbols)  # (length, symbols + 1)
    return float(np.diff(at_most, axis=1).max(1).mean())


@dataclass(frozen=True)
class BucketSort(Generated):
    """x (B, 2 length) tokens, y alike; the last `length` steps are asked.

    >>> from wavetrain.tasks import BucketSort
    >>> x, y = BucketSort(length=4).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [5, 5, 4, 1, 0, 0, 0, 0]
    >>> y[0].tolist()  # the symbols in order, over the blanks
    [0, 0, 0, 0, 1, 4, 5, 5]
    """

    length: int = 10  # of the string
    symbols: int = 5

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("bucket sort", 1, length=self.length)
        at_least("bucket sort", 2, symbols=self.symbols)
        chance = floor(self.length, self.symbols)
        self.set_facts(inputs=self.symbols + 1, outputs=self.symbols + 1, chance=chance)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        string = torch.randint(1, self.symbols + 1, (batch, self.length), generator=generator)
        blank = torch.zeros_like(string)
        return Batch(torch.cat([string, blank], 1), torch.cat([blank, string.sort(1).values], 1))
