"""Grid score: is a unit active on a hexagonal lattice of places, on a square one, or in bands?

Hafting et al. 2005, Nature 436:801; score of Sargolini et al. 2006, Science 312:758, in the form
min(r60, r120) - max(r30, r90, r150).

    autocorrelogram  Pearson correlation of a unit's rate map with itself at each shift, over visited bins
    r                correlation of a ring of the autocorrelogram with itself turned by an angle; the ring
                     goes from where the correlation, averaged round the centre, first is below 0, to 3.5
                     times that, or to the largest circle that the autocorrelogram holds
    square           r90 - max(r45, r135)
    band             the share of the map's power in its strongest plane wave: 1 for bands, 1/3 for a hexagon

Smooth maps without any lattice have high scores by chance, the more so in small arenas. The null is made of
the same units and paths: activity is shifted in time against the path, round the end of each sequence, by
amounts drawn anew for each sequence and each of `shifts`, `away` steps at least (by default a tenth of a
sequence) and as much less than the sequence at most. p is the rank of the score among them, (k + 1) over
(shifts + 1) where k of them are as large.
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
    title="Conjunctive representation of position, direction, and velocity in entorhinal cortex",
    authors="Sargolini, Francesca and Fyhn, Marianne and Hafting, Torkel and McNaughton, Bruce L. and "
    "Witter, Menno P. and Moser, May-Britt and Moser, Edvard I.",
    year=2006,
    source="Science 312:758, doi 10.1126/science.1125572",
    family="space",
    topic="Cognitive maps",
)

SHARED = 20  # bins that a map and its shifted copy must share
OUTER = 3.5  # outer over inner radius of the ring
ANGLES = (30, 45, 60, 90, 120, 135, 150)
PIECE = 256  # maps that are turned at a time, for memory


class GridScore(NamedTuple):
    """Scores of U units; NaN for a unit whose rate does not vary."""

    # mean activity, first axis of the place down, NaN where never visited
    rate: Float[np.ndarray, "units height width"]
    autocorrelogram: Float[np.ndarray, "units _ _"]  # shift 0 in the middle, NaN where too few bins
    grid: Float[np.ndarray, "units"]  # from -2 to 2
    square: Float[np.ndarray, "units"]  # from -2 to 2
    band: Float[np.ndarray, "units"]  # from 0 to 1
    null_grid: Float[np.ndarray, "shifts units"]  # grid scores of activity shifted in time
    null_band: Float[np.ndarray, "shifts units"]
    p_grid: Float[np.ndarray, "units"]  # rank of the grid score in its null
    p_band: Float[np.ndarray, "units"]
    dropped: Int[np.ndarray, "units"]  # steps left out, as the place or the activity is NaN


def grid_score(
    activity: Float[Tensor, "batch time units"],
    position: Float[Tensor, "batch time coordinates"],
    bins: int | Sequence[int] = 20,
    smooth: float = 1.0,
    shifts: int = nulls.DRAWS,
    away: int | None = None,
    low: float | Sequence[float] | None = None,
    high: float | Sequence[float] | None = None,
    seed: int = 0,
) -> GridScore:
    """Scores of activity (B, T, U) at places (B, T, 2) in the box from `low` to `high`.

    `bins` is the number along the longest side of the box, or one for each; without `low` and `high` the box
    is the smallest that holds all places.

    Raises BadInput where activity and places do not fit, or there is one step alone.

    >>> from wavetrain.lenses import grid_score
    >>> place = torch.cartesian_prod(torch.linspace(0, 1, 30), torch.linspace(0, 1, 30))
    >>> angle = torch.tensor([0.0, 60.0, 120.0]).deg2rad()
    >>> wave = torch.cos(8 * torch.pi * place @ torch.stack([angle.cos(), angle.sin()]))
    >>> activity = torch.stack([wave.sum(-1), wave[:, 0]], -1)  # a hexagon, and a band
    >>> found = grid_score(activity[None], place[None], shifts=20)
    >>> found.grid.round(1).tolist(), found.band.round(1).tolist()
    ([1.4, 0.2], [0.3, 1.0])
    """
    if activity.ndim != 3 or position.shape != (*activity.shape[:2], 2) or activity.shape[1] < 2:
        raise BadInput(
            "grid score: expected activity (batch, time, units) and position (batch, time, 2) of two steps "
            f"or more, got {tuple(activity.shape)} and {tuple(position.shape)}"
        )
    path = Path(position, bins, low, high)
    units = Units(activity, path)
    seen = path.maps(units, smooth)
    auto = autocorrelogram(seen.rate)
    grid, square = symmetry(auto, *ring(auto))
    strength = band(seen.rate)
    null_grid, null_band = [], []
    batch, time = path.bin.shape
    for source in nulls.shifts(batch, time, shifts, away, seed):
        shifted = path.maps(units, smooth, source).rate
        turned = autocorrelogram(shifted)
        null_grid.append(symmetry(turned, *ring(turned))[0])
        null_band.append(band(shifted))
    by_grid, by_band = np.array([null_grid, null_band]).reshape(2, -1, len(grid))
    return GridScore(
        rate=seen.rate,
        autocorrelogram=auto,
        grid=grid,
        square=square,
        band=strength,
        null_grid=by_grid,
        null_band=by_band,
        p_grid=nulls.rank(grid, by_grid),
        p_band=nulls.rank(strength, by_band),
        dropped=seen.dropped,
    )


def autocorrelogram(
    maps: Float[np.ndarray, "units height width"], shared: int = SHARED
) -> Float[np.ndarray, "units _ _"]:
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


def ring(
    auto: Float[np.ndarray, "units rows columns"],
) -> tuple[Float[np.ndarray, "units"], Float[np.ndarray, "units"]]:
    """The radii (U,) in bins between which autocorrelograms (U, N, M) are turned: outside their central peak.

    The outer one is at most that of the largest circle inside: beyond it, corners alone would be compared.
    """
    radius = np.rint(_radius(auto.shape[1:])[0]).astype(int).ravel()
    flat = np.nan_to_num(auto.reshape(len(auto), -1))
    total = flat @ (radius[:, None] == np.arange(radius.max() + 1))  # (U, radii); its sign is the mean's
    largest = min(auto.shape[1:]) // 2
    below = total < 0
    inner = np.where(below.any(1), below.argmax(1), min(auto.shape[1:]) / 8)
    return inner, np.minimum(OUTER * inner, largest)


def symmetry(
    auto: np.ndarray, inner: np.ndarray | float, outer: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Grid and square score of autocorrelograms (U, N, M), on the rings between two radii in bins.

    NaN where a turn leaves too little of the ring.
    """
    radius, *_ = _radius(auto.shape[1:])
    corners, shares = _turns(auto.shape[1:])
    flat = auto.reshape(len(auto), -1)
    inside = np.broadcast_to(inner, len(auto))[:, None], np.broadcast_to(outer, len(auto))[:, None]
    on = (radius.ravel() >= inside[0]) & (radius.ravel() <= inside[1])  # (U, N M)
    r = np.empty((len(ANGLES), len(auto)))
    for start in range(0, len(auto), PIECE):
        piece = slice(start, start + PIECE)
        padded = np.pad(flat[piece], ((0, 0), (0, 1)), constant_values=np.nan)  # the last is outside
        for number in range(len(ANGLES)):
            parts = np.where(shares[number] > 0, padded[:, corners[number]] * shares[number], 0.0)
            r[number, piece] = _correlation(flat[piece], parts.sum(-1), on[piece])
    turned = dict(zip(ANGLES, r, strict=True))
    grid = np.minimum(turned[60], turned[120]) - np.maximum(turned[30], np.maximum(turned[90], turned[150]))
    return grid, turned[90] - np.maximum(turned[45], turned[135])


