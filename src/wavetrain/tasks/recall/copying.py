"""Copying: remember ten symbols over a long blank and say them in order.

Hochreiter and Schmidhuber 1997, in the form of Keller et al. 2023, arXiv 2309.08045: ten symbols from 1 to
8, blanks (0) for `delay` steps, a delimiter (9), and the ten symbols again: `delay` + 20 steps, all answered,
with a blank until the recall. The delimiter stands at the first step of the recall:

    x  3 1 4 ... 0 0 0 9 0 0 ...
    y  0 0 0 ... 0 0 0 3 1 4 ...

The released code puts it one step earlier, over the tenth symbol where there is no delay, so that delay 0
could not be solved there. Guessing gets one recalled symbol in eight right; the loss of the best guess is
10 ln 8 / length.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from wavetrain.core import CLASSES, Batch, Generated, Objective, accuracy
from wavetrain.errors import BadInput

SYMBOLS = 10


def recall(output: Tensor, y: Tensor) -> Tensor:
    """The fraction of the ten symbols that is recalled."""
    return accuracy(output[:, -SYMBOLS:], y[:, -SYMBOLS:])


@dataclass(frozen=True)
class Copying(Generated):
    """x (B, T, 10) one-hot, y (B, T) classes; T = delay + 20.

    >>> from wavetrain.tasks import Copying
    >>> task = Copying(delay=3)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> x[0].argmax(-1).tolist()
    [5, 8, 6, 1, 4, 4, 4, 8, 2, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    >>> y[0].tolist()
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 8, 6, 1, 4, 4, 4, 8, 2, 4]
    >>> task.chance
    0.125
    """

    delay: int = 10

    # without annotations: facts of the task, not fields
    inputs = 10
    outputs = 10
    tokens = False
    every_step = True
    objective = Objective("recall", True, CLASSES.loss, recall, CLASSES.count)
    chance = 1 / 8

    def __post_init__(self) -> None:
        if self.delay < 0:
            raise BadInput(f"copying: the delay must be at least 0, got {self.delay}")

    @property
    def length(self) -> int:
        return self.delay + 2 * SYMBOLS

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        symbols = torch.randint(1, 9, (batch, SYMBOLS), generator=generator)
        x = torch.zeros(batch, self.length, dtype=torch.long)
        x[:, :SYMBOLS] = symbols
        x[:, -SYMBOLS] = 9
        y = torch.zeros(batch, self.length, dtype=torch.long)
        y[:, -SYMBOLS:] = symbols
        return Batch(torch.nn.functional.one_hot(x, 10).float(), y)
