"""Temporal flip-flop: a timed automaton, in which what a symbol does depends on a clock that nobody shows.

DelMastro, Arora, Rietman and Siegelmann 2023, arXiv 2306.07125. There are two tables from state and symbol to
the next state, and a hidden Theta says which of them holds. In theirs, which is the default, b leads to state
0, and a to the state that Theta names, whatever the state was: no memory is needed, only time.

    periodic   Theta is 1 in the second half of each period, which begins with the sequence
    relative   Theta is 1 at a symbol before which `wait` steps or more had none; at steps without a symbol
               the state stays

    x       a b a a a b a b a a      period 10       y       0 0 0 0 0 0 1 0 1 1
    Theta   0 0 0 0 0 1 1 1 1 1

The state is 0 at first. Steps with a symbol for which the two tables agree are answered without the clock;
`timed` tells the others. The labels of the states, and how steps are counted in the relative case, are ours;
the paper wants both values of Theta about equally often, and at a fifth of symbols that is a wait of 3. The
best answer that ignores x knows the step and says the commonest state there.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least

Table = tuple[tuple[int, ...], ...]  # row = state, column = symbol


@dataclass(frozen=True)
class TemporalFlipflop(Generated):
    """x (B, length) tokens, the last of them for no symbol where there may be none; y (B, length) states.

    `wait` makes the timing relative; `none` is the chance of a step without a symbol. `early` and `late` are
    the tables for Theta 0 and 1, a row for each state and a column for each symbol.

    >>> from wavetrain.tasks import TemporalFlipflop
    >>> task = TemporalFlipflop(length=10)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(4))
    >>> x[0].tolist()  # a is 0, b is 1
    [0, 0, 1, 1, 1, 0, 1, 0, 0, 1]
    >>> y[0].tolist()
    [0, 0, 0, 0, 0, 1, 0, 1, 1, 0]
    """

    length: int = 60
    period: int = 10
    wait: int | None = None
    none: float = 0.0
    early: Table = ((0, 0), (0, 0))
    late: Table = ((1, 0), (1, 0))

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("temporal flip-flop", 1, length=self.length)
        at_least("temporal flip-flop", 2, period=self.period)
        if self.wait is not None:
            at_least("temporal flip-flop", 1, wait=self.wait)
        if not 0 <= self.none < 1:
            raise BadInput(
                f"temporal flip-flop: expected a chance of no symbol from 0 to below 1, got {self.none}"
            )
        if self.wait is not None and not self.none:
            raise BadInput("temporal flip-flop: expected a chance of no symbol above 0, to wait, got 0")
        states, symbols = len(self.early), len(self.early[0]) if self.early else 0
        rows = [*self.early, *self.late]
        whole = len(self.late) == states and all(len(row) == symbols for row in rows)
        if states < 2 or not symbols or not whole or not all(0 <= to < states for row in rows for to in row):
            raise BadInput(
                "temporal flip-flop: expected two tables of the same states and symbols, states from 0 on, "
                f"got {self.early} and {self.late}"
            )
        self.set_facts(inputs=symbols + bool(self.none), outputs=states, chance=self._chance())

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        symbols = len(self.early[0])
        shape = batch, self.length
        x = torch.randint(symbols, shape, generator=generator)
        if self.none:
            x = torch.where(torch.rand(shape, generator=generator) < self.none, symbols, x)
        theta, tables = self.theta(x), torch.tensor([self.early, self.late])  # (2, states, symbols)
        y, state = torch.empty_like(x), torch.zeros(batch, dtype=torch.long)
        for step in range(self.length):
            after = tables[theta[:, step], state, x[:, step].clamp(max=symbols - 1)]
            state = y[:, step] = torch.where(x[:, step] == symbols, state, after)
        return Batch(x, y)

    def theta(self, x: Int[Tensor, "batch length"]) -> Int[Tensor, "batch length"]:
        """The hidden clock, 0 or 1, at each step of tokens x (B, T)."""
        step = torch.arange(x.shape[1])
        if self.wait is None:
            return (step % self.period >= self.period / 2).long().expand(len(x), -1)
        there = torch.where(x == len(self.early[0]), -1, step).cummax(1).values  # the last symbol up to here
        before = torch.cat([torch.full_like(there[:, :1], -1), there[:, :-1]], 1)
        return (step - before - 1 >= self.wait).long()

    def timed(self, x: Int[Tensor, "batch length"]) -> Bool[Tensor, "batch length"]:
        """The steps of tokens x (B, T) whose symbol the two tables treat differently in some state."""
        tables = torch.tensor([self.early, self.late])
        different = torch.cat([(tables[0] != tables[1]).any(0), torch.tensor([False])])
        return different[x]

    def _chance(self) -> float:
        """The mean over steps of the chance of the commonest state, by walking all chances along."""
        tables, symbols = (self.early, self.late), len(self.early[0])
        states, longest = len(self.early), self.wait or 0
        share = {(0, 0): 1.0}  # of a state and a number of steps without symbol, up to the wait
        total = 0.0
        for step in range(self.length):
            after: dict[tuple[int, int], float] = {}
            for (state, waited), chance in share.items():
                late = waited >= longest if self.wait is not None else step % self.period >= self.period / 2
                still = state, min(waited + 1, longest)
                after[still] = after.get(still, 0.0) + self.none * chance
                for symbol in range(symbols):
                    to = tables[late][state][symbol], 0
                    after[to] = after.get(to, 0.0) + (1 - self.none) * chance / symbols
            share = after
            total += max(
                sum(part for (at, _), part in share.items() if at == state) for state in range(states)
            )
        return total / self.length