def band(maps: Float[np.ndarray, "units height width"]) -> Float[np.ndarray, "units"]:
    """The share of power in the strongest plane wave of each map (U, H, W), the mean left out."""
    x = _centred(maps)
    x /= np.maximum(np.abs(x).max((1, 2), keepdims=True), np.finfo(float).tiny)
    power = np.abs(np.fft.fft2(x)) ** 2
    both = power + np.roll(power[:, ::-1, ::-1], (1, 1), (1, 2))  # a wave has power at k and at -k
    row, column = np.arange(maps.shape[1])[:, None], np.arange(maps.shape[2])
    alone = (2 * row % maps.shape[1] == 0) & (2 * column % maps.shape[2] == 0)  # k is -k
    strongest, total = np.where(alone, power, both).max((1, 2)), power.sum((1, 2))
    return np.divide(strongest, total, out=np.full_like(total, np.nan), where=total > 0)


def _centred(maps: np.ndarray) -> np.ndarray:
    """Maps (U, H, W) less the mean of their bins, and 0 where there is none; a flat map is 0 everywhere.

    At a size where no square is lost: over the power of two below their largest rate.
    """
    there = np.isfinite(maps)
    flat = np.where(there, maps, 0.0)
    flat = flat / np.ldexp(1.0, np.frexp(np.abs(flat).max((1, 2), keepdims=True))[1] - 1)
    centred = np.where(
        there, flat - (flat.sum((1, 2)) / np.maximum(there.sum((1, 2)), 1))[:, None, None], 0.0
    )
    rounding = 1e-12 * np.abs(flat).max((1, 2), keepdims=True)
    return np.where(np.abs(centred).max((1, 2), keepdims=True) > rounding, centred, 0.0)


def _radius(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance from the middle of an autocorrelogram, and rows and columns from it."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    y, x = y - shape[0] // 2, x - shape[1] // 2
    return np.hypot(y, x), y, x


def _turns(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """For each angle, the four bins (7, N M, 4) between which a turned bin falls, and the share of each.

    A bin outside has the number N M.
    """
    _, y, x = (one.ravel() for one in _radius(shape))
    corners, shares = [], []
    for angle in ANGLES:
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        row, column = (
            np.round(one, 9) for one in (c * y - s * x + shape[0] // 2, s * y + c * x + shape[1] // 2)
        )
        up, left = np.floor(row).astype(int), np.floor(column).astype(int)
        down, right = row - up, column - left
        at = [(up + dy, left + dx) for dy in (0, 1) for dx in (0, 1)]
        inside = [(i >= 0) & (i < shape[0]) & (j >= 0) & (j < shape[1]) for i, j in at]
        numbers = [np.where(here, i * shape[1] + j, y.size) for here, (i, j) in zip(inside, at, strict=True)]
        corners.append(np.stack(numbers, -1))
        weight = [a * b for a in (1 - down, down) for b in (1 - right, right)]
        shares.append(np.stack(weight, -1))
    return np.array(corners), np.array(shares)


def _correlation(a: np.ndarray, b: np.ndarray, on: np.ndarray) -> np.ndarray:
    """Pearson correlation of rows, over what is on and defined in both; NaN where too little, or flat."""
    both = on & np.isfinite(a) & np.isfinite(b)
    count = both.sum(1)
    a, b = (np.where(both, one, 0.0) for one in (a, b))
    a, b = (np.where(both, one - (one.sum(1) / np.maximum(count, 1))[:, None], 0.0) for one in (a, b))
    size = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    enough = (count >= 3) & (size > 1e-12)
    return np.divide((a * b).sum(1), size, out=np.full(len(a), np.nan), where=enough)
