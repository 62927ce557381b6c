"""The waves of a montage that fit phases best, at many moments at once."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Int

from wavetrain.lenses.space import _montage
from wavetrain.lenses.space._montage import Montage

CHUNK = 2048  # moments at once
REFINEMENTS = 2


class Fit(NamedTuple):
    """The best wave of each pattern: plane, rotating, radial."""

    strength: Float[np.ndarray, "moments 3"]  # share of phase that it explains, 0 to 1
    travel: Float[np.ndarray, "moments 3"]  # its square, less that of the same wave the other way
    best: Int[np.ndarray, "moments 3"]  # which wave of the montage
    wave: Float[np.ndarray, "moments 2"]  # the plane wave's vector, refined


def fitted(phasors: Complex[np.ndarray, "moments channels"], montage: Montage) -> Fit:
    """Of unit phasors, 0 where a channel is missing."""
    parts = [_part(phasors[at : at + CHUNK], montage) for at in range(0, len(phasors), CHUNK)]
    return Fit(*(np.concatenate(one) for one in zip(*parts, strict=True)))


def _part(phasors: np.ndarray, montage: Montage) -> Fit:
    rows, each = phasors.astype(np.complex64), np.arange(len(phasors))
    count = (phasors != 0).sum(1)
    best = np.empty((len(rows), 3), int)
    strength, back = np.empty((2, len(rows), 3))
    for number, (waves, mirror) in enumerate(zip(montage.waves, montage.mirrors, strict=True)):
        sums = rows @ waves
        power = sums.real**2 + sums.imag**2
        best[:, number] = power.argmax(1)
        strength[:, number] = np.sqrt(power[each, best[:, number]]) / count
        back[:, number] = np.sqrt(power[each, mirror[best[:, number]]]) / count
    wave, strength[:, 0] = _refined(rows, count, montage, montage.wave[best[:, 0]], strength[:, 0])
    back[:, 0] = np.abs((rows * _turned(-wave, montage)).sum(1)) / count
    return Fit(strength, strength**2 - back**2, best, wave)


def _refined(
    phasors: np.ndarray, count: np.ndarray, montage: Montage, wave: np.ndarray, strength: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Plane waves moved up the hill of their strength, by Gauss and Newton's steps on circular residuals."""
    place = montage.place - montage.middle
    inverse = np.linalg.inv(place.T @ place / len(place))
    left = phasors * _turned(wave, montage)
    for _ in range(REFINEMENTS):
        mean = left.mean(1, keepdims=True)
        residual = (left * mean.conj()).imag  # of the size of the mean, squared
        size = np.maximum((np.abs(mean) ** 2).ravel() * phasors.shape[1], np.finfo(np.float32).tiny)
        trial = wave - (residual @ place) / size[:, None] @ inverse
        moved = phasors * _turned(trial, montage)
        now = np.abs(moved.sum(1)) / count
        better = now > strength
        left = np.where(better[:, None], moved, left)
        wave = np.where(better[:, None], trial, wave)
        strength = np.where(better, now, strength)
    return wave, strength


def _turned(wave: np.ndarray, montage: Montage) -> np.ndarray:
    """exp(i k q) of plane waves (M, C), in single precision: that is ten times as fast, and enough."""
    angle = (wave @ (montage.place - montage.middle).T).astype(np.float32)
    turned = np.empty(angle.shape, np.complex64)
    np.cos(angle, out=turned.real)
    np.sin(angle, out=turned.imag)
    return turned


def permuted(montage: Montage, order: Int[np.ndarray, "channels"]) -> Montage:
    """The montage in which another channel lies at each place: `order` says which."""
    where = np.argsort(order)
    plane, rotating, radial = montage.waves
    return montage._replace(
        place=montage.place[where],
        waves=(plane[where], rotating[where], radial[where]),
    )


def exchanges(channels: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Orders of channels, drawn at random."""
    dice = np.random.default_rng(seed)
    for _ in range(draws):
        yield dice.permutation(channels)


def heading(wave: Float[np.ndarray, "moments 2"]) -> tuple[float, float]:
    """The angle of the mean direction of plane waves, and the length of that mean."""
    mean = np.exp(1j * np.arctan2(wave[:, 1], wave[:, 0])).mean()
    return float(np.angle(mean)), float(np.abs(mean))


def speed(
    fit: Fit, phasors: Complex[np.ndarray, "moments channels"], montage: Montage, frequency: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of plane waves, units/s, and its standard error, which is that of |k|: from the spread that is left."""
    place = montage.place - montage.middle
    inverse = np.linalg.inv(place.T @ place)
    size = np.linalg.norm(fit.wave, axis=1)
    along = np.divide(fit.wave, size[:, None], out=np.zeros_like(fit.wave), where=size[:, None] > 0)
    count = (phasors != 0).sum(1)
    spread = -2 * np.log(np.clip(fit.strength[:, 0], 1e-12, 1)) * len(place) / count
    error = np.sqrt(spread * np.einsum("mi,ij,mj->m", along, inverse, along))
    velocity = np.divide(2 * np.pi * frequency, size, out=np.full(len(size), np.nan), where=size > 0)
    return velocity, np.abs(velocity) * np.divide(error, size, out=np.full(len(size), np.nan), where=size > 0)


def rotation(
    phasors: Complex[np.ndarray, "moments channels"], fit: Fit, montage: Montage
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fisher and Lee's correlation of phase and polar angle, winding number and centre of rotating waves."""
    number = fit.best[:, 1] % len(montage.centre)
    theta = _montage.polar(montage.place, montage.centre).T[number]  # (M, C)
    there = phasors != 0
    count = there.sum(1)

    def resultant(turned: np.ndarray) -> np.ndarray:
        length: np.ndarray = np.abs(np.where(there, turned, 0).sum(1)) / count
        return length

    around = np.exp(1j * theta)
    same, other = resultant(phasors * around.conj()) ** 2, resultant(phasors * around) ** 2
    free = (1 - resultant(phasors**2) ** 2) * (1 - resultant(around**2) ** 2)
    correlation = np.divide(same - other, np.sqrt(free), out=np.zeros(len(free)), where=free > 1e-12)
    loop = _montage.loops(montage)[number]
    ring = np.take_along_axis(phasors, loop, 1)
    winding = np.array([_winding(one[one != 0]) for one in ring], int).reshape(-1)
    return np.clip(correlation, -1, 1), winding, montage.centre[number]


def _winding(ring: np.ndarray) -> int:
    return round(float(np.angle(np.roll(ring, -1) * ring.conj()).sum() / (2 * np.pi)))
