"""N-delayed match to sample: is the last bit that of N - 1 steps before?

Khajehabdollahi et al. 2024, arXiv 2309.12927. Several N are asked of the same sequence, one for each output,
so that a curriculum may add one after another; with `shortest` = `longest` there is one question.

    x         0 1 1 0 1
    y, N = 3  +1          the first and the last of 1 0 1 are alike
       N = 4  +1          those of 1 1 0 1 are
       N = 5  -1          those of 0 1 1 0 1 are not

All sequences of a batch have one length, drawn from longest + 2 to 4 longest. Half of the answers are right
by chance.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated
from wavetrain.tasks._windows import BITS, checked, length


@dataclass(frozen=True)
class NDelayedMatch(Generated):
    """x (B, T, 1) of 0 and 1, y (B, longest - shortest + 1) of +1 and -1.

    >>> from wavetrain.tasks import NDelayedMatch
    >>> x, y = NDelayedMatch(shortest=2, longest=4).draw(1, torch.Generator().manual_seed(0))
    >>> x[0, -4:, 0].int().tolist()
    [1, 0, 0, 0]
    >>> y[0].int().tolist()  # the last bit is that before, that two before, not that three before
    [1, 1, -1]
    """

    shortest: int = 2
    longest: int = 6

    # without annotations: facts of the task, not fields
    inputs = 1
    tokens = False
    every_step = False
    objective = BITS
    chance = 1 / 2

    def __post_init__(self) -> None:
        self.set_facts(outputs=checked("n-delayed match", self.shortest, self.longest))

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        steps = length(self.longest, generator)
        x = torch.randint(2, (batch, steps), generator=generator)
        before = x[:, steps - self.longest : steps - self.shortest + 1].flip(1)
        return Batch(x[..., None].float(), 2 * (before == x[:, -1:]).float() - 1)
