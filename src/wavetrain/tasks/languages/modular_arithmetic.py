"""Modular arithmetic: the value of an expression of digits modulo 5.

Delétang et al. 2023, arXiv 2207.02098. Without brackets the task is regular: digits and + - * in turn,
products first. With brackets it is context-free: (left operator right), split at random, down to d, -d, (d)
and (-d). Tokens: the digits from 0 to 4, then + - * ( ).

    x  3 + 2 * 4 - 1       y  3 + 8 - 1 = 0 modulo 5
    x  ( 3 * ( - 2 ) )     y  -6 = 4 modulo 5

Always saying 0 is right more often than one time in five, because a product with a 0 is 0: in 0.253 of all
d o d, in 0.201 of 15 tokens without brackets, in 0.273 with. `chance` is this share, exactly. Left out: the
form of Karuvally et al. 2025, arXiv 2507.05238, evaluated from left to right, whose generator closes a third
of the expressions with "* 0".
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least, expression


def shares(length: int, modulus: int) -> np.ndarray:
    """How often each value comes without brackets, (modulus,)."""
    state = np.zeros((modulus, modulus))  # the sum of the terms before, and the term under way
    state[0] = 1 / modulus
    numbers = range(modulus)
    for _ in range(length // 2):
        after = np.zeros_like(state)
        for total, term, digit in product(numbers, repeat=3):
            share, summed = state[total, term] / (3 * modulus), (total + term) % modulus
            after[summed, digit] += share
            after[summed, -digit % modulus] += share
            after[total, term * digit % modulus] += share
        state = after
    return np.array([sum(state[total, value - total] for total in numbers) for value in numbers])


def bracket_shares(length: int, modulus: int) -> np.ndarray:
    """How often each value comes with brackets, (modulus,)."""
    one, two = np.indices((modulus, modulus))
    results = [(one + two) % modulus, (one - two) % modulus, one * two % modulus]
    share = [np.full(modulus, 1 / modulus)] * 5  # by length; those below 5 are a digit or its negative
    for size in range(5, length + 1):
        left = np.array(share[1 : size - 3])  # lengths 1 to size - 4, beside size - 4 to 1
        pair = left.T @ left[::-1] / (size - 4)
        weights = [np.bincount(result.ravel(), pair.ravel(), modulus) for result in results]
        share.append(np.mean(weights, 0))
    return share[length]


@dataclass(frozen=True)
class ModularArithmetic(Generated):
    """x (B, length) tokens, y (B,) values.

    >>> from wavetrain.tasks import ModularArithmetic
    >>> x, y = ModularArithmetic(length=7).draw(1, torch.Generator().manual_seed(0))
    >>> "".join("01234+-*()"[token] for token in x[0]), y.item()
    ('4-4+3-0', 3)
    """

    length: int = 15  # odd without brackets
    modulus: int = 5
    brackets: bool = False

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = False
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("modular arithmetic", 1, length=self.length)
        at_least("modular arithmetic", 2, modulus=self.modulus)
        if not self.brackets and self.length % 2 == 0:
            raise BadInput(f"modular arithmetic: without brackets the length must be odd, got {self.length}")
        share = (bracket_shares if self.brackets else shares)(self.length, self.modulus)
        inputs = self.modulus + (5 if self.brackets else 3)
        self.set_facts(inputs=inputs, outputs=self.modulus, chance=float(share.max()))

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        if self.brackets:
            random = torch.rand(batch, self.length, generator=generator, dtype=torch.float64).tolist()
            pairs = [expression(self.length, self.modulus, 3, iter(row)) for row in random]
            return Batch(torch.tensor([x for x, _ in pairs]), torch.tensor([y for _, y in pairs]))
        digit = torch.randint(self.modulus, (batch, self.length // 2 + 1), generator=generator)
        operator = torch.randint(3, (batch, self.length // 2), generator=generator)
        x = torch.empty(batch, self.length, dtype=torch.long)
        x[:, ::2], x[:, 1::2] = digit, self.modulus + operator
        total, term = torch.zeros(batch, dtype=torch.long), digit[:, 0]
        for number, sign in zip(digit[:, 1:].unbind(1), operator.unbind(1), strict=True):
            product = sign == 2
            total = torch.where(product, total, total + term)
            term = torch.where(product, term * number, torch.where(sign == 1, -number, number))
            term = term % self.modulus
        return Batch(x, (total + term) % self.modulus)
