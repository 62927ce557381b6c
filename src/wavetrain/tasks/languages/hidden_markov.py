"""Hidden Markov model: symbols of a hidden state that jumps by chance; say how likely each next symbol is.

Rabiner 1989, Proceedings of the IEEE 77:257. The families are those of Torre, Viscione, Pompe, Grewe and
Mante 2025, arXiv 2510.25674, whose networks are to emit such sequences. A state emits a symbol by its row of
`emits`, and is followed by a state by its row of `moves`; the first is drawn evenly.

    chain   M states in a row; the chance q of a step to a neighbour is 0.05 ** (1 / (M - 1)), so that all
            chains are passed from end to end equally often. Of three symbols the first is told at one end,
            the third at the other, and the second hardly ever
    ring    four states on a ring, 0.025 to each neighbour, with three symbols
    full    three states, 0.025 from each to each other, with a symbol for each

    state   0 0 0 1 0 1 1 2      symbol   0 0 0 2 0 0 2 2

The best answer is that of the filter of Baum, whose chances of the states after each symbol are exact
(`predicted`). The best answer that ignores x knows how often each symbol comes at each step.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.core import TOKENS, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least

Table = tuple[tuple[float, ...], ...]

PASSED = 0.05  # chance to walk a chain in the fewest steps


def _chain(states: int) -> tuple[Table, Table]:
    step = round(PASSED ** (1 / (states - 1)), 6)
    moves = [[step * (abs(to - at) == 1) for to in range(states)] for at in range(states)]
    for at, row in enumerate(moves):
        row[at] = round(1 - sum(row), 6)
    place = [at / (states - 1) for at in range(states)]
    return tuple(map(tuple, moves)), tuple((0.99 * (1 - at), 0.01, 0.99 * at) for at in place)


@dataclass(frozen=True)
class HiddenMarkov(Generated):
    """x (B, length) symbols, y (B, length) the symbols that follow; both tables are rows of chances.

    >>> from wavetrain.tasks import HiddenMarkov
    >>> task = HiddenMarkov(length=10)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(9))
    >>> x[0].tolist(), y[0, -1].item()
    ([0, 2, 2, 2, 0, 0, 0, 0, 0, 0], 0)
    >>> task.predicted(x)[0, 4].round(decimals=2).tolist()  # after 0 2 2 2 0
    [0.59, 0.01, 0.4]
    """

    length: int = 30
    moves: Table = _chain(3)[0]  # from each state to each other
    emits: Table = _chain(3)[1]  # of each state, a chance for each symbol

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    objective = TOKENS

    def __post_init__(self) -> None:
        at_least("hidden Markov model", 1, length=self.length)
        states, symbols = len(self.moves), len(self.emits[0]) if self.emits else 0
        fit = states and symbols > 1 and len(self.emits) == states
        fit = fit and all(len(row) == states for row in self.moves)
        fit = fit and all(len(row) == symbols for row in self.emits)
        rows = (*self.moves, *self.emits)
        if not fit or not all(min(row) >= 0 and abs(sum(row) - 1) < 1e-6 for row in rows):
            raise BadInput(
                "hidden Markov model: expected a square table of moves and as many rows of two symbols or "
                f"more, each row of chances with the sum 1, got {self.moves} and {self.emits}"
            )
        self.set_facts(inputs=symbols, outputs=symbols, chance=self._chance())

    @classmethod
    def chain(cls, states: int, length: int = 30) -> "HiddenMarkov":
        """Two states or more in a row, with three symbols."""
        at_least("hidden Markov model", 2, states=states)
        return cls(length, *_chain(states))

    @classmethod
    def ring(cls, length: int = 40) -> "HiddenMarkov":
        """Four states on a ring, with three symbols."""
        moves = [[(0.95, 0.025, 0.0, 0.025)[(to - at) % 4] for to in range(4)] for at in range(4)]
        emits = (0.9, 0.1, 0.0), (0.1, 0.9, 0.0), (0.0, 0.1, 0.9), (0.0, 0.9, 0.1)
        return cls(length, tuple(map(tuple, moves)), emits)

    @classmethod
    def full(cls, length: int = 30) -> "HiddenMarkov":
        """Three states, each of which leads to each other and has a symbol of its own."""
        moves = tuple(tuple(0.95 if to == at else 0.025 for to in range(3)) for at in range(3))
        return cls(
            length, moves, tuple(tuple(0.98 if to == at else 0.01 for to in range(3)) for at in range(3))
        )

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        symbols, _ = self.walk(batch, self.length + 1, generator)
        return Batch(symbols[:, :-1], symbols[:, 1:])

    def walk(
        self, batch: int, length: int, generator: torch.Generator
    ) -> tuple[Int[Tensor, "batch length"], Int[Tensor, "batch length"]]:
        """Symbols of as many sequences, and the states behind them."""
        moves, emits = _steps(self.moves), _steps(self.emits)
        dice = torch.rand(2, batch, length, generator=generator, dtype=torch.float64)
        state = torch.randint(len(moves), (batch,), generator=generator)
        states = []
        for step in range(length):
            states.append(state)
            state = (dice[0, :, step, None] >= moves[state]).sum(1)
        behind = torch.stack(states, 1)
        return (dice[1, :, :, None] >= emits[behind]).sum(2), behind

    def predicted(self, x: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time outputs"]:
        """The chance of each symbol to be the next, given those up to here: the best answer there is."""
        moves, emits = (torch.tensor(one, dtype=torch.float64) for one in (self.moves, self.emits))
        chance = torch.full((len(x), len(moves)), 1 / len(moves), dtype=torch.float64)
        said = []
        for symbol in x.T:
            chance = chance * emits[:, symbol].T
            chance = chance / chance.sum(1, keepdim=True) @ moves
            said.append(chance @ emits)
        return torch.stack(said, 1)

    def _chance(self) -> float:
        """The mean over steps of the entropy of the next symbol, in nats."""
        moves, emits = (torch.tensor(one, dtype=torch.float64) for one in (self.moves, self.emits))
        state, total = torch.full((len(moves),), 1 / len(moves), dtype=torch.float64), 0.0
        for _ in range(self.length):
            state = state @ moves
            total += float(torch.special.entr(state @ emits).sum())
        return total / self.length


def _steps(table: Table) -> Tensor:
    """The borders between chances, of which a number from 0 to 1 is above as many as its place."""
    return torch.tensor(table, dtype=torch.float64).cumsum(1)[:, :-1]
