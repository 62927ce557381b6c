"""N-parity: is the number of ones among the last N bits odd?

Khajehabdollahi et al. 2024, arXiv 2309.12927. Several N are asked of the same sequence, one for each output,
so that a curriculum may add one after another; with `shortest` = `longest` there is one question. A network
that counts all ones is of no use: it must forget each bit after N steps.

    x         0 1 1 0 1
    y, N = 2  +1          0 1 has an odd number of ones
       N = 3  -1          1 0 1 has an even one
       N = 4  +1          1 1 0 1 has an odd one

All sequences of a batch have one length, drawn from longest + 2 to 4 longest. A bit is 1 with a probability
that is uniform over sequences. So for odd N half of the answers are odd, and for even N fewer,
N / (2 (N + 1)): who always says even is right a little more often than half of the time.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated
from wavetrain.tasks._windows import BITS, checked, length


@dataclass(frozen=True)
class NParity(Generated):
    """x (B, T, 1) of 0 and 1, y (B, longest - shortest + 1) of +1, which is odd, and -1.

    >>> from wavetrain.tasks import NParity
    >>> x, y = NParity(shortest=2, longest=4).draw(1, torch.Generator().manual_seed(3))
    >>> x[0, -4:, 0].int().tolist()
    [0, 1, 0, 0]
    >>> y[0].int().tolist()  # of the last two none is 1, of the last three and four one
    [-1, 1, 1]
    """

    shortest: int = 2
    longest: int = 6

    # without annotations: facts of the task, not fields
    inputs = 1
    tokens = False
    every_step = False
    objective = BITS

    def __post_init__(self) -> None:
        outputs = checked("n-parity", self.shortest, self.longest)
        sizes = range(self.shortest, self.longest + 1)
        even = [1 / 2 if size % 2 else (size + 2) / (2 * (size + 1)) for size in sizes]
        self.set_facts(outputs=outputs, chance=sum(even) / outputs)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        steps = length(self.longest, generator)
        ones = torch.rand(batch, 1, generator=generator)
        x = (torch.rand(batch, steps, generator=generator) < ones).long()
        odd = x.flip(1).cumsum(1)[:, self.shortest - 1 : self.longest] % 2
        return Batch(x[..., None].float(), 2 * odd.float() - 1)
