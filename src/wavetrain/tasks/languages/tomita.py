"""The seven languages of Tomita: does a string of bits belong?

Tomita 1982. 1: only ones. 2: 10 over and over. 3: no odd run of ones with an odd run of zeros behind it.
4: no 000. 5: even numbers of zeros and of ones. 6: zeros less ones divisible by 3. 7: 0*1*0*1*.

    x  1 0 1 0 1 0      y  1 in languages 2, 4 and 6; 0 in 1, 3, 5 and 7

Random strings of 16 bits almost never belong to 1 or 2, so half of the strings are drawn uniformly from the
language and half from the strings outside it, by counting the ways through the minimal automaton: guessing
is right half of the time. Where a language has one string of each length (1 and 2), that is all one sees of
it, and strings outside are mostly far from it. Languages 2, 5 and 6 lack strings of some lengths.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least

# the minimal automaton, from state 0: the next state on bit 0 and on bit 1, for each state; where to accept
AFTER = {
    1: ((1, 0), (1, 1)),
    2: ((1, 2), (1, 1), (0, 1)),
    3: ((0, 1), (2, 0), (3, 4), (2, 3), (4, 4)),
    4: ((1, 0), (2, 0), (3, 0), (3, 3)),
    5: ((1, 2), (0, 3), (3, 0), (2, 1)),
    6: ((1, 2), (2, 0), (0, 1)),
    7: ((0, 1), (2, 1), (2, 3), (4, 3), (4, 4)),
}
ACCEPT = {1: {0}, 2: {0}, 3: {0, 1, 3}, 4: {0, 1, 2}, 5: {0}, 6: {0}, 7: {0, 1, 2, 3}}


def shares(language: int, length: int) -> Tensor:
    """The share of strings of 0 to `length` bits that end outside or inside, (2, length + 1, states).

    The last axis is the state that they start from; [1, :, 0] is how much of all strings the language is.
    """
    after = torch.tensor(AFTER[language])
    inside = torch.tensor([state in ACCEPT[language] for state in range(len(after))])
    share = torch.stack([~inside, inside]).double()
    all_of_them = [share]
    for _ in range(length):
        share = share[:, after].mean(-1)
        all_of_them.append(share)
    return torch.stack(all_of_them, 1)


@dataclass(frozen=True)
class Tomita(Generated):
    """x (B, length) bits, y (B,) whether they belong.

    >>> from wavetrain.tasks import Tomita
    >>> task = Tomita(language=4, length=8)  # no 000
    >>> x, y = task.draw(2, torch.Generator().manual_seed(0))
    >>> x.tolist()
    [[1, 1, 1, 0, 0, 0, 1, 0], [1, 1, 0, 1, 0, 1, 0, 0]]
    >>> y.tolist()  # the first string has 000 in it
    [0, 1]
    """

    language: int = 5  # 1 to 7
    length: int = 16  # at most 1000

    # without annotations: facts of the task, not fields
    inputs = 2
    outputs = 2
    tokens = True
    every_step = False
    objective = CLASSES
    chance = 1 / 2

    def __post_init__(self) -> None:
        at_least("tomita", 1, length=self.length)
        if self.language not in AFTER:
            raise BadInput(f"tomita: expected a language from 1 to 7, got {self.language!r}")
        if self.length > 1000:  # a single string among 2^1000 is about the least that float64 can count
            raise BadInput(f"tomita: the length must be at most 1000, got {self.length}")
        for which, share in zip(("outside", "in"), shares(self.language, self.length)[:, -1, 0], strict=True):
            if share == 0:
                raise BadInput(
                    f"tomita: no string of length {self.length} is {which} language {self.language}"
                )

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        after, share = torch.tensor(AFTER[self.language]), shares(self.language, self.length)
        y = torch.randint(2, (batch,), generator=generator)
        x = torch.empty(batch, self.length, dtype=torch.long)
        state = torch.zeros(batch, dtype=torch.long)
        for step in range(self.length):
            ways = share[y[:, None], self.length - 1 - step, after[state]]  # (B, 2): after a 0, after a 1
            chosen = torch.rand(batch, generator=generator, dtype=torch.float64) * ways.sum(1)
            x[:, step] = chosen >= ways[:, 0]
            state = after[state, x[:, step]]
        return Batch(x, y)
