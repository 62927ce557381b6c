"""Phase precession: do spikes come earlier in the cycle as a value grows, as on the way through a field?

O'Keefe and Recce 1993, Hippocampus 3:317; the fit is that of Kempter, Leibold, Buzsaki, Diba and Schmidt
2012, J Neurosci Methods 207:113. A phase is no number on a line, so the line phi = slope x + offset is the
one with the largest resultant of what it leaves:

    resultant    |mean exp(i (phi - slope x))|, of slopes from -`most` to `most` turns over the range of x
    correlation  of phi with slope x, about circular means: -1 to 1, and its sign is that of the slope

p is the rank of the resultant when phases are exchanged among spikes, with a search over slopes each time.
The error of the slope follows from the spread of the phases that are left, as in a regression. Spikes of one
burst are alike, and count as one in truth: give one of each, or p is too small.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Real
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.parts import nulls

card = Card(
    title="Quantifying circular-linear associations: Hippocampal phase precession",
    authors="Kempter, Richard and Leibold, Christian and Buzsáki, György and Diba, Kamran and "
    "Schmidt, Robert",
    year=2012,
    source="Journal of Neuroscience Methods 207(1):113, doi 10.1016/j.jneumeth.2012.03.007",
    family="rhythms",
    topic="Waves in recordings",
)

LEAST = 5  # spikes
FINE = 8  # slopes looked at, in each half turn over the range


class PhasePrecession(NamedTuple):
    """A line through phases of spikes."""

    slope: float  # rad per unit of the value; below 0 it precesses
    slope_error: float  # its standard error
    offset: float  # rad, at the value 0
    resultant: float  # 0 to 1
    correlation: float  # circular and linear, -1 to 1
    null: Float[np.ndarray, "draws"]  # resultant where phases are exchanged
    p: float  # rank of the resultant
    spikes: int  # whose phase and value are known


def phase_precession(
    phase: Real[Tensor, "spikes"] | Real[np.ndarray, "spikes"],
    value: Real[Tensor, "spikes"] | Real[np.ndarray, "spikes"],
    most: float = 2.0,
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> PhasePrecession:
    """Of the phase (spikes,) in rad and the value (spikes,) at each spike; those that are NaN are left out.

    `most` is the steepest slope in turns over the range of values.

    Raises BadInput for fewer than five spikes, values that are all the same, and arrays that do not fit.

    >>> from wavetrain.lenses import phase_precession
    >>> place = torch.rand(100)  # of the way through the field
    >>> found = phase_precession(2 - 4 * place + 0.5 * torch.randn(100), place)
    >>> round(found.slope), round(found.p, 3)
    (-4, 0.005)
    """
    what = "phase precession"
    given = [
        np.asarray(one.detach().cpu() if isinstance(one, Tensor) else one, dtype=float)
        for one in (phase, value)
    ]
    if given[0].ndim != 1 or given[0].shape != given[1].shape:
        raise BadInput(
            f"{what}: expected a phase and a value for each spike, got {given[0].shape} and {given[1].shape}"
        )
    if not (np.isfinite(most) and most > 0):
        raise BadInput(f"{what}: expected a steepest slope above 0 turns, got {most}")
    known = np.isfinite(given[0]) & np.isfinite(given[1])
    angle, x = given[0][known], given[1][known]
    if len(x) < LEAST:
        raise BadInput(f"{what}: expected {LEAST} spikes or more with a phase and a value, got {len(x)}")
    low, span = x.min(), np.ptp(x)
    if not span > 0:
        raise BadInput(f"{what}: expected values that differ, got {len(x)} times {low:g}")
    way = (x - low) / span
    turned = np.exp(1j * angle)
    slope, resultant = _fit(turned[None], way, most)
    dice = np.random.default_rng(seed)
    drawn = np.array([dice.permutation(turned) for _ in range(draws)]).reshape(draws, len(way))
    null = _fit(drawn, way, most)[1]
    left = turned * np.exp(-1j * slope[0] * way)
    start = float(np.angle(left.mean()))
    spread = np.sqrt(-2 * np.log(np.clip(resultant[0], 1e-12, 1)) / ((way - way.mean()) ** 2).sum())
    offset = start - slope[0] * low / span
    return PhasePrecession(
        slope=float(slope[0] / span),
        slope_error=float(spread / span),
        offset=float(np.angle(np.exp(1j * offset))),
        resultant=float(resultant[0]),
        correlation=_correlation(angle, slope[0] * way) * float(np.sign(slope[0])),
        null=null,
        p=float(nulls.rank(resultant, null[:, None])[0]),
        spikes=len(way),
    )


def _fit(turned: np.ndarray, way: np.ndarray, most: float) -> tuple[np.ndarray, np.ndarray]:
    """The slope over the range, and the resultant, of each row of phases (rows, spikes)."""
    slopes = np.linspace(-2 * np.pi * most, 2 * np.pi * most, 2 * int(np.ceil(2 * most * FINE)) + 1)
    size = np.abs(turned @ np.exp(-1j * way[:, None] * slopes)) / len(way)
    best = size.argmax(1)
    slope, resultant = slopes[best], size[np.arange(len(size)), best]
    spread = ((way - way.mean()) ** 2).sum()
    for _ in range(5):  # Gauss and Newton, as long as it climbs
        left = turned * np.exp(-1j * slope[:, None] * way)
        mean = left.mean(1, keepdims=True)
        power = np.maximum((np.abs(mean) ** 2).ravel(), 1e-12)
        step = ((left * mean.conj()).imag @ (way - way.mean())) / power / spread
        moved = np.clip(slope + step, slopes[0], slopes[-1])
        now = np.abs((turned * np.exp(-1j * moved[:, None] * way)).mean(1))
        slope, resultant = np.where(now > resultant, moved, slope), np.maximum(now, resultant)
    return slope, resultant


def _correlation(angle: np.ndarray, other: np.ndarray) -> float:
    """Of two angles about their circular means; 0 where one does not vary."""
    one, two = (np.sin(part - np.angle(np.exp(1j * part).mean())) for part in (angle, other))
    size = np.sqrt((one**2).sum() * (two**2).sum())
    return float(np.clip((one * two).sum() / size, -1, 1)) if size > 1e-12 else 0.0
