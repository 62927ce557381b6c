"""Whom each cell of a sheet reaches, and how long that takes.

Davis et al. 2021, Nature Communications 12:6057.

    topographic      offsets dx, dy ~ normal(0, sigma), to the nearest place on the lattice of the target;
                     nobody reaches itself, or anybody twice, or farther than length / sqrt(2)
    scattered        as many targets, those of excitatory cells anywhere on the sheet; inhibitory cells keep
                     theirs, as in the published control
    distance_delays  steps = round((synapse + distance / speed of the source) / dt)
    wired            both, so that topography and delays can each be taken away by themselves

Where all cells at the same place of the pattern draw the same offsets (`alike`), the wiring looks the same
from wherever one stands. A connection takes 4 bytes and 2; nothing of the size N x N is made.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts.sheet import Sheet

BLOCK = 1 << 20  # connections that are drawn at once
ROUNDS = 20  # of draws, after which targets are said to be too many for their cloud
EXCITATORY = 0.8  # of the targets of each cell


@dataclass(frozen=True, eq=False)
class Wiring:
    """Whom each cell of a sheet reaches, and in how many steps of `dt` ms.

    Raises BadInput for targets that are not on the sheet, and for a delay below one step.
    """

    sheet: Sheet
    targets: Int[Tensor, "cells each"] = field(repr=False)  # int32
    delays: Int[Tensor, "cells each"] = field(repr=False)  # int16, steps
    dt: float = 0.1  # ms

    def __post_init__(self) -> None:
        shape, many = tuple(self.targets.shape), self.sheet.cells
        fits = len(shape) == 2 and shape[0] == many and shape == tuple(self.delays.shape)
        if not fits or (self.targets.dtype, self.delays.dtype) != (torch.int32, torch.int16):
            raise BadInput(
                f"Wiring: expected targets ({many}, each) in int32 and as many delays in int16, got "
                f"{shape} in {self.targets.dtype} and {tuple(self.delays.shape)} in {self.delays.dtype}"
            )
        if not self.targets.numel():
            return
        low, high = int(self.targets.min()), int(self.targets.max())
        if low < 0 or high >= many:
            raise BadInput(f"Wiring: expected targets from 0 to {many - 1}, got {low} to {high}")
        if int(self.delays.min()) < 1:
            raise BadInput(f"Wiring: expected delays of at least one step, got {int(self.delays.min())}")

    @property
    def longest(self) -> int:
        """The longest delay, in steps."""
        return int(self.delays.max()) if self.delays.numel() else 1


def wired(
    sheet: Sheet,
    *,
    each: int,
    sigma: float = 0.4,
    speed: float | Float[np.ndarray, "cells"] = 0.2,
    local: bool = True,
    alike: bool = False,
    synapse: float = 0.3,
    dt: float = 0.1,
    seed: int = 0,
) -> Wiring:
    """A sheet whose cells reach `each` others, `local`ly or, of excitatory ones, anywhere.

    sigma is in mm, `speed` in m/s and infinite where distance takes no time, `synapse` and dt in ms. So
    topography and delays can each be taken away by themselves.

    >>> from wavetrain.parts.sheet import Sheet
    >>> from wavetrain.parts.wiring import wired
    >>> wiring = wired(Sheet(500, length=4.0), each=20, speed=0.2)
    >>> wiring.targets.shape, int(wiring.delays.min()) >= 3, wiring.longest <= 145  # 0.3 ms, and 2.83 mm
    (torch.Size([500, 20]), True, True)
    """
    targets = topographic(sheet, each=each, sigma=sigma, alike=alike, seed=seed)
    if not local:
        targets = scattered(sheet, targets, seed=seed + 1)
    delays = distance_delays(sheet, targets, speed=speed, synapse=synapse, dt=dt)
    return Wiring(sheet, torch.from_numpy(targets), torch.from_numpy(delays), dt)


def topographic(
    sheet: Sheet, *, each: int, sigma: float, alike: bool = False, seed: int = 0
) -> Int[np.ndarray, "cells each"]:
    """Targets in a Gaussian cloud around each cell, the excitatory ones first.

    Raises BadInput where there are not so many places, or the cloud is too narrow for so many.
    """
    if not (each >= 1 and 0 < sigma < math.inf):
        raise BadInput(f"topographic: expected a target and a sigma above 0 mm, got {each} and {sigma!r}")
    dice, place, cells = np.random.default_rng(seed), sheet.places(), np.arange(sheet.cells)
    # the four places of the pattern that repeats, and the inhibitory cell in it
    kind = np.where(cells < sheet.excitatory, place[:, 1] % 2 * 2 + place[:, 0] % 2, 4)
    types = np.array([0, 1, sheet.side, sheet.side + 1, sheet.excitatory])
    targets = np.empty((sheet.cells, each), np.int32)
    for lattice in _lattices(sheet, each):
        want = lattice.columns.stop - lattice.columns.start
        few = _near(dice, sheet, types, lattice, sigma) if alike else None
        for some in _blocks(sheet.cells, want):
            near = _near(dice, sheet, cells[some], lattice, sigma) if few is None else few[kind[some]]
            begin = place[some] // 2 * 2 // lattice.step  # where the pattern of each source does
            x, y = near % lattice.side + begin[:, :1], near // lattice.side + begin[:, 1:]
            site = y % lattice.side * lattice.side + x % lattice.side
            targets[some, lattice.columns] = lattice.start + site
    return targets


def scattered(
    sheet: Sheet, targets: Int[np.ndarray, "cells each"], seed: int = 0
) -> Int[np.ndarray, "cells each"]:
    """The targets with those of excitatory cells drawn anew, anywhere; those of inhibitory cells as they are.

    Each cell reaches as many excitatory and inhibitory ones as before.
    """
    dice, drawn = np.random.default_rng(seed), targets.copy()
    for lattice in _lattices(sheet, targets.shape[1]):
        want, places = lattice.columns.stop - lattice.columns.start, lattice.side**2
        for some in _blocks(sheet.excitatory, want):
            rows = np.arange(sheet.excitatory)[some]

            def draw(
                at: np.ndarray, many: int, rows: np.ndarray = rows, lattice: _Lattice = lattice
            ) -> np.ndarray:
                found = lattice.start + dice.integers(lattice.side**2, size=(len(at), many), dtype=np.int32)
                return np.where(found == rows[at, None], -1, found)

            drawn[rows, lattice.columns] = _different(draw, rows=len(rows), want=want, places=places)
    return drawn


def distance_delays(
    sheet: Sheet,
    targets: Int[np.ndarray, "cells each"],
    *,
    speed: float | Float[np.ndarray, "cells"],
    synapse: float = 0.3,
    dt: float = 0.1,
) -> Int[np.ndarray, "cells each"]:
    """The delay of each connection in steps of `dt` ms, rounded; speed (of all, or of each source) in m/s.

    Raises BadInput for speeds that are not above 0, and for delays below one step or above 32,767.
    """
    speeds = np.broadcast_to(np.asarray(speed, float), sheet.cells)
    if not (speeds > 0).all() or not (0 <= synapse < math.inf and 0 < dt < math.inf):
        raise BadInput(
            f"distance delays: expected speeds and dt above 0, and a synapse from 0 ms on, got {speed!r}, "
            f"{dt!r} and {synapse!r}"
        )
    steps, place = np.empty(targets.shape, np.int16), sheet.places()
    for some in _blocks(*targets.shape):
        apart = np.abs(place[targets[some]] - place[some, None])
        apart = np.minimum(apart, sheet.side - apart)
        far = sheet.spacing * np.sqrt((apart.astype(float) ** 2).sum(-1))  # mm, and mm / (m/s) is ms
        late = np.rint((synapse + far / speeds[some, None]) / dt)
        if late.size and not (late.min() >= 1 and late.max() <= np.iinfo(np.int16).max):
            raise BadInput(
                f"distance delays: expected 1 to {np.iinfo(np.int16).max} steps of {dt:g} ms, got "
                f"{late.min():g} to {late.max():g}"
            )
        steps[some] = late
    return steps


class _Lattice(NamedTuple):
    """One of the two, and the columns of targets on it."""

    side: int  # cells on it
    step: int  # spacings of the excitatory lattice
    start: int  # its first cell
    columns: slice


def _lattices(sheet: Sheet, each: int) -> tuple[_Lattice, _Lattice]:
    most = round(EXCITATORY * each)
    return (
        _Lattice(sheet.side, 1, 0, slice(0, most)),
        _Lattice(sheet.side // 2, 2, sheet.excitatory, slice(most, each)),
    )


def _blocks(rows: int, each: int) -> Iterator[slice]:
    """Rows, so many at once that their connections fit into a block."""
    many = max(1, BLOCK // max(each, 1))
    return (slice(first, min(first + many, rows)) for first in range(0, rows, many))


def _near(
    dice: np.random.Generator, sheet: Sheet, sources: np.ndarray, lattice: _Lattice, sigma: float
) -> Int[np.ndarray, "sources want"]:
    """Sites of a lattice in the cloud of each source, counted from where the source's pattern begins."""
    corner, side, reach = sheet.places()[sources] % 2, lattice.side, sheet.length / math.sqrt(2)
    own = (sources >= sheet.excitatory) == (lattice.start > 0)

    def draw(at: np.ndarray, many: int) -> np.ndarray:
        way = sigma * dice.standard_normal((2, len(at), many))  # mm
        site = (
            np.rint((corner[at].T[:, :, None] + way / sheet.spacing) / lattice.step).astype(np.int32) % side
        )
        home = own[at, None] & (site == corner[at].T[:, :, None]).all(0)  # inhibitory ones have corner 0
        return np.where(home | (np.hypot(*way) > reach), -1, site[1] * side + site[0])

    want = lattice.columns.stop - lattice.columns.start
    return _different(draw, rows=len(sources), want=want, places=side * side)


