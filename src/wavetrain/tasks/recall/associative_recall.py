"""Associative recall with many queries: pairs of key and value are shown, then keys; say their values.

After Arora et al. 2023, arXiv 2312.04927 (MQAR). Keys are different from each other, and so are values; each
key is asked once, at a random place behind the pairs, with blanks (0) between. Left out: their power law of
distances, under which recent keys are asked sooner.

    x  3 18 7 20 0 7 0 0 3 0      2 pairs, length 10, keys from 1 to 16, values from 17
    y  - -  - -  - 4 - - 2 -      value 20 is the 4th; - (class 0) is not asked

Guessing gets one value in `values` right, 1/16. A memory that holds the values but not what they are bound
to gets more: it guesses among those not asked yet, (1 + 1/2 + ... + 1/pairs) / pairs = 0.340 for 8 pairs.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least, some


def unbound(pairs: int) -> float:
    """The accuracy of a memory that knows which values were shown, but not under which keys."""
    return sum(1 / left for left in range(1, pairs + 1)) / pairs


@dataclass(frozen=True)
class AssociativeRecall(Generated):
    """x (B, length) tokens, y alike; each key is asked once.

    >>> from wavetrain.tasks import AssociativeRecall
    >>> x, y = AssociativeRecall(pairs=2, length=10).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [13, 28, 3, 19, 3, 13, 0, 0, 0, 0]
    >>> y[0].tolist()  # key 13 was shown with 28, the 12th value
    [0, 0, 0, 0, 3, 12, 0, 0, 0, 0]
    """

    pairs: int = 8
    length: int = 48
    keys: int = 16
    values: int = 16

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("associative recall", 1, pairs=self.pairs)
        at_least("associative recall", max(2, self.pairs), keys=self.keys, values=self.values)
        if self.length < 3 * self.pairs:
            raise BadInput(
                f"associative recall: {self.pairs} pairs and their queries take {3 * self.pairs} steps "
                f"or more, got a length of {self.length}"
            )
        self.set_facts(inputs=1 + self.keys + self.values, outputs=1 + self.values, chance=1 / self.values)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        shown = 2 * self.pairs
        key = 1 + some(batch, self.keys, self.pairs, generator)
        value = 1 + some(batch, self.values, self.pairs, generator)
        order = some(batch, self.pairs, self.pairs, generator)
        place = shown + some(batch, self.length - shown, self.pairs, generator)
        x = torch.zeros(batch, self.length, dtype=torch.long)
        x[:, 0:shown:2], x[:, 1:shown:2] = key, self.keys + value
        y = torch.zeros_like(x)
        x.scatter_(1, place, key.gather(1, order))
        y.scatter_(1, place, value.gather(1, order))
        return Batch(x, y)
