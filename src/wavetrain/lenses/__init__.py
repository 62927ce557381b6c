"""Ways to look at a system, one file each; and here what several of them share.

rate_maps    the mean activity of units in each part of an arena
"""

import numpy as np
from scipy import ndimage
from torch import Tensor

from wavetrain.errors import BadInput

NEVER = 1e-3  # steps near a bin, below which its rate is not defined


def rate_maps(
    activity: Tensor, position: Tensor, bins: int, smooth: float, low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean activity (U, bins, bins) of (B, T, U) at places (B, T, 2), and the share of time (bins, bins).

    The square from `low` to `high` is cut into bins, the first axis of the place down; what lies outside
    counts to the nearest. Activity and time are smoothed alike, by a Gaussian of `smooth` bins, before one is
    divided by the other, so that a bin never visited takes the rate of its neighbours. The share of time is
    not smoothed, and of sum 1. NaN where no visit is near.
    """
    if activity.ndim != 3 or position.shape != (*activity.shape[:2], 2):
        raise BadInput(
            "rate maps: expected activity (batch, time, units) and position (batch, time, 2), got "
            f"{tuple(activity.shape)} and {tuple(position.shape)}"
        )
    place = (position.detach().double().cpu().numpy().reshape(-1, 2) - low) / (high - low) * bins
    row, column = np.clip(np.floor(place).astype(int), 0, bins - 1).T
    bin_of = row * bins + column
    units = activity.detach().double().cpu().numpy().reshape(len(bin_of), -1).T  # (U, steps)
    total = np.stack([np.bincount(bin_of, unit, bins**2) for unit in units]).reshape(-1, bins, bins)
    time = np.bincount(bin_of, minlength=bins**2).reshape(bins, bins).astype(float)
    near = time
    if smooth:
        total = ndimage.gaussian_filter(total, smooth, mode="constant", axes=(1, 2))
        near = ndimage.gaussian_filter(time, smooth, mode="constant")
    rate = np.divide(total, near, out=np.full_like(total, np.nan), where=near > NEVER)
    return rate, time / time.sum()
