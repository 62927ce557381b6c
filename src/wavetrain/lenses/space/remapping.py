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
peak to the nearest peak of a grid cell, which wants arenas of many bins. Bins that one of the two maps never
visited are left out, smoothed or not; `p` is the rank of grid at place between environments in `null`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.parts import nulls
from wavetrain.parts.arena import Path, Units

card = Card(
    title="The Tolman-Eichenbaum machine: Unifying space and relational memory through "
    "generalization in the hippocampal formation",
    authors="Whittington, James C. R. and Muller, Timothy H. and Mark, Shirley and Chen, Guifen and "
    "Barry, Caswell and Burgess, Neil and Behrens, Timothy E. J.",
    year=2020,
    source="Cell 183, doi 10.1016/j.cell.2020.10.024",
    family="space",
    topic="Cognitive maps",
)


class Remapping(NamedTuple):
    """Of U place cells and G grid cells; NaN where nothing can be compared."""

    within: Float[np.ndarray, "units"]  # kept in the same environment, mean over environments
    between: Float[np.ndarray, "units"]  # kept from one environment to the next
    grid_within: Float[np.ndarray, "grids"]
    grid_between: Float[np.ndarray, "grids"]
    at_place_within: float  # grid at place
    at_place_between: float
    null: Float[np.ndarray, "shuffles"]  # grid at place between environments, place cells exchanged
    p: float  # rank of at_place_between among them, (k + 1) / (shuffles + 1)
    dropped: Int[np.ndarray, "units"]  # steps left out, as the place or the activity is NaN
    grid_dropped: Int[np.ndarray, "grids"]


def remapping(
    activity: Float[Tensor, "batch time units"],
    position: Float[Tensor, "batch time coordinates"],
    grid: Float[Tensor, "batch time grids"] | None = None,
    bins: int | Sequence[int] = 20,
    smooth: float = 1.0,
    shuffles: int = nulls.DRAWS,
    low: float | Sequence[float] | None = None,
    high: float | Sequence[float] | None = None,
    seed: int = 0,
) -> Remapping:
    """Of place cells (B, T, U) and grid cells (B, T, G), at places (B, T, coordinates), in B environments.

    Without grid cells the place cells stand for them. `bins` is the number along the longest side of the box
    from `low` to `high`, or one for each; without those, the box is the smallest that holds all places.

    Raises BadInput where activity, places or grid cells do not fit, or there is one environment alone.

    >>> from wavetrain.lenses import remapping
    >>> place = torch.cartesian_prod(torch.arange(6), torch.arange(6)).repeat(2, 1).expand(2, -1, -1).float()
    >>> field = torch.randint(36, (2, 1, 20))  # of twenty cells, drawn anew in the second environment
    >>> activity = (torch.arange(36).repeat(2)[:, None] == field).float()
    >>> found = remapping(activity, place, bins=6, smooth=0.0, low=-0.5, high=5.5)
    >>> round(float(found.within.mean()), 2), bool(found.between.mean() < 0.3)  # kept within, lost between
    (1.0, True)
    """
    grid = activity if grid is None else grid
    if activity.ndim != 3 or min(activity.shape[:2]) < 2 or position.shape[:-1] != activity.shape[:2]:
        raise BadInput(
            "remapping: expected activity (batch, time, units) and position (batch, time, coordinates) of "
            f"two sequences and two steps or more, got {tuple(activity.shape)} and {tuple(position.shape)}"
        )
    if grid.ndim != 3 or grid.shape[:2] != activity.shape[:2]:
        raise BadInput(
            "remapping: expected grid cells (batch, time, cells) of batch and time "
            f"{tuple(activity.shape[:2])}, got {tuple(grid.shape)}"
        )
    path = Path(position, bins, low, high)
    place, same, dropped = _halves(path, activity, smooth)
    lattice, alike, grid_dropped = _halves(path, grid, smooth)
    dice = np.random.default_rng(seed)
    other, unlike = np.roll(same, -1, 0), np.roll(alike, -1, 0)
    pair = (place, lattice)
    null = np.array([_at_place(*pair, dice.permuted(_peak(other), axis=1), unlike) for _ in range(shuffles)])
    between = _at_place(*pair, _peak(other), unlike)
    return Remapping(
        within=_kept(place, same),
        between=_kept(place, other),
        grid_within=_kept(lattice, alike),
        grid_between=_kept(lattice, unlike),
        at_place_within=_at_place(*pair, _peak(same), alike),
        at_place_between=between,
        null=null,
        p=float(nulls.rank(np.array([between]), null[:, None])[0]),
        dropped=dropped,
        grid_dropped=grid_dropped,
    )


def _halves(path: Path, activity: Tensor, smooth: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Maps (B, U, bins) of the first and of the second half of each sequence, and the steps left out (U,)."""
    half = activity.shape[1] // 2
    early: list[np.ndarray] = []
    late: list[np.ndarray] = []
    dropped = np.zeros(activity.shape[2], dtype=int)
    for number in range(len(activity)):
        for part, found in ((slice(half), early), (slice(half, None), late)):
            piece = path.part(number, part)
            seen = piece.maps(Units(activity[number : number + 1, part], piece), smooth)
            found.append(seen.rate.reshape(len(seen.rate), -1))
            dropped += seen.dropped
    return np.stack(early), np.stack(late), dropped


def _kept(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of each unit's maps (B, U, bins), the mean over B."""
    both = np.isfinite(one) & np.isfinite(other)
    a, b = (_normal(np.where(both, part, 0.0), both) for part in (one, other))
    alive = a.any(-1) & b.any(-1)
    r = np.divide((a * b).sum(-1), both.sum(-1), out=np.full(alive.shape, np.nan), where=alive)
    told = np.isfinite(r).sum(0)
    return np.divide(np.nansum(r, 0), told, out=np.full(r.shape[1], np.nan), where=told > 0)


def _normal(part: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Maps (..., bins) with mean 0 and deviation 1 over the bins that are there; 0 where a map is flat."""
    count = np.maximum(there.sum(-1, keepdims=True), 1)
    largest = np.abs(part).max(-1, keepdims=True)
    part = part / np.maximum(largest, np.finfo(float).tiny)
    centred = np.where(there, part - part.sum(-1, keepdims=True) / count, 0.0)
    spread = np.sqrt((centred**2).sum(-1, keepdims=True) / count)
    return np.divide(centred, spread, out=np.zeros_like(part), where=spread > 1e-9)


def _peak(maps: np.ndarray) -> np.ndarray:
    """The bin (B, U) in which a unit is most active, -1 where it is the same everywhere."""
    high, low = (np.where(np.isnan(maps), fill, maps) for fill in (-np.inf, np.inf))
    return np.where(high.max(-1) > low.min(-1), high.argmax(-1), -1)


def _standard(maps: np.ndarray) -> np.ndarray:
    """Maps (G, bins) of mean 0 and deviation 1; NaN where never visited, or where a map is flat."""
    there = np.isfinite(maps)
    normal = _normal(np.where(there, maps, 0.0), there)
    return np.where(there & normal.any(-1, keepdims=True), normal, np.nan)


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
