"""Binary logic: two numbers and an operator bit by bit; say all three again, and then the result.

From the code released with Karuvally, DelMastro and Siegelmann 2023, arXiv 2310.02430. The bits of two
numbers come one after the other on one line (+1 and -1), with a line each that says which number it is; then
the operator, on a line for AND and one for OR; then a line says that the input is over. The answer is the
bits of both numbers, the operator (+1 for AND), and the bits of their AND or OR.

    x  a1 a2 b1 b2 AND end 0 0 0 0 0 0 0      y  . . . . . . a1 a2 b1 b2 + a1b1 a2b2      . (0) is not asked

Guessing gets half of the signs: AND is +1 in one case of four, OR in three. Left out: an end mark on the
output, and game of life, whose released code is not complete.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated
from wavetrain.tasks._answers import SIGNS
from wavetrain.tasks._draws import at_least

LINES = 6  # data, first number, second number, AND, OR, end


@dataclass(frozen=True)
class BinaryLogic(Generated):
    """x (B, 5 bits + 3, 6) and y (B, 5 bits + 3, 1); the last 3 bits + 1 steps are asked.

    >>> from wavetrain.tasks import BinaryLogic
    >>> x, y = BinaryLogic(bits=2).draw(1, torch.Generator().manual_seed(0))
    >>> y[0, :, 0].int().tolist()  # the bits of both numbers, the operator (+1 for AND), the result
    [0, 0, 0, 0, 0, 0, -1, 1, 1, -1, 1, -1, -1]
    """

    bits: int = 5

    # without annotations: facts of the task, not fields
    inputs = LINES
    outputs = 1
    tokens = False
    every_step = True
    objective = SIGNS
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("binary logic", 1, bits=self.bits)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        bits = self.bits
        a, b = torch.randint(2, (2, batch, bits), generator=generator)
        conjunction = torch.randint(2, (batch, 1), generator=generator)
        result = torch.where(conjunction == 1, a & b, a | b)
        answer = 2.0 * torch.cat([a, b, conjunction, result], 1) - 1
        length = 2 * bits + 2 + answer.shape[1]
        x, y = torch.zeros(batch, length, LINES), torch.zeros(batch, length, 1)
        x[:, : 2 * bits, 0] = answer[:, : 2 * bits]
        x[:, :bits, 1] = 1
        x[:, bits : 2 * bits, 2] = 1
        x[:, 2 * bits, 3:5] = torch.cat([conjunction, 1 - conjunction], 1).float()
        x[:, 2 * bits + 1, 5] = 1
        y[:, 2 * bits + 2 :, 0] = answer
        return Batch(x, y)
