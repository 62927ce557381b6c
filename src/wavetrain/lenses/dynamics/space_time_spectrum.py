"""Space-time spectrum: does activity travel? The 2D Fourier transform of activity over time and space.

Activity that moves by v positions a step puts its power on the line where the temporal frequency is -v times
the spatial frequency, and activity that stays puts it in the column of frequency 0. Units whose rate differs
have power at zero temporal or spatial frequency whatever they do, so the mean over time of each unit and the
mean over units of each time are taken out first; what is left below rounding is no power.

    fraction   the share of the remaining power that lies on the line, within `slack` bins of time
    standing   the share on the line's mirror image, of waves the other way: two equal ridges stand
    expected   the share on the line of a field that is as fast and as coarse, but whose time and space have
               nothing to do with each other: its power is the product of those over time and over space
    excess     fraction over expected; 1 means no wave: slow or smooth noise, or a pattern that only grows
    p          rank of the fraction, less what is expected, among surrogates: Gaussian fields of that power

Without a speed, the speeds that can be told apart are scanned in both directions, and the one whose line
has most beyond what is expected is taken; surrogates are scanned alike. Lines of different speeds meet
(aliasing): the slowest is meant.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy import sparse
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.parts import nulls

card = Card(
    title="Wavetrain: sequence learning in brains and machines",
    authors="The Wavetrain authors",
    year=2026,
    source="Wavetrain, the lens space_time_spectrum",
    family="dynamics",
    topic="Travelling waves",
)

MOST = 1000  # speeds that are scanned in one direction
ROUNDING = 4  # units in the last place of the largest activity, below which there is no power


class SpaceTimeSpectrum(NamedTuple):
    """Arrays of the spectrum, what is read from it, and what surrogates have."""

    power: Float[np.ndarray, "temporal spatial"]  # zero in the middle, sums to 1 or is 0
    temporal: Float[np.ndarray, "temporal"]  # cycles per step
    spatial: Float[np.ndarray, "spatial"]  # cycles per unit of position
    speeds: Float[np.ndarray, "speeds"]  # those looked at: both directions of each
    share: Float[np.ndarray, "speeds"]  # share of power on the line of each
    speed: float  # the one that is told about; NaN where there is no power to find it
    fraction: float  # share on its line
    standing: float  # share on the mirror image
    direction: float  # their difference over their sum: 0 for a standing wave; NaN without power
    expected: float  # share on the line where time and space are unrelated
    excess: float  # fraction over expected; NaN without power
    null: Float[np.ndarray, "surrogates"]  # fraction less expected
    p: float  # (k + 1) / (surrogates + 1); 1 without power


def space_time_spectrum(
    activity: Float[Tensor, "*rings time positions"] | Float[np.ndarray, "*rings time positions"],
    speed: float | None = None,
    slack: float = 1.0,
    position: Float[Tensor, "positions"] | Float[np.ndarray, "positions"] | None = None,
    period: float | None = None,
    surrogates: int = nulls.DRAWS,
    seed: int = 0,
) -> SpaceTimeSpectrum:
    """The spectrum of activity (..., T, N), averaged over leading axes, which count as independent.

    Units are a ring in the order of their index, or lie at `position` (N,), on a line or on a ring of length
    `period`. `speed` is in positions per step; the wave RNN starts at -1.

    Raises BadInput for a slack below 0 or of a quarter of T and more, a speed that is not finite, and
    activity of other axes.

    >>> from wavetrain.lenses import space_time_spectrum
    >>> time, ring = torch.arange(100)[:, None], torch.arange(20)
    >>> wave = torch.cos(2 * torch.pi * 3 * (ring - time) / 20)  # moves on by one unit a step
    >>> found = space_time_spectrum(wave)
    >>> round(found.speed), round(found.fraction, 2), bool(found.p < 0.01)
    (1, 1.0, True)
    """
    field = _centred(activity)
    rings, time, units = field.shape
    if not 0 <= slack < time / 4:
        raise BadInput(
            f"space-time spectrum: expected a slack from 0 to below T / 4 = {time / 4}, got {slack}"
        )
    if speed is not None and not np.isfinite(speed):
        raise BadInput(f"space-time spectrum: expected a finite speed, got {speed}")
    spatial, waves = _space(units, position, period)
    power = _normal((np.abs(np.fft.fft(field, axis=1) @ waves) ** 2).mean(0))
    speeds = _scan(time, spatial, slack) if speed is None else np.array([speed, -speed])
    lines, weighed = _lines(time, spatial, speeds, slack)
    judge = weighed if speed is None else lines[:1]

    def beyond(one: np.ndarray) -> np.ndarray:
        return judge @ (one - _separable(one)).ravel()

    at, share, unrelated = 0, lines @ power.ravel(), _separable(power)
    if speed is None:  # of equal ones that nearest to most power, then the slowest: they are in order
        score = beyond(power)
        score = np.where(score >= score.max() - 1e-9, weighed @ power.ravel(), -1.0)
        at = int(np.flatnonzero(score >= score.max() - 1e-9)[0])
    fraction, standing, expected = share[at], share[at ^ 1], (lines[[at]] @ unrelated.ravel())[0]
    null = []
    for drawn in _surrogates(unrelated, rings, surrogates, seed):
        best = int(beyond(drawn).argmax()) if speed is None else 0
        null.append((lines[[best]] @ (drawn - _separable(drawn)).ravel())[0])
    there, both = bool(power.any()), fraction + standing
    order = np.argsort(speeds, kind="stable")
    return SpaceTimeSpectrum(
        power=np.fft.fftshift(power),
        temporal=np.fft.fftshift(np.fft.fftfreq(time)),
        spatial=np.fft.fftshift(spatial),
        speeds=speeds[order],
        share=share[order],
        speed=float(speeds[at]) if there or speed is not None else float("nan"),
        fraction=float(fraction),
        standing=float(standing),
        direction=float((fraction - standing) / both) if both else float("nan"),
        expected=float(expected),
        excess=float(fraction / expected) if expected > 1e-12 else float("nan"),
        null=np.array(null),
        p=float(nulls.rank(np.array([fraction - expected]), np.array(null)[:, None])[0]),
    )


def _centred(activity: Tensor | np.ndarray) -> np.ndarray:
    """Activity (rings, T, N) over its largest, less the means over time and over units; 0 below rounding."""
    given = activity.detach().cpu() if isinstance(activity, Tensor) else torch.from_numpy(np.array(activity))
    if given.ndim < 2 or min(given.shape[-2:]) < 3 or not given.numel():
        raise BadInput(
            "space-time spectrum: expected activity (..., time, units) of three steps and three units or "
            f"more, got {tuple(given.shape)}"
        )
    if given.is_complex():
        raise BadInput("space-time spectrum: expected real activity, got complex numbers; take a part of it")
    if not given.isfinite().all():
        raise BadInput(
            "space-time spectrum: expected finite activity, got "
            f"{int((~given.isfinite()).sum())} of {given.numel()} values that are NaN or infinite"
        )
    last = torch.finfo(given.dtype if given.is_floating_point() else torch.float64).eps
    field = given.double().numpy().reshape(-1, *given.shape[-2:])
    largest = np.abs(field).max((1, 2), keepdims=True)
    field = field / (np.abs(field).max() or 1.0)
    field = field - field.mean(1, keepdims=True)
    field = field - field.mean(2, keepdims=True)
    own = largest / (largest.max() or 1.0)
    size = np.sqrt((field**2).mean((1, 2), keepdims=True))
    return np.where(size > ROUNDING * last * own, field, 0.0)


def _space(
    units: int, position: Tensor | np.ndarray | None, period: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Spatial frequencies (N,), and a plane wave of each (N units, N)."""
    place = (
        np.arange(units) if position is None else torch.as_tensor(position).detach().cpu().double().numpy()
    )
    if place.shape != (units,) or not np.isfinite(place).all() or len(np.unique(place)) < units:
        raise BadInput(
            f"space-time spectrum: expected {units} positions, finite and all different, one for each unit, "
            f"got {len(np.unique(place))} different ones in {place.shape}"
        )
    length = np.ptp(place) * units / (units - 1) if period is None else period
    if not (np.isfinite(length) and length > np.ptp(place)):
        raise BadInput(
            f"space-time spectrum: expected a period above the largest distance {np.ptp(place)}, got {period}"
        )
    frequency = np.fft.fftfreq(units, length / units)
    return frequency, np.exp(-2j * np.pi * place[:, None] * frequency)


