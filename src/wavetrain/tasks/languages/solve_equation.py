"""Solve an equation: an expression with one digit hidden, and its value modulo 5; say the digit.

The context-free task of Delétang et al. 2023, arXiv 2207.02098: an expression with brackets as in modular
arithmetic, without products, so that there is always one solution. Tokens: the digits from 0 to 4, then
+ - * ( ) x =, of which * never comes.

    x  ( 3 - x ) = 4       y  4, since 3 - 4 = 4 modulo 5

The hidden digit is uniform: guessing is right one time in five.
"""

from dataclasses import dataclass

import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.tasks._draws import at_least, expression


@dataclass(frozen=True)
class SolveEquation(Generated):
    """x (B, length + 2) tokens, y (B,) digits.

    >>> from wavetrain.tasks import SolveEquation
    >>> x, y = SolveEquation(length=5).draw(1, torch.Generator().manual_seed(0))
    >>> "".join("01234+-*()x="[token] for token in x[0]), y.item()
    ('(4+x)=2', 3)
    """

    length: int = 15  # of the expression, before = and the value
    modulus: int = 5

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = False
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("solve equation", 1, length=self.length)
        at_least("solve equation", 2, modulus=self.modulus)
        self.set_facts(inputs=self.modulus + 7, outputs=self.modulus, chance=1 / self.modulus)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        random = torch.rand(batch, self.length + 1, generator=generator, dtype=torch.float64).tolist()
        unknown, equals = self.modulus + 5, self.modulus + 6
        rows, answers = [], []
        for choice, *numbers in random:
            tokens, value = expression(self.length, self.modulus, 2, iter(numbers))
            digits = [place for place, token in enumerate(tokens) if token < self.modulus]
            hidden = digits[int(choice * len(digits))]
            answers.append(tokens[hidden])
            tokens[hidden] = unknown
            rows.append([*tokens, equals, value])
        return Batch(torch.tensor(rows), torch.tensor(answers))
