"""The mean of angles: its direction, how much they agree, and how many they are.

Angles that are NaN are left out and not counted. Angles that cancel each other have no mean direction: NaN,
never a number that rounding has made.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

NONE = 1e-12  # a length below which there is no direction


class Mean(NamedTuple):
    """Over the axis that the mean is taken of."""

    direction: Float[np.ndarray, "*axes"]  # rad, in (-pi, pi]; NaN where there is none
    length: Float[np.ndarray, "*axes"]  # 0 to 1; NaN without an angle
    many: Int[np.ndarray, "*axes"]  # angles that are known

    @property
    def deviation(self) -> np.ndarray:
        """The circular standard deviation in radians: sqrt(-2 ln length)."""
        with np.errstate(divide="ignore"):
            found: np.ndarray = np.sqrt(-2 * np.log(self.length))
        return found


def mean(angles: Float[np.ndarray, "*all"], axis: int = -1) -> Mean:
    """The circular mean of angles in radians over an axis.

    >>> from wavetrain.parts import circular
    >>> found = circular.mean(np.array([np.pi - 0.1, 0.1 - np.pi, np.nan]))
    >>> round(abs(float(found.direction)), 6), round(float(found.length), 3), int(found.many)
    (3.141593, 0.995, 2)
    >>> float(circular.mean(np.array([0, np.pi / 2, np.pi, 3 * np.pi / 2])).direction)
    nan
    """
    known = np.isfinite(angles)
    count = known.sum(axis)
    total = np.where(known, np.exp(1j * np.where(known, angles, 0)), 0).sum(axis)
    vector = np.divide(total, count, out=np.full(np.shape(total), np.nan, complex), where=count > 0)
    length = np.minimum(np.abs(vector), 1.0)
    direction = np.where(length >= NONE, np.angle(vector), np.nan)
    return Mean(np.where(direction == -np.pi, np.pi, direction), length, count)
