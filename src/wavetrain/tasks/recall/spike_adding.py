"""Spike adding: two digits come as patterns of spikes, far apart; say their sum.

After SHD-Adding of Spieler et al. 2024, arXiv 2306.16922, which joins two spoken digits of a cochlea model
(700 channels) and asks for their sum. Here a digit is a pattern of spikes that was drawn once: each channel
spikes at each step with chance 0.06. When it comes, each of its spikes is kept with chance 0.8. A second
digit follows after `gap` steps, and over everything lie stray spikes with chance 0.01.

    x  | first digit | gap: stray spikes alone | second digit |      one answer at the end: the sum

The patterns, the gap and all chances are ours. The commonest sum is right once in `digits` times.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.tasks._draws import at_least

SPIKE, KEPT, STRAY = 0.06, 0.8, 0.01  # chances


@dataclass(frozen=True)
class SpikeAdding(Generated):
    """x (B, 2 duration + gap, channels) of 0 and 1, y (B,) from 0 to 2 digits - 2.

    >>> from wavetrain.tasks import SpikeAdding
    >>> task = SpikeAdding(gap=10, duration=5)
    >>> x, y = task.draw(2, torch.Generator().manual_seed(0))
    >>> x.shape, y.tolist()  # the sums of two digits
    (torch.Size([2, 20, 64]), [8, 3])
    """

    gap: int = 80  # steps between the digits
    duration: int = 30  # steps of a digit
    channels: int = 64
    digits: int = 5

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = False
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("spike adding", 0, gap=self.gap)
        at_least("spike adding", 1, duration=self.duration, channels=self.channels)
        at_least("spike adding", 2, digits=self.digits)
        self.set_facts(inputs=self.channels, outputs=2 * self.digits - 1, chance=1 / self.digits)

    def patterns(self) -> torch.Tensor:
        """The spikes of each digit (digits, duration, channels), the same in every batch of every seed."""
        drawn = torch.rand(
            self.digits, self.duration, self.channels, generator=torch.Generator().manual_seed(0)
        )
        return drawn < SPIKE

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        digit = torch.randint(self.digits, (batch, 2), generator=generator)
        time = 2 * self.duration + self.gap
        chance = torch.rand(batch, time, self.channels, generator=generator)
        stray = torch.rand(batch, time, self.channels, generator=generator) < STRAY
        first, second = self.patterns()[digit].unbind(1)  # (B, duration, channels)
        shown = torch.cat([first, first.new_zeros(batch, self.gap, self.channels), second], 1)
        return Batch((shown & (chance < KEPT) | stray).float(), digit.sum(1))
