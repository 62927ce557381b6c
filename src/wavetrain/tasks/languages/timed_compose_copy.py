"""Timed compose copy: compose copy whose signs are changed in three steps of every six.

From the code released with Karuvally, DelMastro and Siegelmann 2023, arXiv 2310.02430: `size` vectors of
`size` components, +1 and -1, are given; then the input is 0, and component j of each output is component j of
the j-th oldest of the last `size` vectors, given or said, with its sign changed in the first three steps of
the output, not in the next three, and so on.

    x  (a A) (b B) 0 0 0      y  . . (-a -B) (-b B) (a -B)      size 2; . (0) is not asked

Besides its variables a network must keep the time, which nothing tells it but the end of its input. Guessing
gets half of the signs.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated
from wavetrain.tasks._answers import SIGNS
from wavetrain.tasks._draws import at_least

PERIOD = 6  # steps; in the first half of them signs change


@dataclass(frozen=True)
class TimedComposeCopy(Generated):
    """x (B, size + horizon, size), y alike; the last `horizon` steps are asked.

    >>> from wavetrain.tasks import TimedComposeCopy
    >>> x, y = TimedComposeCopy(size=2, horizon=6).draw(1, torch.Generator().manual_seed(0))
    >>> x[0, :2].int().tolist()
    [[-1, 1], [1, -1]]
    >>> y[0, 2:].int().tolist()  # the signs are changed in the first three steps
    [[1, 1], [-1, -1], [-1, 1], [-1, 1], [-1, 1], [-1, 1]]
    """

    size: int = 8
    horizon: int = 20

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = SIGNS
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("timed compose copy", 1, size=self.size, horizon=self.horizon)
        self.set_facts(inputs=self.size, outputs=self.size)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        given = 2.0 * torch.randint(2, (batch, self.size, self.size), generator=generator) - 1
        u = list(given.unbind(1))
        for step in range(self.horizon):
            sign = -1 if step % PERIOD < PERIOD // 2 else 1
            u.append(sign * torch.stack(u[-self.size :], 1).diagonal(dim1=1, dim2=2))
        said = torch.stack(u[self.size :], 1)
        return Batch(
            torch.cat([given, torch.zeros_like(said)], 1), torch.cat([torch.zeros_like(given), said], 1)
        )
