"""Random kernels: what short filters of random weights find in sequences (N, T, C).

Of each filter's response over a sequence the largest value and the share of values above zero are kept
(Dempster, Petitjean and Webb 2020, ROCKET). Lengths and dilations are random, too. Each sequence is read in
units of its channels' means and deviations in training; what is missing is filled by the last value before
it, so a short sequence that is padded by NaN stays where it ended.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wavetrain.errors import BadInput

KERNELS = 500
LENGTHS = (7, 9, 11)
TOGETHER = 64  # sequences that are read at once


class Kernel(NamedTuple):
    """One filter."""

    weights: np.ndarray  # (length, channels)
    bias: float
    dilation: int
    padding: int

    def features(self, x: np.ndarray) -> np.ndarray:
        """The largest response to each sequence (N, T, C), and the share above zero, (N, 2)."""
        length = len(self.weights)
        wide = np.pad(x, ((0, 0), (self.padding, self.padding), (0, 0)))
        steps = wide.shape[1] - (length - 1) * self.dilation
        response = np.full((len(x), steps), self.bias)
        for place, weight in enumerate(self.weights):
            begin = place * self.dilation
            response += wide[:, begin : begin + steps] @ weight
        return np.stack([response.max(1), (response > 0).mean(1)], 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """Filters, and the units of what they read and find."""

    kernels: tuple[Kernel, ...]
    centre: np.ndarray  # (C,) of the channels
    spread: np.ndarray
    middle: np.ndarray  # (features,)
    width: np.ndarray

    def read(self, x: np.ndarray) -> np.ndarray:
        """Of each sequence, (N, 2 kernels), in deviations from the mean of training."""
        if x.ndim != 3 or x.shape[2] != len(self.centre):
            raise BadInput(f"random kernels: expected sequences (N, T, {len(self.centre)}), got {x.shape}")
        return (_features(self.kernels, x, self.centre, self.spread) - self.middle) / self.width


def fitted(x: np.ndarray, *, seed: int = 0, kernels: int = KERNELS) -> tuple[Found, np.ndarray]:
    """Filters drawn for sequences to learn from, and what they find there."""
    generator = np.random.default_rng(seed)
    drawn = tuple(_drawn(generator, x.shape[1], x.shape[2]) for _ in range(kernels))
    centre, spread = np.nanmean(x, (0, 1)), np.nanstd(x, (0, 1))
    spread = np.where(spread > 0, spread, 1.0)
    found = _features(drawn, x, centre, spread)
    middle, width = found.mean(0), found.std(0)
    width = np.where(width > 1e-12, width, 1.0)
    whole = Found(kernels=drawn, centre=centre, spread=spread, middle=middle, width=width)
    return whole, (found - middle) / width


def _drawn(generator: np.random.Generator, steps: int, channels: int) -> Kernel:
    """A filter that fits into sequences of so many steps."""
    length = min(int(generator.choice(LENGTHS)), steps)
    reach = np.log2(max((steps - 1) / max(length - 1, 1), 1))
    dilation = int(2 ** generator.uniform(0, reach))
    weights = np.zeros((length, channels))
    some = generator.permutation(channels)[
        : int(2 ** generator.uniform(0, np.log2(min(channels, length) + 1)))
    ]
    drawn = generator.normal(size=(length, len(some)))
    weights[:, some] = drawn - drawn.mean(0)
    padding = ((length - 1) * dilation) // 2 if generator.random() < 0.5 else 0
    return Kernel(weights, float(generator.uniform(-1, 1)), dilation, padding)


def _features(
    kernels: tuple[Kernel, ...], x: np.ndarray, centre: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """(N, 2 kernels)."""
    parts = []
    least = max((len(one.weights) - 1) * one.dilation + 1 - 2 * one.padding for one in kernels)
    if x.shape[1] < least:
        raise BadInput(f"random kernels: expected sequences of at least {least} steps, got {x.shape[1]}")
    for first in range(0, len(x), TOGETHER):
        units = (_filled(x[first : first + TOGETHER]) - centre) / spread
        units = np.nan_to_num(units)
        parts.append(np.concatenate([one.features(units) for one in kernels], 1))
    return np.concatenate(parts)


def _filled(x: np.ndarray) -> np.ndarray:
    """Sequences (N, T, C), each missing value the last one before it."""
    place = np.where(np.isfinite(x), np.arange(x.shape[1])[:, None], -1)
    place = np.maximum.accumulate(place, 1)
    return np.where(place >= 0, np.take_along_axis(x, np.maximum(place, 0), 1), np.nan)
