"""Fixed points and slow points: where a network stands still, and what it does around them.

Sussillo and Barak 2013, Neural Computation 25:626; Golub and Sussillo 2018, Journal of Open Source Software
3:1003. For a constant input x the speed |F(h, x) - h| is made least from many states at once: by Adam, and
then in float64 by Levenberg and Marquardt with Newton's method, which also ends in saddles. The speed is that
of the point which is returned. Points whose units differ by less than 1/1000 of the states' size, in the root
mean square, are one; those ten times further out than the starts are dropped.

    fixed      speed at most `tolerance` times the size of the states; else the point is slow: the speed is
               least there, and not zero
    stable     all eigenvalues of J = dF/dh are below 1 in modulus
    time       -1 / (rate ln |lambda|), what a mode takes to shrink to 1/e; negative where it grows
    frequency  angle of lambda over 2 pi, times the rate
    p          the share of the starts that move as slowly as the point: a slow point of no distinction has
               a large one

A fixed point depends on the input. A layer that counts its steps stands at step 0.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float, Int
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.dynamics import _roots
from wavetrain.lenses.dynamics._map import Map, Scaled, System
from wavetrain.parts import nulls

card = Card(
    title="Opening the Black Box: Low-Dimensional Dynamics in High-Dimensional Recurrent Neural Networks",
    authors="Sussillo, David and Barak, Omri",
    year=2013,
    source="Neural Computation 25, doi 10.1162/NECO_a_00409",
    family="dynamics",
    topic="Looking inside",
)

SAME = 1e-3  # of the states' size: points nearer than that are one
NEAR = 1e-2  # of it: rows of the descent that are followed together
FAR = 10.0  # times the mean distance of the starts from their middle
STEEP = 0.02  # at a point of least speed, less than this share of it is lost over the size of a state


class FixedPoints(NamedTuple):
    """Points, the slowest first; `time` and `frequency` are of the eigenvalues, in the unit of the rate."""

    point: Float[np.ndarray, "points units"]
    speed: Float[np.ndarray, "points"]  # norm of F(h) - h, a step
    fixed: Bool[np.ndarray, "points"]  # else slow
    error: Float[
        np.ndarray, "points"
    ]  # how far the fixed point may be from here; infinite where there is none
    eigenvalues: Complex[np.ndarray, "points units"]  # of dF/dh, the largest modulus first
    unstable: Int[np.ndarray, "points"]  # how many are above 1 in modulus
    stable: Bool[np.ndarray, "points"]  # none is
    time: Float[np.ndarray, "points units"]  # infinite where a mode neither grows nor shrinks
    frequency: Float[np.ndarray, "points units"]  # cycles
    starts: Int[np.ndarray, "points"]  # how many starts end here
    lost: int  # starts that end at no point, or too far out
    null: Float[np.ndarray, "starts"]  # speed at the starts
    p: Float[np.ndarray, "points"]  # rank of the slowness among them, (k + 1) / (starts + 1)


def fixed_points(
    system: System,
    start: Float[Tensor, "starts units"] | Float[np.ndarray, "starts units"],
    x: Float[Tensor, "inputs"] | Float[np.ndarray, "inputs"] | None = None,
    tolerance: float = 1e-9,
    descent: int = 60,
    rate: float = 1.0,
) -> FixedPoints:
    """The fixed and slow points of a system that are found from states `start` (S, units).

    The system is a layer or network with a state, at a constant input x (inputs,), by default 0; or a
    function of states (rows, units) to the next, with x as its second argument where one is given. Start
    from states that the system visits, with noise, or saddles are missed. `descent` is the number of
    steps of Adam, and `rate` the number of steps in a unit of time.

    Raises BadInput for starts that do not fit the system or are not finite, for a map that is not finite at
    any start, and for a tolerance or rate that is not above 0.

    >>> from wavetrain.lenses import fixed_points
    >>> found = fixed_points(lambda h: torch.tanh(2 * h), torch.linspace(-1, 1, 20)[:, None])
    >>> sorted(zip(found.point[:, 0].round(4).tolist(), found.stable.tolist()))
    [(-0.9575, True), (0.0, False), (0.9575, True)]
    """
    if not tolerance > 0 or not rate > 0 or descent < 0:
        raise BadInput(
            "fixed_points: expected a tolerance and a rate above 0 and a descent of 0 steps or more, "
            f"got {tolerance}, {rate} and {descent}"
        )
    inner = Map("fixed_points", system, x)
    given = inner.rows(start)
    map = Scaled(inner, given)
    rows = given / map.size
    with torch.no_grad():
        null = (map(rows) - rows).norm(dim=1)
        if not null.isfinite().any():
            raise BadInput("fixed_points: expected a map that is finite at the starts; it is finite at none")
        size = max(float(rows.square().mean().sqrt()), 1e-3)
        ends = _roots.descend(map, rows, descent, rate=0.05 * size)
        ends = _roots.hasten(map, ends[_roots.finite(ends)])
        there = _roots.finite(ends) & _roots.finite(map(ends))
        ends = ends[there]
        speed = (map(ends) - ends).norm(dim=1)
        heads, owner = _roots.apart(ends, speed, NEAR * size)
        found = _roots.refine(map, ends[heads])
        found, kept, same = _told(found, rows, tolerance, size)
    many = torch.bincount(owner, minlength=len(heads)).to(torch.float64)
    starts = np.zeros(len(kept), dtype=int)
    np.add.at(starts, same[same >= 0].numpy(), many[same >= 0].long().numpy())
    return _answer(found, kept, starts, null, map.size, tolerance * size, rate)


def _told(
    found: _roots.Refined, rows: Tensor, tolerance: float, size: float
) -> tuple[_roots.Refined, Tensor, Tensor]:
    """What is found, the numbers of those that are points, and to which point each belongs, or -1."""
    middle = rows.mean(0)
    reach = (rows - middle).norm(dim=1).mean()
    out = (found.rows - middle).norm(dim=1)
    inside = out <= FAR * max(float(reach), size)
    least = (found.speed <= tolerance * size) | (found.slope * size * rows.shape[1] ** 0.5 < STEEP)
    good = torch.nonzero(_roots.finite(found.rows) & inside & least)[:, 0]
    heads, owner = _roots.apart(found.rows[good], found.speed[good], SAME * size)
    same = torch.full((len(found.rows),), -1)
    same[good] = owner
    return found, good[heads], same


def _answer(
    found: _roots.Refined,
    kept: Tensor,
    starts: np.ndarray,
    null: Tensor,
    unit: float,
    still: float,
    rate: float,
) -> FixedPoints:
    values = np.linalg.eigvals(found.jacobian[kept].numpy()).astype(complex)
    values = np.take_along_axis(values, np.argsort(-np.abs(values), axis=-1, kind="stable"), -1)
    with np.errstate(divide="ignore"):
        time = -1 / (rate * np.log(np.abs(values)))
    speed = found.speed[kept]
    fixed = (speed <= still).numpy()
    unstable = (np.abs(values) > 1).sum(-1)
    drawn = null.nan_to_num(torch.inf, torch.inf).numpy()
    return FixedPoints(
        point=(found.rows[kept] * unit).numpy(),
        speed=(speed * unit).numpy(),
        fixed=fixed,
        error=np.where(fixed, (found.error[kept] * unit).numpy(), np.inf),
        eigenvalues=values,
        unstable=unstable,
        stable=unstable == 0,
        time=time,
        frequency=rate * np.angle(values) / (2 * np.pi),
        starts=starts,
        lost=int(len(null) - starts.sum()),
        null=drawn * unit,
        p=nulls.rank(-speed.numpy(), -np.repeat(drawn[:, None], len(speed), 1)),
    )
