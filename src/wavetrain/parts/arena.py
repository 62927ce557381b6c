"""An arena cut into bins, a path through it, and the mean activity of units in each bin.

Places have one coordinate (a track) or more; the box that is cut is the one given, or the smallest that
holds all places. Bins that were never visited have no rate: in a round arena, those of the box outside the
circle. Steps at which the place or a unit's activity is missing (NaN) count for nothing, and are counted.
"""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage, sparse
from torch import Tensor

from wavetrain.errors import BadInput

EDGE = 1e-6  # share of a side by which a place may be outside of a box that is given, for rounding


class RateMaps(NamedTuple):
    """Rates of units; `bins` is one number for each coordinate of the place."""

    rate: Float[np.ndarray, "units *bins"]  # mean activity, NaN where never visited
    steps: (
        Float[np.ndarray, "units *bins"] | Float[np.ndarray, "1 *bins"]
    )  # steps in each bin, the same for all units where it is one
    dropped: Int[np.ndarray, "units"]  # steps left out, as the place or the unit's activity is missing


class Path:
    """Where each step of B sequences lies.

    bin    (B, T) number of the bin, -1 where the place is missing
    shape  bins along each coordinate
    """

    def __init__(
        self,
        position: Float[Tensor, "batch time coordinates"],
        bins: int | Sequence[int] = 20,
        low: float | Sequence[float] | None = None,
        high: float | Sequence[float] | None = None,
    ):
        """The box from `low` to `high`, a number for all coordinates or one for each; inferred where None.

        `bins` is the number along its longest side, and the others are cut into bins as near to square as
        whole numbers allow; or one number for each coordinate.
        """
        if position.ndim != 3 or 0 in position.shape:
            raise BadInput(f"arena: expected places (batch, time, coordinates), got {tuple(position.shape)}")
        place = position.detach().cpu().double().numpy()
        if np.isinf(place).any():
            raise BadInput("arena: expected finite places, or NaN where they are missing, got infinity")
        known = np.isfinite(place).all(-1)
        if not known.any():
            raise BadInput("arena: expected places, got NaN at every step")
        least, most = place[known].min(0), place[known].max(0)
        bottom = least if low is None else _each(low, len(least), "low")
        top = most if high is None else _each(high, len(least), "high")
        side = top - bottom
        if not (np.isfinite(side) & (side > 0)).all():
            raise BadInput(
                f"arena: expected a box with sides above 0, got it from {bottom.tolist()} to {top.tolist()}; "
                "leave out what never changes"
            )
        outside = ((place < bottom - EDGE * side) | (place > top + EDGE * side)).any(-1)
        if outside.any():
            raise BadInput(
                f"arena: expected places in the box from {bottom.tolist()} to {top.tolist()}, got "
                f"{int(outside.sum())} of {outside.size} outside, from {least.tolist()} to {most.tolist()}"
            )
        self.shape = _bins(bins, side)
        at = np.floor((np.where(known[..., None], place, bottom) - bottom) / side * self.shape).astype(int)
        at = np.clip(at, 0, np.array(self.shape) - 1)  # the far edge belongs to the last bin
        self.bin = np.where(known, np.ravel_multi_index(tuple(np.moveaxis(at, -1, 0)), self.shape), -1)

    def part(self, number: int, steps: slice) -> "Path":
        """A stretch of one sequence, in the bins of all."""
        one = copy.copy(self)
        one.bin = self.bin[number : number + 1, steps]
        return one

    @property
    def occupancy(self) -> Float[np.ndarray, "*bins"]:
        """The share of time in each bin, of sum 1."""
        steps = np.bincount(self.bin[self.bin >= 0], minlength=int(np.prod(self.shape))).reshape(self.shape)
        return steps / steps.sum()

    def maps(
        self, units: "Units", smooth: float = 0.0, source: Int[np.ndarray, "steps"] | None = None
    ) -> RateMaps:
        """Rates at this path.

        `source` names for each step, all sequences end to end, the one whose activity is put there instead.
        Activity and time are smoothed alike, by a Gaussian of `smooth` bins, before one is divided by the
        other: a flat rate stays flat, and no bin gets a rate that was never visited.
        """
        flat = self.bin.ravel()
        here = np.flatnonzero(flat >= 0)
        there = here if source is None else source[here]
        count, steps = int(np.prod(self.shape)), len(flat)
        put = sparse.csr_array((np.ones(len(here)), (flat[here], there)), shape=(count, steps))
        total = (put @ units.value).T.reshape(-1, *self.shape)
        if units.known is None:
            time = np.bincount(flat[here], minlength=count)[None].reshape(1, *self.shape).astype(float)
        else:
            time = (put @ units.known).T.reshape(-1, *self.shape)
        near = time
        if smooth:
            axes = tuple(range(1, total.ndim))
            total, near = (
                ndimage.gaussian_filter(one, smooth, mode="constant", axes=axes) for one in (total, time)
            )
        rate = np.full_like(total, np.nan)
        np.divide(total, near, out=rate, where=np.broadcast_to(time > 0, total.shape))
        used = np.broadcast_to(time.reshape(len(time), -1).sum(1), len(total))
        return RateMaps(rate, time, steps - used.astype(int))


class Units:
    """Activity of U units over steps, ready to be put on a path."""

    def __init__(self, activity: Float[Tensor, "batch time units"], path: Path):
        """Activity of the same batch and time as the path."""
        if activity.ndim != 3 or activity.shape[:2] != path.bin.shape:
            raise BadInput(
                "arena: expected activity (batch, time, units) of the batch and time of its places, "
                f"{path.bin.shape}, got {tuple(activity.shape)}"
            )
        if activity.is_complex():
            raise BadInput("arena: expected real activity, got complex numbers")
        rows = activity.detach().cpu().double().flatten(0, 1).numpy()
        if np.isinf(rows).any():
            raise BadInput("arena: expected finite activity, or NaN where it is missing, got infinity")
        missing = np.isnan(rows)
        self.value = np.where(missing, 0.0, rows)  # (B T, U)
        self.known = (~missing).astype(float) if missing.any() else None  # None where nothing is missing


def rate_maps(
    activity: Float[Tensor, "batch time units"],
    position: Float[Tensor, "batch time coordinates"],
    bins: int | Sequence[int] = 20,
    smooth: float = 0.0,
    low: float | Sequence[float] | None = None,
    high: float | Sequence[float] | None = None,
) -> RateMaps:
    """Mean activity at places; see `Path` for the box and its bins."""
    path = Path(position, bins, low, high)
    return path.maps(Units(activity, path), smooth)


def _each(value: float | Sequence[float], size: int, name: str) -> np.ndarray:
    """One number for each coordinate."""
    given = np.asarray(value, dtype=float)
    if given.ndim > 1 or (given.ndim == 1 and len(given) != size):
        raise BadInput(f"arena: expected `{name}` as one number or {size}, got {value}")
    return np.broadcast_to(given, size)


def _bins(bins: int | Sequence[int], side: np.ndarray) -> tuple[int, ...]:
    if isinstance(bins, int):
        counts = np.maximum(np.rint(bins * side / side.max()).astype(int), 1)
        shape = tuple(counts.tolist()) if bins > 0 else (bins,) * len(side)
    else:
        shape = tuple(int(one) for one in bins)
    if len(shape) != len(side) or min(shape, default=0) < 1:
        raise BadInput(f"arena: expected bins of at least 1 for each of {len(side)} coordinates, got {bins}")
    return shape
