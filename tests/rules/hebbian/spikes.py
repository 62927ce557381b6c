"""Spike trains and plain sums over pairs, for the tests of plasticity."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

DOUBLE = torch.float64


def fires(steps: Sequence[int], time: int) -> Tensor:
    """One unit that fires in these steps: (1, T, 1)."""
    train = torch.zeros(1, time, 1, dtype=DOUBLE)
    train[:, list(steps)] = 1.0
    return train


def noise(batch: int, time: int, units: int, seed: int, rate: float = 0.3) -> Tensor:
    """Independent trains."""
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(batch, time, units, generator=draw, dtype=DOUBLE) < rate).double()


def window(lag: float, plus: float, minus: float, tau_plus: float, tau_minus: float) -> float:
    """What a pair changes; one in the same step does both."""
    grows = plus * math.exp(-lag / tau_plus) if lag >= 0 else 0.0
    return grows - (minus * math.exp(lag / tau_minus) if lag <= 0 else 0.0)
