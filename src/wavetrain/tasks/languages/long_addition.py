"""Addition of two numbers of many digits, the last digits first, with the carry to be remembered.

The next step after one digit (Chateau-Laurent and VanRullen 2025, arXiv 2503.01906, add single digits; the
task is ours): both digits of a place come in one step, and the digit of the sum is said at once. A last step
0, 0 asks for what is carried out.

    x  93 47 00     the digits 9 and 3, then 4 and 7: 49 + 73
    y   2  2  1     = 122

All digits of the sum but the last carry are uniform, so that `chance` says 0 throughout.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class LongAddition(Generated):
    """x (B, digits + 1) tokens 10 a + b, y alike digits of the sum.

    >>> from wavetrain.tasks import LongAddition
    >>> x, y = LongAddition(digits=2).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [49, 30, 0]
    >>> y[0].tolist()  # both digits of a place in one token, the last place first
    [3, 4, 0]
    """

    digits: int = 10

    # without annotations: facts of the task, not fields
    inputs = 100
    outputs = 10
    tokens = True
    every_step = True
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("long addition", 1, digits=self.digits)
        nothing_carried = (1 + 10.0**-self.digits) / 2
        self.set_facts(chance=(self.digits / 10 + nothing_carried) / (self.digits + 1))

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        pair = torch.randint(10, (batch, self.digits, 2), generator=generator)
        x = F.pad(10 * pair[..., 0] + pair[..., 1], (0, 1))
        carry, y = torch.zeros(batch, dtype=torch.long), []
        for total in F.pad(pair.sum(-1), (0, 1)).unbind(1):
            total = total + carry
            y.append(total % 10)
            carry = total // 10
        return Batch(x, torch.stack(y, 1))
