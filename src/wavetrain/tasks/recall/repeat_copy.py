"""Repeat copy: some vectors of +1 and -1 are given once, and are to be said again and again.

Karuvally, Sejnowski and Siegelmann 2024, arXiv 2402.10163: eight vectors of eight components; after them the
input is 0, and each output is the vector of `history` steps before, given or said.

    x  a b c 0 0 0 0 0      y  - - - a b c a b      - (0) is not asked

Trained on horizons of 10 to 100 steps, one longer than the other, and tested on 200. The linear network that
does it moves its state by a permutation: `history` roots of unity, each `width` times. Guessing gets half of
the signs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from wavetrain.core import Batch, Generated
from wavetrain.tasks._answers import SIGNS, bound
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class RepeatCopy(Generated):
    """x (B, history + horizon, width), y alike; the last `horizon` steps are asked.

    >>> from wavetrain.tasks import RepeatCopy
    >>> x, y = RepeatCopy(width=1, history=3, horizon=6).draw(1, torch.Generator().manual_seed(0))
    >>> x[0, :, 0].int().tolist()
    [-1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> y[0, :, 0].int().tolist()
    [0, 0, 0, -1, 1, 1, -1, 1, 1]
    """

    width: int = 8
    history: int = 8  # vectors to keep
    horizon: int = 20

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = SIGNS
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("repeat copy", 1, width=self.width, history=self.history, horizon=self.horizon)
        self.set_facts(inputs=self.width, outputs=self.width)

    def boundary(self) -> Tensor:
        """F (history width, width): what the next vector is made of, oldest vector first."""
        return torch.eye(self.history * self.width, self.width)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        return bound(self.boundary(), batch, self.horizon, generator)
