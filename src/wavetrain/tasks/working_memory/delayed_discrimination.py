"""Delayed discrimination: was the second of two amplitudes larger than the first?

Romo et al. 1999, Nature 399:470, as in Huang, Singh, Martinelli and Rajan 2024, arXiv 2410.03972: amplitudes
f1 and f2 from 2 to 10, a delay of 5 to 20 steps between them, and the sign of f2 - f1 from the second on.
Each of several channels compares amplitudes of its own; the delay is the same for all of them.

    x  f1 0 0 0 0 0 f2 0 0 0 0      y  . . . . . . + + + + +      . is not asked

The answer is asked for five steps or more, which is ours, and so is that the first amplitude comes at the
first step. The score is the share of right signs; guessing is right in half of the cases.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._answers import SIGNS
from wavetrain.tasks._draws import at_least

LOW, HIGH = 2.0, 10.0  # amplitudes
ANSWER = 5  # steps, at the longest delay


@dataclass(frozen=True)
class DelayedDiscrimination(Generated):
    """x (B, T, channels) of T = longest + 6 steps; y alike of -1 and 1, and 0 where nothing is asked.

    `shortest` and `longest` are the shortest and longest delay, in steps between the two amplitudes.

    >>> from wavetrain.tasks import DelayedDiscrimination
    >>> x, y = DelayedDiscrimination(shortest=2, longest=2).draw(1, torch.Generator().manual_seed(0))
    >>> (x[0, :, 0] > 0).int().tolist(), y[0, :, 0].int().tolist()  # here the second is the larger
    ([1, 0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1, 1])
    """

    channels: int = 1
    shortest: int = 5
    longest: int = 20

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = SIGNS
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("delayed discrimination", 1, channels=self.channels)
        at_least("delayed discrimination", 0, shortest=self.shortest)
        if not isinstance(self.longest, int) or self.longest < self.shortest:
            raise BadInput(
                "delayed discrimination: expected a longest delay of the shortest or more, "
                f"got {self.shortest} to {self.longest}"
            )
        self.set_facts(inputs=self.channels, outputs=self.channels)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        first, second = LOW + (HIGH - LOW) * torch.rand(2, batch, self.channels, generator=generator)
        at = 1 + torch.randint(
            self.shortest, self.longest + 1, (batch,), generator=generator
        )  # of the second
        x = torch.zeros(batch, 1 + self.longest + ANSWER, self.channels)
        x[:, 0] = first
        x[torch.arange(batch), at] = second
        asked = torch.arange(x.shape[1]) >= at[:, None]  # (B, T)
        sign = torch.where(second > first, 1.0, -1.0)
        return Batch(x, asked[..., None] * sign[:, None])
