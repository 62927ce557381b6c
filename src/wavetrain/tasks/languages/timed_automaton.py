"""Timed automaton: three states, three symbols, and what two of the symbols do depends on the time of day.

From the code released with Karuvally, DelMastro and Siegelmann 2023, arXiv 2310.02430. A day has six steps,
in the first three of which the sun is up. From any state, a leads to state 0; b to 1 and c to 2 by day, b to
2 and c to 1 by night. At one step in ten there is no symbol, and the state stays.

    x       b c b b . a c b      y       1 2 1 2 2 0 2 1      . is no symbol; the fourth to sixth are night
    time    0 1 2 3 4 5 0 1

The state is 0 at first, and each sequence starts in the morning. Without the clock one is right where the
last symbol was a, and else in half of the cases. The best that ignores x says state 0.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least

DAY, STATES = 6, 3


@dataclass(frozen=True)
class TimedAutomaton(Generated):
    """x (B, length) tokens: a, b, c, and 3 for none; y (B, length) states after them.

    >>> from wavetrain.tasks import TimedAutomaton
    >>> x, y = TimedAutomaton(length=12).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [3, 0, 2, 0, 1, 0, 1, 1, 1, 0, 2, 2]
    >>> y[0].tolist()  # three steps of day, three of night
    [0, 0, 2, 0, 2, 0, 1, 1, 1, 0, 1, 1]
    """

    length: int = 24
    none: float = 0.1  # chance of no symbol

    # without annotations: facts of the task, not fields
    inputs = STATES + 1
    outputs = STATES
    tokens = True
    every_step = True
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("timed automaton", 1, length=self.length)
        if not 0 <= self.none < 1:
            raise BadInput(
                f"timed automaton: expected a chance of no symbol from 0 to below 1, got {self.none}"
            )
        still = sum(self.none ** (step + 1) for step in range(self.length)) / self.length  # nothing came yet
        self.set_facts(chance=still + (1 - still) / STATES)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        shape = batch, self.length
        symbol = torch.randint(STATES, shape, generator=generator)
        x = torch.where(torch.rand(shape, generator=generator) < self.none, STATES, symbol)
        night = torch.arange(self.length) % DAY >= DAY // 2
        leads = torch.where(night, -symbol % STATES, symbol)  # by night 1 and 2 change places
        y, state = torch.empty_like(x), torch.zeros(batch, dtype=torch.long)
        for step in range(self.length):
            state = y[:, step] = torch.where(x[:, step] == STATES, state, leads[:, step])
        return Batch(x, y)