def _normal(power: np.ndarray) -> np.ndarray:
    """Power (T, N) of sum 1, or 0 where nothing varies."""
    total = power.sum()
    return power / total if total > 0 else power


def _separable(power: np.ndarray) -> np.ndarray:
    """The power (T, N), as large over time and over space, of a field in which they are unrelated."""
    return np.outer(power.sum(1), power.sum(0))


def _scan(time: int, spatial: np.ndarray, slack: float) -> np.ndarray:
    """Speeds that can be told apart, the slowest first, each in both directions.

    Up to where the shortest wave turns by half a cycle a step they are even, from then on a ratio apart, up
    to where the longest wave does.
    """
    size = np.abs(spatial[spatial != 0])
    shortest, longest = size.max(), size.min()
    apart = max(slack, 0.5) / time / shortest
    last = 0.5 / shortest
    even = np.linspace(2 * apart, last, int(np.clip(last / apart - 1, 2, MOST // 2)))
    ratios = np.log(shortest / longest) / np.log1p(2 * max(slack, 0.5) / time)
    ahead = np.geomspace(last, 0.5 / longest, int(np.clip(ratios, 2, MOST // 2)))[1:]
    forward = np.concatenate([even, ahead])
    return np.stack([forward, -forward], 1).ravel()


def _lines(
    time: int, spatial: np.ndarray, speeds: np.ndarray, slack: float
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Which bins (S, T N) lie on the line of each speed; and the same, those in its middle counting more.

    The temporal frequency is -speed times the spatial one, up to whole cycles, within `slack` bins.
    """
    middle = -speeds[:, None] * spatial * time  # (S, N) in bins of time
    reach = int(np.ceil(slack)) + 1
    row = np.rint(middle)[..., None] + np.arange(-reach, reach + 1)  # (S, N, rows)
    off = np.abs(row - middle[..., None])
    on = off <= slack + 1e-9  # so that rounding does not decide at the edge
    line, column, _ = np.nonzero(on)
    bins = row[on].astype(int) % time * len(spatial) + column
    shape = len(speeds), time * len(spatial)
    flat, sharp = np.ones(len(bins)), 1 - off[on] / (slack + 1)
    return sparse.csr_array((flat, (line, bins)), shape=shape), sparse.csr_array(
        (sharp, (line, bins)), shape=shape
    )


def _surrogates(power: np.ndarray, rings: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Power (T, N) of Gaussian fields, averaged over rings, whose mean is `power`."""
    number = np.arange(power.size).reshape(power.shape)
    opposite = np.roll(number[::-1, ::-1], (1, 1), (0, 1))  # a real field has the same power at -f, -k
    pair = np.minimum(number, opposite)
    dice = np.random.default_rng(seed)
    for _ in range(draws):
        yield _normal(power * dice.gamma(rings, size=power.size)[pair])
