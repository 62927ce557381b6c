"""Majority: say the token that came most often.

Karuvally et al. 2025, arXiv 2507.05238, with 63 tokens. Of several that came equally often, the answer is
the one that came first; so no token is favoured, and guessing is right once in `symbols`, 1/63 = 0.016.

    x  5 2 7 2 5 1      y  5
"""

from dataclasses import dataclass

import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class Majority(Generated):
    """x (B, length) tokens, y (B,).

    >>> from wavetrain.tasks import Majority
    >>> x, y = Majority(length=8, symbols=4).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [0, 3, 1, 0, 3, 3, 3, 3]
    >>> y.item()  # the commonest token
    3
    """

    length: int = 40
    symbols: int = 63

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = False
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("majority", 1, length=self.length)
        at_least("majority", 2, symbols=self.symbols)
        self.set_facts(inputs=self.symbols, outputs=self.symbols, chance=1 / self.symbols)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x = torch.randint(self.symbols, (batch, self.length), generator=generator)
        none = torch.zeros(batch, self.symbols, dtype=torch.long)
        count = none.scatter_add(1, x, torch.ones_like(x))
        step = torch.arange(self.length).expand_as(x)
        first = none.scatter_reduce(1, x, step, "amin", include_self=False)
        return Batch(x, (count * self.length - first).argmax(1))  # first is below length: it breaks ties only
