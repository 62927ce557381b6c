"""Sine generation: a number is shown, and the sine of that frequency is asked for.

As in Huang, Singh, Martinelli and Rajan 2024, arXiv 2410.03972: a constant input f and the answer
sin(2 pi f t), for some frequencies evenly spaced from 1 to 30. They do not say the time between steps; 1/100
resolves the highest. Each of several channels has a frequency of its own.

    x  8.25 8.25 8.25 8.25 ...      y  0  sin(2 pi 8.25 / 100)  sin(4 pi 8.25 / 100) ...

The score is R². The best answer that ignores x knows the step, and says the mean of all the sines there.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from wavetrain.core import VALUES, Batch, Generated, explained
from wavetrain.tasks._draws import at_least

LOW, HIGH, STEP = 1.0, 30.0, 0.01  # cycles per unit of time; unit of time


@dataclass(frozen=True)
class SineGeneration(Generated):
    """x (B, length, channels) the frequency at every step, y alike its sine.

    >>> from wavetrain.tasks import SineGeneration
    >>> x, y = SineGeneration(length=26, frequencies=1).draw(1, torch.Generator().manual_seed(0))
    >>> x[0, :2, 0].tolist(), round(y[0, 25, 0].item(), 3)  # a quarter of a cycle of frequency 1
    ([1.0, 1.0], 1.0)
    """

    length: int = 100
    frequencies: int = 5
    channels: int = 1

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = VALUES

    def __post_init__(self) -> None:
        at_least("sine generation", 2, length=self.length)
        at_least("sine generation", 1, frequencies=self.frequencies, channels=self.channels)
        sines = self._sines(self._all())  # (F, T)
        same = sines.mean(0).expand_as(sines)
        chance = float(explained(same[..., None], sines[..., None]))
        self.set_facts(inputs=self.channels, outputs=self.channels, chance=chance)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        drawn = torch.randint(self.frequencies, (batch, self.channels), generator=generator)
        frequency = self._all()[drawn]  # (B, C)
        y = self._sines(frequency).mT  # (B, T, C)
        return Batch(frequency[:, None].expand(-1, self.length, -1).float(), y.float())

    def _all(self) -> Tensor:
        return torch.linspace(LOW, HIGH, self.frequencies, dtype=torch.float64)

    def _sines(self, frequency: Tensor) -> Tensor:
        """The sine of frequencies (...) at all steps, (..., T)."""
        return torch.sin(2 * math.pi * frequency[..., None] * STEP * torch.arange(self.length))
