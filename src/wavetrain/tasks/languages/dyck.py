"""Dyck: well-nested brackets of several kinds; say at each step which is to be closed next.

The context-free language of Chomsky and Schützenberger 1963; the question is that of Hewitt et al. 2020,
arXiv 2010.07515. Words are uniform among all that are balanced at the end: with h brackets open and r steps
to go, the next one opens with probability (h + 2) (r - h) / (2 r (h + 1)). Tokens: opening brackets from 0 to
kinds - 1, then closing ones. The answer is the kind of the innermost open bracket from 1, and 0 where none
is open.

    x  ( [ ] ( ) )
    y  1 2 1 1 1 0

With n pairs, none is open after 2 i steps with probability C_i C_(n-i) / C_n, C being Catalan numbers, and
else all kinds are equally likely. For 10 pairs of 2 kinds the best guess of each step scores 0.4875.
"""

from dataclasses import dataclass
from math import comb

import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least


def closed(length: int) -> list[float]:
    """The probability that no bracket is open after each step."""
    catalan = [comb(2 * pairs, pairs) // (pairs + 1) for pairs in range(length // 2 + 1)]
    even = [catalan[pairs] * catalan[-1 - pairs] / catalan[-1] for pairs in range(1, length // 2 + 1)]
    return [share for shut in even for share in (0.0, shut)]


@dataclass(frozen=True)
class Dyck(Generated):
    """x (B, length) brackets, y (B, length) kinds to be closed.

    >>> from wavetrain.tasks import Dyck
    >>> x, y = Dyck(length=8).draw(1, torch.Generator().manual_seed(0))
    >>> "".join("([)]"[token] for token in x[0])
    '()[()[]]'
    >>> y[0].tolist()  # 1 and 2: a round or a square one is to be closed
    [1, 0, 2, 1, 2, 2, 2, 0]
    """

    length: int = 20
    kinds: int = 2

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("dyck", 1, kinds=self.kinds)
        at_least("dyck", 2, length=self.length)
        if self.length % 2:
            raise BadInput(f"dyck: brackets come in pairs, so the length must be even, got {self.length}")
        best = [max(shut, (1 - shut) / self.kinds) for shut in closed(self.length)]
        self.set_facts(inputs=2 * self.kinds, outputs=self.kinds + 1, chance=sum(best) / self.length)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        row, high = torch.arange(batch), torch.zeros(batch, dtype=torch.long)
        stack = torch.zeros(batch, self.length // 2 + 1, dtype=torch.long)  # place 0 stands for: none open
        kind = torch.randint(1, self.kinds + 1, (batch, self.length), generator=generator)
        chance = torch.rand(batch, self.length, generator=generator, dtype=torch.float64)
        x, y = torch.empty_like(kind), torch.empty_like(kind)
        for step in range(self.length):
            left = self.length - step
            opens = chance[:, step] * (2 * left * (high + 1)) < (high + 2) * (left - high)
            closing = self.kinds + stack[row, high] - 1
            x[:, step] = torch.where(opens, kind[:, step] - 1, closing)
            high = high + torch.where(opens, 1, -1)
            stack[row, high] = torch.where(opens, kind[:, step], stack[row, high])
            y[:, step] = stack[row, high]
        return Batch(x, y)
