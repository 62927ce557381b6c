"""Vector logic: two vectors and an operator; say them and the result, again and again.

From the code released with Karuvally, DelMastro and Siegelmann 2023, arXiv 2310.02430 (there "binary
arithmetic"): two vectors of +1 and -1 are given, and an operator on a line of its own, +1 for AND and -1 for
OR. The answer is both vectors, the operator on its line, and the AND or OR of them component by component;
and all four again, `repeats` times. What is repeated is in part what the network made itself.

    x  a b AND 0 0 0 0 0 0 ...      y  . . . a b AND (a and b) a b ...      . (0) is not asked

Guessing gets half of the signs: AND is +1 in one case of four, OR in three.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import Batch, Generated
from wavetrain.tasks._answers import SIGNS
from wavetrain.tasks._draws import at_least


@dataclass(frozen=True)
class VectorLogic(Generated):
    """x (B, 3 + 4 (1 + repeats), width + 1), y alike; the operator is on the last line, alone.

    >>> from wavetrain.tasks import VectorLogic
    >>> x, y = VectorLogic(width=2, repeats=1).draw(1, torch.Generator().manual_seed(0))
    >>> x[0, :3].int().tolist()  # two vectors and the operator
    [[-1, 1, 0], [1, -1, 0], [0, 0, 1]]
    >>> y[0, 3:7].int().tolist()  # the same again, and the result
    [[-1, 1, 0], [1, -1, 0], [0, 0, 1], [-1, -1, 0]]
    """

    width: int = 7
    repeats: int = 4

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = True
    objective = SIGNS
    chance = 0.5

    def __post_init__(self) -> None:
        at_least("vector logic", 1, width=self.width)
        at_least("vector logic", 0, repeats=self.repeats)
        self.set_facts(inputs=self.width + 1, outputs=self.width + 1)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        a, b = torch.randint(2, (2, batch, self.width), generator=generator)
        conjunction = torch.randint(2, (batch, 1), generator=generator)
        result = torch.where(conjunction == 1, a & b, a | b)
        once = torch.zeros(batch, 4, self.width + 1)  # a, b, operator, result
        once[:, [0, 1, 3], : self.width] = 2.0 * torch.stack([a, b, result], 1) - 1
        once[:, 2, self.width :] = 2.0 * conjunction - 1
        given, said = once[:, :3], once.repeat(1, 1 + self.repeats, 1)
        return Batch(
            torch.cat([given, torch.zeros_like(said)], 1), torch.cat([torch.zeros_like(given), said], 1)
        )
