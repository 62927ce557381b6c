"""Bifurcation: a fixed point along training, and where its leading eigenvalue leaves the unit circle.

As in DelMastro, Arora, Rietman and Siegelmann 2023, arXiv 2306.07125, for networks that learn to tell time;
Strogatz 1994 for the kinds. The point to which most starts lead at first is followed from one system to the
next by Newton's method; where it is lost, the one that is then nearest takes its place. Since other points
may come and go, all that the starts lead to are counted as well.

    crossing  where the largest modulus first goes from below 1 to 1 or above, by a straight line between two
              systems, in the unit of their order: 0 is the first
    angle     of the eigenvalue that crosses, radians a step: 0 where a point splits or vanishes, pi where a
              cycle of two steps appears, else a cycle of about 2 pi / angle steps
    p         the share of all places of an event in the order that are as near to the crossing as the one
              that is given; small where it is no chance that both come together
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.dynamics import _roots
from wavetrain.lenses.dynamics._map import Map, Scaled, System

card = Card(
    title="On the Dynamics of Learning Time-Aware Behavior with Recurrent Neural Networks",
    authors="DelMastro, Peter and Arora, Rushiv and Rietman, Edward and Siegelmann, Hava T.",
    year=2023,
    source="arXiv 2306.07125",
    family="dynamics",
    topic="Looking inside",
)

STILL = 1e-9  # of the size of the states: a point that moves less is fixed
SAME = 1e-3  # of it: points nearer than that are one


class Bifurcation(NamedTuple):
    """One row for each system; NaN where no fixed point was found."""

    point: Float[np.ndarray, "systems units"]  # the one that is followed
    eigenvalues: Complex[np.ndarray, "systems units"]  # of its Jacobian, the largest modulus first
    leading: Float[np.ndarray, "systems"]  # largest modulus
    points: Int[np.ndarray, "systems"]  # fixed points to which the starts lead
    stable: Int[np.ndarray, "systems"]  # those of them that are stable
    crossing: float  # NaN where there is none
    error: float  # of it: half the distance between two systems
    angle: float  # radians from 0 to pi
    period: float  # units of time of the cycle that appears; infinite at an angle of 0
    null: Float[np.ndarray, "systems"]  # distances from the crossing of all places
    p: float  # NaN without an event or a crossing


def bifurcation(
    systems: Sequence[System],
    start: Float[Tensor, "starts units"] | Float[np.ndarray, "starts units"],
    x: Float[Tensor, "inputs"] | Float[np.ndarray, "inputs"] | None = None,
    event: float | None = None,
    rate: float = 1.0,
) -> Bifurcation:
    """One fixed point of two systems or more, such as a network at each checkpoint of its training.

    Each is a layer or network with a state, at a constant input x (inputs,), by default 0; or a function of
    states (rows, units), with x as its second argument where one is given. Fixed points are looked for from
    `start` (S, units). `event` is the place of something else in the order, such as that at which a score
    rises, and `rate` the number of steps in a unit of time.

    Raises BadInput for fewer than two systems, starts that do not fit, and an event outside the order.

    >>> from wavetrain.lenses import bifurcation
    >>> systems = [lambda h, gain=gain: torch.tanh(gain * h) for gain in (0.6, 0.8, 1.0, 1.2, 1.4)]
    >>> found = bifurcation(systems, torch.tensor([[-0.5], [0.1], [0.5]]))
    >>> round(found.crossing, 3), found.angle, found.stable.tolist()
    (2.0, 0.0, [1, 1, 0, 2, 2])
    """
    if len(systems) < 2 or not rate > 0:
        raise BadInput(
            f"bifurcation: expected two systems or more and a rate above 0, got {len(systems)} and {rate}"
        )
    last = len(systems) - 1
    if event is not None and not 0 <= event <= last:
        raise BadInput(f"bifurcation: expected an event from 0 to {last}, got {event}")
    rows = []
    followed: Tensor | None = None
    for system in systems:
        inner = Map("bifurcation", system, x)
        given = inner.rows(start)
        with torch.no_grad():
            row = _followed(Scaled(inner, given), given, followed)
        followed = row.point if row.point.isfinite().all() else followed
        rows.append(row)
    values = np.stack([row.values for row in rows])
    leading = np.abs(values[:, 0])
    crossing, angle = _crossing(leading, values[:, 0])
    null = np.abs(np.arange(len(systems)) - crossing)
    p = float("nan")
    if event is not None and not np.isnan(crossing):
        p = float((1 + (null <= abs(event - crossing) + 1e-9).sum()) / (1 + len(null)))
    with np.errstate(divide="ignore"):
        period = float(np.divide(2 * np.pi, angle) / rate)
    return Bifurcation(
        point=np.stack([row.point.numpy() for row in rows]),
        eigenvalues=values,
        leading=leading,
        points=np.array([row.points for row in rows]),
        stable=np.array([row.stable for row in rows]),
        crossing=crossing,
        error=float("nan") if np.isnan(crossing) else 0.5,
        angle=angle,
        period=period,
        null=null,
        p=p,
    )


class _Row(NamedTuple):
    point: Tensor
    values: np.ndarray
    points: int
    stable: int


def _followed(map: Scaled, given: Tensor, before: Tensor | None) -> _Row:
    """The point of one system that goes on from the one before, and how many there are."""
    rows = given / map.size
    size = max(float(rows.square().mean().sqrt()), 1e-3)
    if before is not None:  # first of all, so that it stands for the points that are the same
        rows = torch.cat([before[None] / map.size, rows])
    found = _roots.refine(map, rows)
    fixed = (found.speed <= STILL * size) & _roots.finite(found.rows)
    if not fixed.any():
        none = given.new_full((given.shape[1],), torch.nan)
        return _Row(none, np.full(given.shape[1], np.nan + 0j), 0, 0)
    good = torch.nonzero(fixed)[:, 0]
    heads, owner = _roots.apart(found.rows[good], torch.arange(len(good)).double(), SAME * size)
    values = np.linalg.eigvals(found.jacobian[good[heads]].numpy()).astype(complex)
    values = np.take_along_axis(values, np.argsort(-np.abs(values), axis=-1, kind="stable"), -1)
    points = found.rows[good[heads]]
    if before is None:
        one = int(torch.bincount(owner).argmax())
    else:
        one = int((points - before / map.size).norm(dim=1).argmin())
    stable = int((np.abs(values[:, 0]) < 1).sum())
    return _Row(points[one] * map.size, values[one], len(heads), stable)


def _crossing(leading: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """Where the modulus first comes to 1 from below, and the angle of the eigenvalue after it."""
    over = np.flatnonzero((leading[:-1] < 1) & (leading[1:] >= 1))
    if not len(over):
        return float("nan"), float("nan")
    at = int(over[0])
    part = (1 - leading[at]) / (leading[at + 1] - leading[at])
    return float(at + part), float(abs(np.angle(value[at + 1])))
