"""High-order sequences: the last symbol depends on the first, across a part that others share.

Cui, Ahmad and Hawkins 2016, arXiv 1512.05463: eight sequences of ten symbols in four pairs of partners, which
differ in their first and last symbol alone. They come in random order in a stream without end, each followed
by one symbol of noise. The study has 5,000 symbols of noise and streams of 20,000 elements.

    x  6 8 7 4 2 3 0 n 1 8 7 4 2 3 5 n      the pair 6..0 and 1..5; n is noise, any symbol from 10 on
    y  - - - - - 0 - - - - - - - 5 - -      - (class 0) is not asked

With `endings` of 2 or 4 a sequence ends in one of several symbols, all equally likely: the future branches.
Sequences that begin at element `swap` or later end as their partners did. Which further endings each
sequence has is our choice: no two partners share one. The best guess that ignores x knows what time it is.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from wavetrain.core import Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least

SYMBOLS = 10
PAIRS = (  # two first symbols, what they share, two last symbols
    ((6, 1), (8, 7, 4, 2, 3), (0, 5)),
    ((6, 1), (3, 4, 2, 7, 8), (5, 0)),
    ((0, 2), (9, 7, 8, 5, 3, 4), (1, 6)),
    ((0, 2), (4, 3, 5, 8, 7, 9), (6, 1)),
)
LONGEST = 9  # elements from the start of a sequence to that of the next


class Streams(NamedTuple):
    """Streams, what is asked, and all the symbols that could have been the answer."""

    x: Tensor  # (B, T)
    y: Tensor  # (B, T), the next symbol + 1 where it is the last of its sequence, else 0
    possible: Tensor  # (B, T, 10), bool, nothing where nothing is asked


@dataclass(frozen=True)
class HighOrderSequences(Generated):
    """x (B, length) tokens, y alike; asked is the step before the last of each sequence.

    >>> from wavetrain.tasks import HighOrderSequences
    >>> x, y = HighOrderSequences(length=22).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [4, 2, 8, 6, 9, 5, 3, 1, 37, 7, 3, 5, 9, 6, 8, 2, 1, 13, 7, 2, 8, 6]
    >>> y[0].tolist()  # the last symbol is asked, one step before it comes
    [0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0]
    """

    length: int = 100  # elements of a stream
    endings: int = 1  # of each sequence, up to 4
    swap: int | None = None  # the element from which partners exchange their endings
    noise: int = 50  # symbols that stand between sequences
    seed: int = 0  # of which symbol stands for which digit

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = True
    outputs = SYMBOLS + 1
    objective = ASKED

    def __post_init__(self) -> None:
        at_least("high-order sequences", LONGEST, length=self.length)
        at_least("high-order sequences", 1, noise=self.noise)
        at_least("high-order sequences", 0, swap=0 if self.swap is None else self.swap)
        if self.endings not in (1, 2, 3, 4):
            raise BadInput(f"high-order sequences: expected 1 to 4 endings, got {self.endings!r}")
        self.set_facts(inputs=SYMBOLS + self.noise, chance=self._chance())

    def bodies(self) -> list[tuple[int, ...]]:
        """The eight sequences without their last symbol; partners are neighbours."""
        name = self._names()
        return [
            tuple(name[digit] for digit in (first, *shared))
            for firsts, shared, _ in PAIRS
            for first in firsts
        ]

    def lasts(self) -> Tensor:
        """The symbols that each sequence may end in before the swap, (8, endings)."""
        rows = []
        for _, _, lasts in PAIRS:
            others = [digit for digit in range(SYMBOLS) if digit not in lasts]
            rows += [(last, *others[i::2][: self.endings - 1]) for i, last in enumerate(lasts)]
        return torch.tensor(self._names())[torch.tensor(rows)]

    def streams(self, batch: int, generator: torch.Generator) -> Streams:
        """Streams as `draw` gives them, and what could have followed."""
        bodies, lasts = self.bodies(), self.lasts()
        size = torch.tensor([len(body) for body in bodies])
        many = -(-self.length // (LONGEST - 1))  # sequences that are enough
        which = torch.randint(len(bodies), (batch, many), generator=generator)
        branch = torch.randint(self.endings, (batch, many), generator=generator)
        noise = torch.randint(SYMBOLS, self.inputs, (batch, many), generator=generator)
        begins = (size + 2)[which].cumsum(1) - (size + 2)[which]
        swapped = begins >= self.length if self.swap is None else begins >= self.swap
        partner = which ^ swapped.long()
        body = torch.zeros(len(bodies), LONGEST, dtype=torch.long)
        for row, symbols in zip(body, bodies, strict=True):
            row[: len(symbols)] = torch.tensor(symbols)
        x, y = body[which], torch.zeros(batch, many, LONGEST, dtype=torch.long)  # (B, sequences, 9)
        end, last = size[which][..., None], lasts[partner, branch][..., None]
        x.scatter_(2, end, last).scatter_(2, end + 1, noise[..., None])
        y.scatter_(2, end - 1, last + 1)
        may = torch.zeros(len(bodies), SYMBOLS, dtype=torch.bool).scatter_(1, lasts, True)
        possible = may[partner][:, :, None] & (y > 0)[..., None]
        there = torch.arange(LONGEST) < (size + 2)[which][..., None]
        places = (~there).flatten(1).int().argsort(dim=1, stable=True)[:, : self.length]
        x, y = (part.flatten(1).gather(1, places) for part in (x, y))
        places = places[..., None].expand(-1, -1, SYMBOLS)
        return Streams(x, y, possible.flatten(1, 2).gather(1, places))

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x, y, _ = self.streams(batch, generator)
        return Batch(x, y)

    def _names(self) -> list[int]:
        """The symbol that stands for each digit."""
        return torch.randperm(SYMBOLS, generator=torch.Generator().manual_seed(self.seed)).tolist()

    def _chance(self) -> float:
        """At each step, the share of the commonest answer, weighted by how often the step is asked."""
        sizes = torch.tensor([len(body) for body in self.bodies()])
        lasts, begin = self.lasts(), torch.zeros(self.length + LONGEST, dtype=torch.double)
        begin[LONGEST] = 1  # how likely it is that a sequence begins, LONGEST places later
        for t in range(1, self.length):
            begin[LONGEST + t] = (begin[1 + t] + begin[t]) / 2
        asked = torch.zeros(self.length, SYMBOLS, dtype=torch.double)
        for size in sizes.unique().tolist():
            answers = lasts[sizes == size].flatten().bincount(minlength=SYMBOLS) / lasts.numel()
            asked += begin[LONGEST + 1 - size :][: self.length, None] * answers
        return float(asked.max(1).values.sum() / asked.sum())