def _different(
    draw: Callable[[np.ndarray, int], np.ndarray], *, rows: int, want: int, places: int
) -> Int[np.ndarray, "rows want"]:
    """The first `want` different ones that `draw(rows, many)` gives for each row; -1 counts for nothing."""
    if want >= places:
        raise BadInput(f"expected fewer targets than the {places} cells of their kind, got {want}")
    found = np.empty((rows, want), np.int32)
    left = np.arange(rows)
    seen = draw(left, want + want // 2 + 8)
    for _ in range(ROUNDS):
        first = _firsts(seen)
        enough = first.sum(1) >= want
        kept = first[enough] & (np.cumsum(first[enough], 1) <= want)
        found[left[enough]] = seen[enough][kept].reshape(enough.sum(), want)
        left, seen = left[~enough], seen[~enough]
        if not len(left):
            return found
        seen = np.concatenate([np.where(first[~enough], seen, -1), draw(left, want + 8)], 1)
    raise BadInput(f"expected a wider cloud or fewer targets: {want} different ones are hardly ever drawn")


def _firsts(drawn: Int[np.ndarray, "rows many"]) -> np.ndarray:
    """Where a number of a row comes for the first time, and is not below 0."""
    rows, many = drawn.shape
    # numbers and their places in one: to sort these is much faster than to ask for an order
    keys = np.sort(drawn.astype(np.int64) * many + np.arange(many), axis=1)
    number, place = np.divmod(keys, many)
    new = number >= 0
    new[:, 1:] &= number[:, 1:] != number[:, :-1]
    first = np.zeros((rows, many), bool)
    np.put_along_axis(first, place, new, 1)
    return first
