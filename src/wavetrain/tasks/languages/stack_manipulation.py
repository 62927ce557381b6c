"""Stack manipulation: a stack of bits, and what is done to it; say what lies on it in the end.

The context-free task of Delétang et al. 2023, arXiv 2207.02098. The stack is shown from bottom to top, at
least one bit; then each step takes the top away (2; nothing where the stack is empty), puts a 0 on it (3) or
a 1 (4). Then the stack is asked from top to bottom, over blanks (5): class 1 is bit 0, 2 is bit 1, and 3
says that this was all.

    x  0 1 1 2 2 4 5 5 5 5 5 5 5      stack 0 1 1, then 0 1, 0 and 0 1
    y  - - - - - - 2 1 3 - - - -      - (class 0) is not asked

`chance` is exact, from the heights of the stack: bits are fair, and the end has its own probability at each
step. It is 0.484 for length 12.
"""

from dataclasses import dataclass

import numpy as np
import torch

from wavetrain.core import Batch, Generated
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least


def heights(length: int) -> np.ndarray:
    """How often the stack is 0, 1, ... `length` high in the end, (length + 1,)."""
    share = np.zeros(length + 1)
    for step in range(1, length):
        share[step] += 1 / (length - 1)  # stacks whose actions begin here
        after = np.zeros_like(share)
        after[1:] += share[:-1] * 2 / 3
        after[:-1] += share[1:] / 3
        after[0] += share[0] / 3
        share = after
    return share


@dataclass(frozen=True)
class StackManipulation(Generated):
    """x (B, 2 length + 1) tokens, y alike; the last length + 1 steps are asked, as far as the end.

    >>> from wavetrain.tasks import StackManipulation
    >>> x, y = StackManipulation(length=4).draw(1, torch.Generator().manual_seed(1))
    >>> x[0].tolist()
    [1, 0, 4, 4, 5, 5, 5, 5, 5]
    >>> y[0].tolist()  # two more ones lie on the stack of 1 0
    [0, 0, 0, 0, 2, 2, 1, 2, 3]
    """

    length: int = 12  # of stack and actions together

    # without annotations: facts of the task, not fields
    inputs = 6
    outputs = 4
    tokens = True
    every_step = True
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("stack manipulation", 2, length=self.length)
        share = heights(self.length)
        asked = np.cumsum(share[::-1])[::-1]  # at least this high: an answer is asked at this place
        right = np.maximum(share, (asked - share) / 2)
        self.set_facts(chance=float(right.sum() / asked.sum()))

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        length, row = self.length, torch.arange(batch)
        shown = torch.randint(1, length, (batch,), generator=generator)
        bit = torch.randint(2, (batch, length), generator=generator)
        action = torch.randint(2, 5, (batch, length), generator=generator)
        x = torch.full((batch, 2 * length + 1), 5)
        x[:, :length] = torch.where(torch.arange(length) < shown[:, None], bit, action)
        stack, high = torch.zeros(batch, length, dtype=torch.long), torch.zeros(batch, dtype=torch.long)
        for token in x[:, :length].unbind(1):
            stack[row, high] = torch.where(token < 2, token, token - 3)  # above the top where nothing is put
            high = torch.where(token == 2, high - 1, high + 1).clamp(min=0)
        place = high[:, None] - 1 - torch.arange(length + 1)  # (B, length + 1), from the top down
        answer = 1 + stack.gather(1, place.clamp(min=0))
        y = torch.zeros_like(x)
        y[:, length:] = torch.where(place >= 0, answer, torch.where(place == -1, 3, 0))
        return Batch(x, y)
