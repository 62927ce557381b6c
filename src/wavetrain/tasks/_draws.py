"""What tasks draw, and the least sizes that they take.

at_least     refuses sizes below the least
some         different numbers in random order
expression   a random expression with brackets
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from wavetrain.errors import BadInput


def at_least(task: str, least: int, **sizes: int) -> None:
    """Raise for sizes of a task below the least that makes sense."""
    for size, value in sizes.items():
        if not isinstance(value, int) or value < least:
            raise BadInput(f"{task}: {size} must be a whole number of at least {least}, got {value!r}")


def some(batch: int, among: int, count: int, generator: torch.Generator) -> Tensor:
    """`count` different numbers from 0 to `among` - 1 in random order, (batch, count)."""
    return torch.rand(batch, among, generator=generator).argsort(1)[:, :count]


def expression(length: int, modulus: int, operators: int, random: Iterator[float]) -> tuple[list[int], int]:
    """A random expression of exactly `length` tokens, and its value modulo `modulus`.

    Up to 4 tokens: d, -d, (d) and (-d), of a digit d; else (left operator right), split at random. Tokens:
    the digits from 0 to modulus - 1, then + - * ( ). `operators` is 2 for + and -, 3 for * as well; `random`
    gives numbers in [0, 1), of which at most `length` are taken.
    """
    minus, opening, closing = modulus + 1, modulus + 3, modulus + 4
    if length < 5:
        digit = int(next(random) * modulus)
        value = digit if length % 2 else -digit % modulus
        bare = [digit] if length % 2 else [minus, digit]
        return (bare, value) if length < 3 else ([opening, *bare, closing], value)
    split = 1 + int(next(random) * (length - 4))  # tokens on the left; 3 go to brackets and operator
    operator = int(next(random) * operators)
    left, a = expression(split, modulus, operators, random)
    right, b = expression(length - 3 - split, modulus, operators, random)
    value = (a + b, a - b, a * b)[operator] % modulus
    return [opening, *left, modulus + operator, *right, closing], value
