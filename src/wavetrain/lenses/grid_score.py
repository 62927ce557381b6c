"""Grid score: is a unit active on a hexagonal lattice of places, on a square one, or in bands?

Hafting et al. 2005, Nature 436:801; score of Sargolini et al. 2006, Science 312:758, in the form
min(r60, r120) - max(r30, r90, r150).

    autocorrelogram  Pearson correlation of a unit's rate map with itself at each shift, over shared bins
    r                correlation of a ring of the autocorrelogram with itself turned by an angle; the ring
                     goes from where the correlation, averaged round the centre, first is below 0, to 3.5
                     times that
    square           r90 - max(r45, r135)
    band             the share of the map's power in its strongest plane wave: 1 for bands, 1/3 for a hexagon

Smooth maps without any lattice have high scores by chance, the more so in small arenas. The null is made of
the same units and paths: activity is shifted in time against the path, round the end of each sequence, by an
amount drawn anew for each of `shifts`; `threshold` is the 95th percentile of its grid scores.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.lenses import rate_maps

SHARED = 20  # bins that a map and its shifted copy must share
OUTER = 3.5  # outer over inner radius of the ring


class GridScore(NamedTuple):
    """Scores of U units; NaN for a unit whose rate does not vary."""

    rate: np.ndarray  # (U, bins, bins) mean activity, first axis of the place down, NaN where never visited
    autocorrelogram: np.ndarray  # (U, 2 bins - 1, 2 bins - 1), shift 0 in the middle, NaN where too few bins
    grid: np.ndarray  # (U,) from -2 to 2
    square: np.ndarray  # (U,) from -2 to 2
    band: np.ndarray  # (U,) from 0 to 1
    null: np.ndarray  # (shifts, U) grid scores of activity shifted in time
    threshold: np.ndarray  # (U,) their 95th percentile


def grid_score(
    activity: Tensor,
    position: Tensor,
    bins: int = 20,
    smooth: float = 1.0,
    shifts: int = 20,
    low: float = -1.0,
    high: float = 1.0,
    seed: int = 0,
) -> GridScore:
    """Scores of activity (B, T, U) at places (B, T, 2); what lies outside counts to the nearest bin."""
    if activity.ndim != 3 or position.shape != (*activity.shape[:2], 2) or activity.shape[1] < 2:
        raise BadInput(
            "grid score: expected activity (batch, time, units) and position (batch, time, 2) of two steps "
            f"or more, got {tuple(activity.shape)} and {tuple(position.shape)}"
        )
    rate, _ = rate_maps(activity, position, bins, smooth, low, high)
    auto = autocorrelogram(rate)
    scores = np.array([symmetry(one, *ring(one)) for one in auto])
    null = []
    for shift in np.random.default_rng(seed).integers(1, activity.shape[1], shifts).tolist():
        shifted, _ = rate_maps(activity.roll(shift, 1), position, bins, smooth, low, high)
        null.append([symmetry(one, *ring(one))[0] for one in autocorrelogram(shifted)])
    table = np.array(null).reshape(shifts, len(rate))
    flat = np.isnan(table).all(0)
    threshold = np.full(len(rate), np.nan)
    threshold[~flat] = np.nanpercentile(table[:, ~flat], 95, axis=0)
    return GridScore(rate, auto, scores[:, 0], scores[:, 1], band(rate), table, threshold)


def autocorrelogram(maps: np.ndarray, shared: int = SHARED) -> np.ndarray:
    """Correlation of maps (U, H, W) with themselves at all shifts, (U, 2 H - 1, 2 W - 1); NaN is no bin."""
    there, x = np.isfinite(maps), _centred(maps)
    size = (2 * maps.shape[1] - 1, 2 * maps.shape[2] - 1)
    one, value, square = (np.fft.rfft2(part, size) for part in (there.astype(float), x, x**2))

    def along(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Sums over the bins that two maps share, at each shift of the first."""
        return np.fft.fftshift(np.fft.irfft2(a * b.conj(), size), (1, 2))

    count = np.rint(along(one, one))
    enough = count >= shared
    count = np.where(enough, count, 1.0)
    first, second = along(value, one), along(one, value)
    spread = (along(square, one) - first**2 / count) * (along(one, square) - second**2 / count)
    alive = enough & (spread > (1e-9 * (x**2).sum((1, 2), keepdims=True)) ** 2)
    cross = along(value, value) - first * second / count
    return np.divide(cross, np.sqrt(np.abs(spread)), out=np.full_like(cross, np.nan), where=alive)


def ring(auto: np.ndarray) -> tuple[float, float]:
    """The radii in bins between which an autocorrelogram (N, M) is turned: outside of its central peak."""
    radius = np.rint(_radius(auto)[0]).astype(int)
    known = np.isfinite(auto)
    mean = np.bincount(radius[known], auto[known], radius.max() + 1)
    below = np.flatnonzero(mean < 0)
    inner = float(below[0]) if len(below) else min(auto.shape) / 8
    return inner, OUTER * inner


def symmetry(auto: np.ndarray, inner: float, outer: float) -> tuple[float, float]:
    """Grid and square score of an autocorrelogram (N, M), on the ring between two radii in bins."""
    radius, y, x = _radius(auto)
    on = (radius >= inner) & (radius <= outer)
    r = {}
    for angle in (30, 45, 60, 90, 120, 135, 150):
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        places = [c * y[on] - s * x[on] + auto.shape[0] // 2, s * y[on] + c * x[on] + auto.shape[1] // 2]
        r[angle] = _correlation(auto[on], ndimage.map_coordinates(auto, places, order=1, cval=np.nan))
    return min(r[60], r[120]) - max(r[30], r[90], r[150]), r[90] - max(r[45], r[135])


def band(maps: np.ndarray) -> np.ndarray:
    """The share of power in the strongest plane wave of each map (U, H, W), the mean left out."""
    power = np.abs(np.fft.fft2(_centred(maps))) ** 2
    both = power + np.roll(power[:, ::-1, ::-1], (1, 1), (1, 2))  # a wave has power at k and at -k
    row, column = np.arange(maps.shape[1])[:, None], np.arange(maps.shape[2])
    alone = (2 * row % maps.shape[1] == 0) & (2 * column % maps.shape[2] == 0)  # k is -k
    strongest, total = np.where(alone, power, both).max((1, 2)), power.sum((1, 2))
    return np.divide(strongest, total, out=np.full_like(total, np.nan), where=total > 1e-18)


def _centred(maps: np.ndarray) -> np.ndarray:
    """Maps (U, H, W) less the mean of their bins, and 0 where there is none."""
    there = np.isfinite(maps)
    mean = np.where(there, maps, 0.0).sum((1, 2)) / np.maximum(there.sum((1, 2)), 1)
    return np.where(there, maps - mean[:, None, None], 0.0)


def _radius(auto: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance from the middle, and rows and columns from it."""
    y, x = np.mgrid[: auto.shape[0], : auto.shape[1]]
    y, x = y - auto.shape[0] // 2, x - auto.shape[1] // 2
    return np.hypot(y, x), y, x


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson correlation over what is defined in both; NaN where that is too little, or does not vary."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 3:
        return np.nan
    a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
    size = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / size) if size > 0 else np.nan
