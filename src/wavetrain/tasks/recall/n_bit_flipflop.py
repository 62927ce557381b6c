"""N-bit flip-flop: hold the sign of the last pulse on each of N channels.

Sussillo and Barak 2013, Neural Computation 25:626, in the form of the release of Golub and Sussillo 2018,
Journal of Open Source Software 3:1003: 3 bits, 64 steps, and a pulse of random sign on each channel in half
of the steps. There is a pulse on all channels at the first step.

    x   +  0  0  -  0  +  0      y   +  +  +  -  -  +  +
        -  0  +  +  0  0  0          -  -  +  +  +  +  +

A network that has learned it holds 2^N stable points, and 3^N points in all where its bits are independent.
The score is R²: guessing 0 scores 0.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import VALUES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class NBitFlipflop(Generated):
    """x (B, length, bits) of -1, 0 and 1; y alike of -1 and 1.

    >>> from wavetrain.tasks import NBitFlipflop
    >>> x, y = NBitFlipflop(bits=1, length=8).draw(1, torch.Generator().manual_seed(0))
    >>> x[0, :, 0].int().tolist()
    [-1, 0, 1, -1, 1, 1, 1, 0]
    >>> y[0, :, 0].int().tolist()
    [-1, -1, 1, -1, 1, 1, 1, 1]
    """

    bits: int = 3
    length: int = 64
    pulse: float = 0.5  # chance of a pulse on a channel at a step

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = VALUES
    chance = 0.0

    def __post_init__(self) -> None:
        at_least("n-bit flip-flop", 1, bits=self.bits, length=self.length)
        if not 0 <= self.pulse <= 1:
            raise BadInput(f"n-bit flip-flop: expected a chance of a pulse from 0 to 1, got {self.pulse}")
        self.set_facts(inputs=self.bits, outputs=self.bits)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        shape = batch, self.length, self.bits
        sign = 2.0 * torch.randint(2, shape, generator=generator) - 1
        there = torch.rand(shape, generator=generator) < self.pulse
        there[:, 0] = True
        last = torch.where(there, torch.arange(self.length)[:, None], 0).cummax(1).values
        return Batch(sign * there, sign.gather(1, last))
