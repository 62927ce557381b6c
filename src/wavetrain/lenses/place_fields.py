"""Place fields: where in an arena each unit is active, in how many places, and how much that tells.

O'Keefe and Dostrovsky 1971; information by Skaggs et al. 1993, sparsity by Skaggs et al. 1996. The square
from `low` to `high` is cut into bins x bins; lambda_i is the mean activity in bin i, smoothed over `smooth`
bins, p_i the share of time spent there, and lambda = sum_i p_i lambda_i.

    field        at least `least` bins, connected along their sides, above `part` of the peak
    information  sum_i p_i (lambda_i / lambda) log2(lambda_i / lambda), bits per spike
    sparsity     lambda^2 / sum_i p_i lambda_i^2

Active everywhere alike is information 0 and sparsity 1; active in one of N bins visited alike is log2 N and
1 / N. Both want rates of at least 0. Few steps in a bin make information too large: compare only units that
were seen on the same path, or subtract what is left when activity is shifted in time.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from torch import Tensor

from wavetrain.lenses import rate_maps


class PlaceFields(NamedTuple):
    """Maps have the first axis of the place down and the second across; U units."""

    rate: np.ndarray  # (U, bins, bins) mean activity, NaN where never visited
    occupancy: np.ndarray  # (bins, bins) share of time, of sum 1
    label: np.ndarray  # (U, bins, bins) number of the field from 1, 0 outside
    fields: np.ndarray  # (U,) how many
    size: np.ndarray  # (U,) bins in all fields
    information: np.ndarray  # (U,) bits per spike, NaN for a unit that is silent or below 0
    sparsity: np.ndarray  # (U,) 0 to 1, NaN alike


def place_fields(
    activity: Tensor,
    position: Tensor,
    bins: int = 20,
    smooth: float = 1.0,
    part: float = 0.5,
    least: int = 3,
    low: float = -1.0,
    high: float = 1.0,
) -> PlaceFields:
    """The fields of activity (B, T, U) at places (B, T, 2); what lies outside counts to the nearest bin."""
    rate, occupancy = rate_maps(activity, position, bins, smooth, low, high)
    label = np.stack([_fields(one, part, least) for one in rate])
    information, sparsity = _skaggs(rate, occupancy)
    return PlaceFields(
        rate, occupancy, label, label.max((1, 2)), (label > 0).sum((1, 2)), information, sparsity
    )


def _fields(rate: np.ndarray, part: float, least: int) -> np.ndarray:
    """The fields of one map, numbered from 1."""
    label, count = ndimage.label(np.nan_to_num(rate) > part * max(np.nanmax(rate), 0.0))
    kept = 0
    for number in range(1, count + 1):
        one = label == number
        kept += (large := bool(one.sum() >= least))
        label[one] = kept if large else 0
    return label


def _skaggs(rate: np.ndarray, occupancy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Information and sparsity of maps (U, bins, bins)."""
    rate = np.where(occupancy > 0, rate, 0.0)
    mean = (occupancy * rate).sum((1, 2))
    told = (mean > 0) & (rate >= 0).all((1, 2))
    ratio = rate[told] / mean[told, None, None]
    bits = ratio * np.log2(ratio, out=np.zeros_like(ratio), where=ratio > 0)
    information, sparsity = np.full((2, len(rate)), np.nan)
    information[told] = (occupancy * bits).sum((1, 2))
    sparsity[told] = 1 / (occupancy * ratio**2).sum((1, 2))
    return information, sparsity
