"""Lyapunov exponents: how fast a network's neighbouring states run apart or together, in each direction.

Benettin et al. 1980, Meccanica 15:9; for recurrent networks Engelken, Wolf and Abbott 2020, arXiv 2006.02427.
An orthonormal frame Q is carried along the trajectory by the Jacobians J and made orthonormal again at each
step; after `warm` steps, in which the state and the frame both settle, the growth is taken:

    J_t Q_{t-1} = Q_t R_t        exponent_i = rate * mean over t of ln R_t[i, i]

    error      standard error over ten stretches of each trajectory: long ones count as independent
    p          of Student's test that the largest exponent is not above 0: small means chaos. A cycle has an
               exponent of 0, and of a network at rest all are below
    dimension  of Kaplan and Yorke: j + (sum of the first j) / |exponent_{j+1}|, j the last for which the sum
               is not below 0; NaN where more exponents would be needed to tell
    entropy    sum of those above 0, in nats per unit of time

The sum of all exponents is the mean of rate * ln |det J|. A map without any change in some direction has the
exponent minus infinity there.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.dynamics._growth import along
from wavetrain.lenses.dynamics._map import Map, Scaled, System, array

card = Card(
    title="Lyapunov spectra of chaotic recurrent neural networks",
    authors="Engelken, Rainer and Wolf, Fred and Abbott, L. F.",
    year=2020,
    source="arXiv 2006.02427",
    family="dynamics",
    topic="Looking inside",
)

STRETCHES = 10  # of a trajectory, for the standard error


class Lyapunov(NamedTuple):
    """Exponents in nats per unit of time, the largest first."""

    exponents: Float[np.ndarray, "count"]  # mean over the trajectories
    error: Float[np.ndarray, "count"]  # standard error
    each: Float[np.ndarray, "starts count"]  # of each trajectory
    stretches: Float[np.ndarray, "stretches count"]  # of each stretch of all trajectories
    p: float  # that the largest is not above 0
    dimension: float
    entropy: float
    last: Float[np.ndarray, "starts units"]  # states at the end


def lyapunov(
    system: System,
    start: Float[Tensor, "starts units"] | Float[np.ndarray, "starts units"],
    x: Float[Tensor, "time inputs"] | Float[np.ndarray, "time inputs"] | None = None,
    steps: int = 1000,
    warm: int = 200,
    count: int | None = None,
    rate: float = 1.0,
) -> Lyapunov:
    """The largest `count` exponents, by default all, of trajectories from states `start` (S, units).

    The system is a layer or network with a state, or a function of float64 states (rows, units), with x as
    its second argument where one is given. Inputs x (T, inputs) drive it for warm + steps steps, T or fewer;
    without them a layer gets 0. `rate` is the number of steps in a unit of time.

    Raises BadInput for starts or inputs that do not fit, too few steps, and a trajectory that is not finite.

    >>> from wavetrain.lenses import lyapunov
    >>> found = lyapunov(lambda h: h * torch.tensor([0.5, 0.9]), torch.ones(1, 2))
    >>> found.exponents.round(3)  # ln 0.9 and ln 0.5
    array([-0.105, -0.693])
    """
    if steps < STRETCHES or warm < 0 or not rate > 0:
        raise BadInput(
            f"lyapunov: expected {STRETCHES} steps or more, a warm-up of 0 or more and a rate above 0, "
            f"got {steps}, {warm} and {rate}"
        )
    drive = None if x is None else array("lyapunov", "x", x)
    if drive is not None and (drive.ndim != 2 or len(drive) < warm + steps):
        raise BadInput(
            f"lyapunov: expected inputs x ({warm + steps} or more, inputs), for {warm} steps of warm-up and "
            f"{steps} more, got {tuple(drive.shape)}"
        )
    inner = Map("lyapunov", system, None if drive is None else drive[0])
    rows = inner.rows(start)
    count = rows.shape[1] if count is None else count
    if not 1 <= count <= rows.shape[1]:
        raise BadInput(f"lyapunov: expected a count from 1 to {rows.shape[1]}, got {count}")
    with torch.no_grad():
        growth, _, last = along(Scaled(inner, rows), rows, drive, warm + steps, count)
    growth = rate * growth[:, warm:]
    each, stretches = (
        growth.mean(1),
        np.array([part.mean(1) for part in np.array_split(growth, STRETCHES, 1)]),
    )
    order = np.argsort(-each.mean(0), kind="stable")
    stretches = stretches.reshape(-1, count)[:, order]
    exponents = each.mean(0)[order]
    with np.errstate(invalid="ignore"):
        error = stretches.std(0, ddof=1) / np.sqrt(len(stretches))
    return Lyapunov(
        exponents=exponents,
        error=error,
        each=each[:, order],
        stretches=stretches,
        p=_above(exponents[0], error[0], len(stretches)),
        dimension=_dimension(exponents, count == rows.shape[1]),
        entropy=float(exponents[exponents > 0].sum()),
        last=last.numpy(),
    )


def _above(mean: float, error: float, many: int) -> float:
    """p of a mean of `many` stretches being 0 or less; of exactly 0 without spread it is a half."""
    if not np.isfinite(mean) or not error > 0:
        return float(0.5 - 0.5 * np.sign(mean))
    return float(stats.t.sf(mean / error, many - 1))


def _dimension(exponents: np.ndarray, whole: bool) -> float:
    total = np.cumsum(exponents)
    last = int((total >= 0).sum())  # the sums rise and then fall
    if last == 0:
        return 0.0
    if last == len(exponents):
        return float(last) if whole else float("nan")
    return float(last + total[last - 1] / abs(exponents[last]))
