"""Induction heads: a special token came once before; say what followed it.

Olsson et al. 2022, arXiv 2209.11895, as a task in Gu and Dao 2023, arXiv 2312.00752: random tokens, the last
of the vocabulary at one random place and again at the end.

    x  4 9 15 2 0 7 15      y  2

Guessing is right once in vocabulary - 1, 1/15 = 0.067. Saying the token before the last is right in
1/(length - 2) of all sequences more, because the special token may have stood just before it.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class InductionHeads(Generated):
    """x (B, length) tokens, y (B,).

    >>> from wavetrain.tasks import InductionHeads
    >>> x, y = InductionHeads(length=8).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [14, 15, 8, 0, 13, 9, 7, 15]
    >>> y.item()  # what followed the first 15
    8
    """

    length: int = 64
    vocabulary: int = 16  # the special token included

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = False
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("induction heads", 3, length=self.length, vocabulary=self.vocabulary)
        plain = self.vocabulary - 1
        self.set_facts(inputs=self.vocabulary, outputs=plain, chance=1 / plain)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        special, row = self.vocabulary - 1, torch.arange(batch)
        x = torch.randint(special, (batch, self.length), generator=generator)
        place = torch.randint(self.length - 2, (batch,), generator=generator)
        x[row, place] = x[:, -1] = special
        return Batch(x, x[row, place + 1])
