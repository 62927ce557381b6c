"""Majority count: say how often the commonest token came.

Karuvally et al. 2025, arXiv 2507.05238, with 63 tokens. Counts go up to the length, and each is a class.

    x  5 2 7 2 5 1      y  2

Most counts are nearly the same: among 40 tokens of 63 the commonest comes 3 times in 0.638 of all
sequences. `chance` is the exact share of the commonest count, found by counting: with independent Poisson
numbers of each token, given that they sum to the length, all counts are at most m.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import gammaln

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.tasks._draws import at_least


def shares(length: int, symbols: int) -> np.ndarray:
    """How often the commonest of uniform tokens comes 0, 1, ... `length` times, (length + 1,)."""
    count = np.arange(length + 1)
    one = np.exp(count * np.log(length / symbols) - length / symbols - gammaln(count + 1))  # Poisson
    together = np.exp(length * np.log(length) - length - gammaln(length + 1))
    at_most = np.ones(length + 1)
    for most in count:
        low = np.where(count <= most, one, 0)
        at_most[most] = _power(low, symbols)[length] / together
        if at_most[most] > 1 - 1e-12:
            break
    return np.diff(at_most, prepend=0)


def _power(series: np.ndarray, exponent: int) -> np.ndarray:
    """A power of a power series, to as many terms."""
    if exponent == 1:
        return series
    half = _power(series, exponent // 2)
    square = np.convolve(half, half)[: len(series)]
    return np.convolve(square, series)[: len(series)] if exponent % 2 else square


@dataclass(frozen=True)
class MajorityCount(Generated):
    """x (B, length) tokens, y (B,) counts.

    >>> from wavetrain.tasks import MajorityCount
    >>> x, y = MajorityCount(length=8, symbols=4).draw(1, torch.Generator().manual_seed(0))
    >>> x[0].tolist()
    [0, 3, 1, 0, 3, 3, 3, 3]
    >>> y.item()  # the commonest token came 5 times
    5
    >>> round(MajorityCount().chance, 3)
    0.638
    """

    length: int = 40
    symbols: int = 63

    # without annotations: facts of the task, not fields
    tokens = True
    every_step = False
    objective = CLASSES

    def __post_init__(self) -> None:
        at_least("majority count", 2, length=self.length, symbols=self.symbols)
        chance = float(shares(self.length, self.symbols).max())
        self.set_facts(inputs=self.symbols, outputs=self.length + 1, chance=chance)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x = torch.randint(self.symbols, (batch, self.length), generator=generator)
        count = torch.zeros(batch, self.symbols, dtype=torch.long).scatter_add_(1, x, torch.ones_like(x))
        return Batch(x, count.max(1).values)
