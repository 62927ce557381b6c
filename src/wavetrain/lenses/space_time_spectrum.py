"""Space-time spectrum: does activity travel? The 2D Fourier transform of activity over time and space.

Activity that moves round a ring by v positions a step puts its power on the line where the temporal
frequency is -v times the spatial frequency, and activity that stays puts it in the column of frequency 0.
Units whose rate differs have power at zero temporal or spatial frequency whatever they do, so the mean over
time of each unit and the mean over units of each time are taken out first.

    fraction   the share of the remaining power that lies on the travelling line, within `slack` bins
    null       the same share after the time steps are shuffled, for `shuffles` shuffles: order destroyed,
               every unit's values kept
    standing   the share on the line's mirror image: a standing wave has as much there as on the line
"""

from typing import NamedTuple

import numpy as np
from torch import Tensor


class SpaceTimeSpectrum(NamedTuple):
    """Arrays of the spectrum and the three figures read from it."""

    power: np.ndarray  # (temporal frequency, spatial frequency), zero frequency in the middle, sums to 1
    temporal: np.ndarray  # (T,) cycles per step
    spatial: np.ndarray  # (N,) cycles per position
    fraction: float  # share of power on the travelling line
    standing: float  # share on its mirror image
    null: np.ndarray  # (shuffles,) share on the line when time is shuffled
    excess: float  # fraction over the mean of the null; 1 means no wave


def space_time_spectrum(
    activity: Tensor | np.ndarray, speed: float = -1.0, slack: float = 1.0, shuffles: int = 20, seed: int = 0
) -> SpaceTimeSpectrum:
    """The spectrum of activity (..., T, N) on rings of N positions, averaged over leading axes.

    `speed` is in positions per step along the index; the wave RNN starts at -1.
    """
    field = np.asarray(activity, dtype=np.float64)
    field = field.reshape(-1, *field.shape[-2:])
    field = (
        field
        - field.mean(1, keepdims=True)
        - field.mean(2, keepdims=True)
        + field.mean((1, 2), keepdims=True)
    )
    time, ring = field.shape[1:]
    temporal, spatial = np.fft.fftfreq(time), np.fft.fftfreq(ring)
    line = _line(temporal, spatial, speed, slack)
    mirror = _line(temporal, spatial, -speed, slack)
    power = _power(field)
    rng = np.random.default_rng(seed)
    null = np.array([(_power(field[:, rng.permutation(time)]) * line).sum() for _ in range(shuffles)])
    fraction = float((power * line).sum())
    return SpaceTimeSpectrum(
        power=np.fft.fftshift(power),
        temporal=np.fft.fftshift(temporal),
        spatial=np.fft.fftshift(spatial),
        fraction=fraction,
        standing=float((power * mirror).sum()),
        null=null,
        excess=fraction / max(float(null.mean()), 1e-12),
    )


def _power(field: np.ndarray) -> np.ndarray:
    """Mean power over rings, (T, N), of sum 1 (or 0 where nothing varies)."""
    power = (np.abs(np.fft.fft2(field)) ** 2).mean(0)
    total = power.sum()
    return power / total if total > 0 else power


def _line(temporal: np.ndarray, spatial: np.ndarray, speed: float, slack: float) -> np.ndarray:
    """Where the temporal frequency is -speed times the spatial one, up to whole cycles, (T, N)."""
    distance = temporal[:, None] + speed * spatial[None]
    distance = np.abs(distance - np.round(distance))
    return distance <= slack / len(temporal) + 1e-9  # so that rounding does not decide at the edge
