"""Orbits: does a network that is left alone come to rest, go round a cycle, or wander?

After Strogatz 1994 and, for networks that compute with the phase of a cycle, Pals, Macke and Barak 2024, PLoS
Computational Biology 20:e1011852. From each start the system runs for `warm` steps, which are dropped, and
`steps` more, to which a cycle is fitted: ten harmonics of one frequency, which need not be one over a whole
number of steps. A map of steps goes round a closed curve like this after a complex pair of eigenvalues has
left the unit circle.

    share       of the variance that the phase of the cycle explains; a cycle explains all of it
    closed      the system moves, and the share is 0.95 or more
    phase       2 pi frequency t, zero where the first harmonic of the first principal component is largest
    multiplier  what a small step off the trajectory becomes over one period, in size, the largest first:
                exp(period * Lyapunov exponent). Along a curve it is 1, and a cycle that attracts has no other
                as large
    p           rank of the power at the harmonics among surrogates: noise with no period that is as slow

Runs that are at rest have no period: NaN.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.dynamics import _comb
from wavetrain.lenses.dynamics._growth import along
from wavetrain.lenses.dynamics._map import Map, Scaled, System
from wavetrain.parts import nulls

card = Card(
    title="Trained recurrent neural networks develop phase-locked limit cycles in a working memory task",
    authors="Pals, Matthijs and Macke, Jakob H. and Barak, Omri",
    year=2024,
    source="PLoS Computational Biology 20, doi 10.1371/journal.pcbi.1011852",
    family="dynamics",
    topic="Looking inside",
)

REST = 1e-6  # of the size of the states and of the starts: what moves less is at rest
CLOSED = 0.95
POINTS = 100  # of the drawn cycle
LEAST = 20  # steps, to tell a period


class Orbits(NamedTuple):
    """One row for each start."""

    frequency: Float[np.ndarray, "starts"]  # cycles per unit of time; NaN at rest
    error: Float[np.ndarray, "starts"]  # of it: half the difference between the two halves of the run
    period: Float[np.ndarray, "starts"]  # units of time
    share: Float[np.ndarray, "starts"]
    closed: Bool[np.ndarray, "starts"]
    rest: Bool[np.ndarray, "starts"]
    size: Float[np.ndarray, "starts"]  # root mean square distance from the middle of the orbit
    phase: Float[np.ndarray, "starts steps"]  # radians from -pi to pi
    cycle: Float[np.ndarray, "starts points units"]  # the orbit at a hundred phases from -pi on
    multiplier: Float[np.ndarray, "starts directions"]
    states: Float[np.ndarray, "starts steps units"]
    null: Float[np.ndarray, "starts surrogates"]  # power at the harmonics of surrogates
    p: Float[np.ndarray, "starts"]


def orbits(
    system: System,
    start: Float[Tensor, "starts units"] | Float[np.ndarray, "starts units"],
    x: Float[Tensor, "inputs"] | Float[np.ndarray, "inputs"] | None = None,
    steps: int = 400,
    warm: int = 400,
    directions: int = 2,
    rate: float = 1.0,
    surrogates: int = nulls.DRAWS,
    seed: int = 0,
) -> Orbits:
    """Where a system goes from states `start` (S, units) when its input stays as it is.

    The system is a layer or network with a state, at a constant input x (inputs,), by default 0; or a
    function of states (rows, units), with x as its second argument where one is given. Periods of up to a
    quarter of the steps are found. `rate` is the number of steps in a unit of time.

    Raises BadInput for starts or inputs that do not fit, fewer than twenty steps, more directions than units,
    and a trajectory that is not finite.

    >>> from wavetrain.lenses import orbits
    >>> turn = torch.tensor([[0.8, 0.6], [-0.6, 0.8]]).double()  # by 0.6435 rad a step
    >>> found = orbits(lambda h: h @ turn * (1.1 - 0.1 * (h**2).sum(1, keepdim=True)), torch.ones(1, 2))
    >>> found.closed, (2 * torch.pi * found.frequency).round(4), found.size.round(4)
    (array([ True]), array([0.6435]), array([1.]))
    """
    if steps < LEAST or warm < 0 or not rate > 0:
        raise BadInput(
            f"orbits: expected {LEAST} steps or more, a warm-up of 0 or more and a rate above 0, "
            f"got {steps}, {warm} and {rate}"
        )
    inner = Map("orbits", system, x)
    rows = inner.rows(start)
    if not 1 <= directions <= rows.shape[1]:
        raise BadInput(f"orbits: expected 1 to {rows.shape[1]} directions, got {directions}")
    with torch.no_grad():
        growth, states, _ = along(Scaled(inner, rows), rows, None, warm + steps, directions)
    growth, states = np.sort(growth[:, warm:].mean(1))[:, ::-1], states[:, warm:]
    dice = np.random.default_rng(seed)
    found = [_orbit(one, REST * float(rows.abs().max()), surrogates, dice) for one in states]
    frequency, error, share, size, phase, cycle, null, p = (
        np.array(part) for part in zip(*found, strict=True)
    )
    with np.errstate(invalid="ignore", over="ignore"):
        multiplier = np.exp(growth / frequency[:, None])
    return Orbits(
        frequency=rate * frequency,
        error=rate * error,
        period=1 / (rate * frequency),
        share=share,
        closed=share >= CLOSED,
        rest=size == 0,
        size=size,
        phase=phase,
        cycle=cycle,
        multiplier=multiplier,
        states=states,
        null=null,
        p=p,
    )


class _Orbit(NamedTuple):
    frequency: float
    error: float
    share: float
    size: float
    phase: np.ndarray
    cycle: np.ndarray
    null: np.ndarray
    p: float


def _orbit(states: np.ndarray, still: float, surrogates: int, dice: np.random.Generator) -> _Orbit:
    """What one trajectory (steps, units) does; at rest it moves less than `still`."""
    steps, units = states.shape
    largest = np.abs(states).max() or 1.0
    size = largest * np.sqrt((((states - states.mean(0)) / largest) ** 2).sum(1).mean())
    none = np.full(surrogates, np.nan)
    lost = _Orbit(
        np.nan, np.nan, np.nan, size, np.full(steps, np.nan), np.full((POINTS, units), np.nan), none, np.nan
    )
    if size <= max(REST * largest, still):
        return lost._replace(size=0.0)
    seen = _comb.components(states / largest)
    rough = _comb.comb(seen)
    if np.isnan(rough.frequency):
        return lost
    null = np.array([_comb.comb(_noise(seen, dice)).share for _ in range(surrogates)])
    frequency = _comb.sharpened(seen, rough.frequency)
    halves = [_comb.sharpened(half, frequency) for half in (seen[: steps // 2], seen[steps // 2 :])]
    weights = _comb.fitted(states / largest, frequency)
    middle = states / largest - (states / largest).mean(0)
    left = states / largest - _comb.waves(steps, frequency) @ weights
    first = _comb.fitted(seen, frequency)[:, 0]
    ahead = np.arctan2(first[1 + _comb.HARMONICS], first[1])  # of the first cosine and sine
    angle = 2 * np.pi * frequency * np.arange(steps) - ahead
    at = (np.linspace(-np.pi, np.pi, POINTS, endpoint=False) + ahead) / (2 * np.pi * frequency)
    return _Orbit(
        frequency=frequency,
        error=abs(halves[1] - halves[0]) / 2,
        share=float(1 - (left**2).sum() / (middle**2).sum()),
        size=float(size),
        phase=np.angle(np.exp(1j * angle)),
        cycle=largest * (_comb.waves(at, frequency) @ weights),
        null=null,
        p=float(nulls.rank(np.array([rough.share]), null[:, None])[0]),
    )


def _noise(seen: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """Autoregressive noise (T, C), of each component's variance and correlation from step to step."""
    centred = seen - seen.mean(0)
    variance = (centred**2).mean(0)
    slow = np.clip((centred[1:] * centred[:-1]).mean(0) / np.maximum(variance, 1e-300), -0.999, 0.999)
    noise = dice.standard_normal(seen.shape) * np.sqrt(variance * (1 - slow**2))
    noise[0] = dice.standard_normal(seen.shape[1]) * np.sqrt(variance)
    for t in range(1, len(noise)):
        noise[t] += slow * noise[t - 1]
    return noise
