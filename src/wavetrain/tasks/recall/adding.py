"""Adding: two of T numbers are marked; say their sum.

Hochreiter and Schmidhuber 1997, in the form of Keller et al. 2023, arXiv 2309.08045. The first channel is
uniform in [0, 1); the second is 1 at one step of each half of the sequence and 0 elsewhere.

    x  0.2 0.7 0.1 0.9      y  0.7 + 0.9 = 1.6
       0   1   0   1

Always saying 1 has a mean squared error of 1/6 = 0.167; the score is R², so guessing scores 0.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import VALUES, Batch, Generated
from wavetrain.errors import BadInput


@dataclass(frozen=True)
class Adding(Generated):
    """x (B, length, 2), y (B, 1).

    >>> from wavetrain.tasks import Adding
    >>> x, y = Adding(length=4).draw(1, torch.Generator().manual_seed(0))
    >>> torch.allclose(y, (x[..., 0] * x[..., 1]).sum(1, keepdim=True))  # the sum of the two that are marked
    True
    >>> x[0, :, 1].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """

    length: int = 100

    # without annotations: facts of the task, not fields
    inputs = 2
    outputs = 1
    tokens = False
    every_step = False
    objective = VALUES
    chance = 0.0

    def __post_init__(self) -> None:
        if self.length < 2:
            raise BadInput(
                f"adding: two steps are marked, so the length must be at least 2, got {self.length}"
            )

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        number = torch.rand(batch, self.length, generator=generator)
        half = self.length // 2
        first = torch.randint(half, (batch,), generator=generator)
        second = torch.randint(half, self.length, (batch,), generator=generator)
        mark = torch.zeros(batch, self.length)
        mark[torch.arange(batch), first] = mark[torch.arange(batch), second] = 1
        return Batch(torch.stack([number, mark], -1), (number * mark).sum(1, keepdim=True))
