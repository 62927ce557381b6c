"""Laps: the same track again and again, and a reward on every fourth lap; will it come now?

Sun, Yang, Martin and Tonegawa 2020, Nature Neuroscience 23:651. A ring of places with labels of its own, new
for each sequence; where a lap begins there is a reward on one lap in `laps`, and a plain label on the others.
What is seen tells the place, but laps must be counted.

    label   5 2 9 R 2 9 5 2 9 R 2 9      3 places, 2 laps, 2 rounds: R is the reward
    y       - - - - - - - - 2 - - 1      before a lap begins: 1 plain, 2 reward; - (class 0) is not asked

A walk starts at any place of any lap, so nothing is asked in the first round, in which the reward comes once.
"Plain" is right at (laps - 1) / laps of the steps asked.
"""

from dataclasses import dataclass

import torch
from torch.nn.functional import one_hot

from wavetrain.core import Batch, Generated
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class Laps(Generated):
    """x (B, T, 2 + labels) labels and the reward, one-hot; y (B, T), T = rounds * laps * places.

    >>> from wavetrain.tasks import Laps
    >>> task = Laps(places=3, laps=2, rounds=2)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> y[0].tolist()  # 1 before a plain lap, 2 before a reward, 0 is not asked
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2]
    >>> task.chance
    0.5
    """

    places: int = 4
    laps: int = 4
    rounds: int = 4  # of `laps` laps each; the first is there to find out which lap it is
    labels: int = 20

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = ASKED
    outputs = 3

    def __post_init__(self) -> None:
        at_least("laps", 2, places=self.places, laps=self.laps, rounds=self.rounds, labels=self.labels)
        self.set_facts(inputs=2 + self.labels, chance=1 - 1 / self.laps)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        cycle = self.places * self.laps
        label = torch.randint(1, 1 + self.labels, (batch, self.places), generator=generator)
        start = torch.randint(cycle, (batch, 1), generator=generator)
        time = start + torch.arange(self.rounds * cycle + 1)  # (B, T + 1)
        reward = time % cycle == 0
        seen = torch.where(reward, 1 + self.labels, label.gather(1, time % self.places))
        asked = (time[:, 1:] % self.places == 0) & (time[:, :-1] - start >= cycle)
        y = torch.where(asked, 1 + reward[:, 1:].long(), 0)
        return Batch(one_hot(seen[:, :-1], 2 + self.labels).float(), y)
