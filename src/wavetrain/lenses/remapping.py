"""Remapping: do cells keep their maps from one environment to the next, and where do place cells move to?

Muller and Kubie 1987; Fyhn et al. 2007, Nature 446:190; grid at place by Whittington et al. 2020, Cell
183:1249. Each sequence is an environment of its own. Maps of its first half are compared with maps of its
second half, and with those of the second half of the next environment; so both rest on as many steps.

    kept            correlation of a unit's two maps, over the bins that both have visited
    grid at place   correlation, over all pairs of a grid cell and a place cell, of what the grid cell's two
                    maps say at the two peaks of the place cell; maps of mean 0 and deviation 1

Place cells that move at random have a grid at place of about 0 between environments; those that move to
where the same grid cells are active have more. `null` is the same with the place cells of the second map
exchanged. Units that are silent on one side are left out. Left out, too: the distance from a place cell's
peak to the nearest peak of a grid cell, which wants arenas of many bins.
"""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.lenses import rate_maps


class Remapping(NamedTuple):
    """Of U place cells and G grid cells; NaN where nothing can be compared."""

    within: np.ndarray  # (U,) kept in the same environment, mean over environments
    between: np.ndarray  # (U,) kept from one environment to the next
    grid_within: np.ndarray  # (G,)
    grid_between: np.ndarray  # (G,)
    at_place_within: float  # grid at place
    at_place_between: float
    null: np.ndarray  # (shuffles,) grid at place between environments, place cells exchanged


def remapping(
    activity: Tensor,
    position: Tensor,
    grid: Tensor | None = None,
    bins: int = 20,
    smooth: float = 1.0,
    shuffles: int = 100,
    low: float = -1.0,
    high: float = 1.0,
    seed: int = 0,
) -> Remapping:
    """Of place cells (B, T, U) and grid cells (B, T, G), at places (B, T, 2), in B environments.

    Without grid cells the place cells stand for them. The square from `low` to `high` is cut into bins.
    """
    grid = activity if grid is None else grid
    if activity.ndim != 3 or min(activity.shape[:2]) < 2 or position.shape != (*activity.shape[:2], 2):
        raise BadInput(
            "remapping: expected activity (batch, time, units) and position (batch, time, 2) of two "
            f"sequences and two steps or more, got {tuple(activity.shape)} and {tuple(position.shape)}"
        )
    if grid.shape[:2] != activity.shape[:2]:
        raise BadInput(
            "remapping: expected grid cells (batch, time, cells) of batch and time "
            f"{tuple(activity.shape[:2])}, got {tuple(grid.shape)}"
        )
    half = activity.shape[1] // 2

    def maps(units: Tensor, part: slice) -> np.ndarray:
        """(B, U, bins, bins)"""
        several = zip(units[:, part], position[:, part], strict=True)
        return np.stack([rate_maps(u[None], at[None], bins, smooth, low, high)[0] for u, at in several])

    early, late = slice(half), slice(half, None)
    place, same = maps(activity, early), maps(activity, late)
    lattice, alike = maps(grid, early), maps(grid, late)
    dice = np.random.default_rng(seed)
    other, unlike = np.roll(same, -1, 0), np.roll(alike, -1, 0)
    pair = (place, lattice)
    null = [_at_place(*pair, dice.permuted(_peak(other), axis=1), unlike) for _ in range(shuffles)]
    return Remapping(
        _kept(place, same),
        _kept(place, other),
        _kept(lattice, alike),
        _kept(lattice, unlike),
        _at_place(*pair, _peak(same), alike),
        _at_place(*pair, _peak(other), unlike),
        np.array(null),
    )


def _kept(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of each unit's maps (B, U, bins, bins), the mean over B."""
    a, b = (part.reshape(*part.shape[:2], -1) for part in (one, other))
    both = np.isfinite(a) & np.isfinite(b)
    a, b = (_less_mean(np.where(both, part, 0.0), both) for part in (a, b))
    size = np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    r = np.divide((a * b).sum(-1), size, out=np.full_like(size, np.nan), where=size > 1e-12)
    told = np.isfinite(r).sum(0)
    return np.divide(np.nansum(r, 0), told, out=np.full(r.shape[1], np.nan), where=told > 0)


def _less_mean(part: np.ndarray, there: np.ndarray) -> np.ndarray:
    mean = part.sum(-1, keepdims=True) / np.maximum(there.sum(-1, keepdims=True), 1)
    return np.where(there, part - mean, 0.0)


def _peak(maps: np.ndarray) -> np.ndarray:
    """The bin (B, U) in which a unit is most active, -1 where it is the same everywhere."""
    flat = maps.reshape(*maps.shape[:2], -1)
    high, low = (np.nan_to_num(flat, nan=fill) for fill in (-np.inf, np.inf))
    return np.where(high.max(-1) > low.min(-1), high.argmax(-1), -1)


def _standard(maps: np.ndarray) -> np.ndarray:
    """Maps (G, bins, bins) as (G, bins^2), of mean 0 and deviation 1; NaN where a map is flat."""
    flat = maps.reshape(len(maps), -1)
    there = np.isfinite(flat)
    centred = _less_mean(np.where(there, flat, 0.0), there)
    spread = np.sqrt((centred**2).sum(-1, keepdims=True) / np.maximum(there.sum(-1, keepdims=True), 1))
    return np.divide(centred, spread, out=np.full_like(flat, np.nan), where=there & (spread > 1e-9))


def _at_place(place: np.ndarray, grid: np.ndarray, peak: np.ndarray, other: np.ndarray) -> float:
    """Correlation of grid cells' values at the peaks of place maps, and at `peak` (B, U) in other maps."""
    values = []
    for own, one, moved, two in zip(_peak(place), grid, peak, other, strict=True):
        there = (own >= 0) & (moved >= 0)
        maps = _standard(one)[:, own[there]], _standard(two)[:, moved[there]]
        values.append(np.stack(maps).reshape(2, -1))
    a, b = np.concatenate(values, 1)
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 3 or min(np.ptp(a[both]), np.ptp(b[both])) < 1e-12:
        return float("nan")
    return float(np.corrcoef(a[both], b[both])[0, 1])
