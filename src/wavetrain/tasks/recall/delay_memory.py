"""Delay memory: say what the signal was some steps ago.

What the states of Voelker, Kajić and Eliasmith 2019, NeurIPS, and of Gu et al. 2020, arXiv 2008.07669, are
made for: to hold the past of a signal. Here that is noise of variance 1 with power below `band` alone, in
cycles per step, the same at all frequencies; before the first step it is zero.

    x  u(0) u(1) u(2) u(3)      y  0    u(0) u(1) u(2)      delay 1
                                   0    0    0    u(0)      delay 3

Over k steps the signal takes about 2 band k numbers to tell, and fewer states than that do not hold it: at
band 1/2, white noise, a delay of 64 asks for 64. The score is R²: guessing the mean scores 0, and the present
value times c = sin(2 pi band k) / (2 pi band k) scores c² at delay k. The signal is cut from one of a period
four times as long, so that its end tells nothing of its beginning.
"""

import math
from dataclasses import dataclass

import torch

from wavetrain.core import VALUES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class DelayMemory(Generated):
    """x (B, length, 1), y (B, length, number of delays); `delays` in steps, `band` in cycles per step.

    >>> from wavetrain.tasks import DelayMemory
    >>> task = DelayMemory(length=20, delays=(1, 3))
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> torch.equal(y[0, 3:, 1], x[0, :-3, 0])  # the second answer is the signal of 3 steps ago
    True
    """

    length: int = 256
    delays: tuple[int, ...] = (64,)
    band: float = 0.05

    # without annotations: facts of the task, not fields
    inputs = 1
    tokens = False
    every_step = True
    objective = VALUES
    chance = 0.0

    def __post_init__(self) -> None:
        at_least("delay memory", 1, length=self.length)
        if not self.delays or not all(isinstance(k, int) and 0 <= k < self.length for k in self.delays):
            raise BadInput(
                f"delay memory: expected delays from 0 to {self.length - 1} steps, got {self.delays}"
            )
        if not 0 < self.band <= 0.5:
            raise BadInput(f"delay memory: expected a band above 0 and at most 1/2, got {self.band}")
        self.set_facts(outputs=len(self.delays))

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        period = 4 * self.length
        kept = math.floor(self.band * period) + 1  # frequencies, of which 0 and 1/2 are real
        numbers = min(2 * kept - 1, period)  # what a period takes to tell
        wave = torch.fft.rfft(torch.randn(batch, period, generator=generator))
        wave[:, kept:] = 0
        u = torch.fft.irfft(wave, period)[:, : self.length] * math.sqrt(period / numbers)
        y = torch.stack([torch.nn.functional.pad(u, (k, 0))[:, : self.length] for k in self.delays], -1)
        return Batch(u.unsqueeze(-1), y)
