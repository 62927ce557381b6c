"""Selective copying: remember the data among noise, and say it in order.

Gu and Dao 2023, arXiv 2312.00752: `count` data tokens stand at random places among noise, so that a fixed
delay does not find them. Of the vocabulary, 0 is noise, the last is the marker that asks, and the others are
data. Their table has length 4096, vocabulary 16 and 16 data tokens; that the marker is one of the
16 tokens is our reading.

    x  0 3 0 0 7 1 0 0 15 15 15      length 8, count 3
    y  - - - - - - - -  3  7  1      - (class 0) is not asked

Guessing gets one of the vocabulary - 2 data tokens right, 1/14 = 0.071.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least, some


@dataclass(frozen=True)
class SelectiveCopying(Generated):
    """x (B, length + count) tokens, y alike; only the last `count` steps are asked.

    >>> from wavetrain.tasks import SelectiveCopying
    >>> x, y = SelectiveCopying(length=8, count=3).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [0, 0, 12, 6, 10, 0, 0, 0, 15, 15, 15]
    >>> y[0].tolist()  # the data, once the markers ask
    [0, 0, 0, 0, 0, 0, 0, 0, 12, 6, 10]
    """

    length: int = 64  # steps of noise and data
    count: int = 8  # data tokens
    vocabulary: int = 16  # noise, data and marker

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("selective copying", 1, count=self.count)
        at_least("selective copying", 4, vocabulary=self.vocabulary)
        if self.length < self.count:
            raise BadInput(
                f"selective copying: {self.count} data tokens do not fit a length of {self.length}"
            )
        data = self.vocabulary - 2
        self.set_facts(inputs=self.vocabulary, outputs=data + 1, chance=1 / data)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        place = some(batch, self.length, self.count, generator).sort(1).values
        data = torch.randint(1, self.vocabulary - 1, (batch, self.count), generator=generator)
        x = torch.zeros(batch, self.length + self.count, dtype=torch.long)
        x.scatter_(1, place, data)
        x[:, self.length :] = self.vocabulary - 1
        y = torch.zeros_like(x)
        y[:, self.length :] = data
        return Batch(x, y)
