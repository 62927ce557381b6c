"""Cyclic navigation: stay, one step on, one step back on a ring; say where you are.

The regular task of Delétang et al. 2023, arXiv 2207.02098, on five places, asked after every step. The
actions are those of the paper's text: 0 stays, 1 goes on, 2 goes back.

    x  1 1 0 2 2 2
    y  1 2 2 1 0 4

The walk starts at 0, so guessing is right more often at first: at place 0 with probability 1/3 after one and
two steps, and 1/5 in the end. Over 20 steps the best guess scores 0.220.
"""

from dataclasses import dataclass

import numpy as np
import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.tasks._draws import at_least


def floor(length: int, places: int) -> float:
    """The accuracy of the best guess: the likeliest place of a free walk after each step."""
    share, best = np.eye(places)[0], []
    for _ in range(length):
        share = (share + np.roll(share, 1) + np.roll(share, -1)) / 3
        best.append(share.max())
    return float(np.mean(best))


@dataclass(frozen=True)
class CyclicNavigation(Generated):
    """x (B, length) actions, y (B, length) places.

    >>> from wavetrain.tasks import CyclicNavigation
    >>> x, y = CyclicNavigation(length=6).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [2, 0, 2, 0, 1, 0]
    >>> y[0].tolist()  # 1 goes on, 2 goes back
    [4, 4, 3, 3, 4, 4]
    """

    length: int = 20
    places: int = 5

    # without annotations: facts of the task, not fields
    inputs = 3
    tokens = True
    every_step = True
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("cyclic navigation", 1, length=self.length)
        at_least("cyclic navigation", 2, places=self.places)
        self.set_facts(outputs=self.places, chance=floor(self.length, self.places))

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x = torch.randint(3, (batch, self.length), generator=generator)
        return Batch(x, torch.tensor([0, 1, -1])[x].cumsum(1) % self.places)
