"""What is measured on a field of pools over a square sheet: (T, side, side) at some rate, pools `apart` mm.

waves   points (moment, pool) whose wavelength is above the 99th percentile of wavelengths after pools were
        exchanged (Davis et al. 2021); 2 pi / |k|, where k is half the angle of z conj z' between the next
        pools on either side, z being exp(i generalized phase). Where phases take all values over the sheet
        that percentile is sqrt(4 pi / 0.01) = 35 pools: only longer waves count, and what is nearly in
        step, of which any smooth field has some
lines   pools whose spectrum has a frequency that noise of the same colour has not, one in twenty by chance
travel  the share of power that lies on a line of the space-time spectrum of the rows of pools, beyond that
        of a field whose time and space are unrelated; and its rank among exchanges of pools
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from wavetrain.lenses.dynamics.space_time_spectrum import SpaceTimeSpectrum, space_time_spectrum
from wavetrain.lenses.space.generalized_phase import generalized_phase
from wavetrain.parts import nulls

BAND = (5.0, 100.0)  # Hz
LONG = 99  # percentile of wavelengths of exchanged pools
EVERY = 5  # samples between moments at which phases are looked at


class Waves(NamedTuple):
    """What phases say."""

    share: float  # of points that are waves
    speed: float  # m/s, the median of those
    wavelength: float  # mm, the median of those
    phase: Float[np.ndarray, "moments side side"]


def waves(
    field: Float[np.ndarray, "time side side"],
    *,
    rate: float,
    apart: float,
    margin: int,
    exchanges: int,
    seed: int,
) -> Waves:
    """Of a field; `margin` pools at each edge are left out, of which the outermost have no pool beyond."""
    time, side = len(field), field.shape[1]
    found = generalized_phase(field.reshape(time, -1), rate, BAND)
    z = np.exp(1j * found.phase[::EVERY])
    known = np.isfinite(z).all(1) & np.isfinite(found.frequency[::EVERY]).all(1)
    z, frequency = z[known], found.frequency[::EVERY][known].reshape(-1, side, side)
    inside = slice(margin, side - margin)
    length = wavelengths(z.reshape(-1, side, side), apart)[:, inside, inside]
    dice = np.random.default_rng(seed)
    mixed = [
        wavelengths(z[:, dice.permutation(side * side)].reshape(-1, side, side), apart)[:, inside, inside]
        for _ in range(exchanges)
    ]
    there = length > np.percentile(np.stack(mixed), LONG)
    speed = np.abs(frequency[:, inside, inside]) * length / 1000  # mm/s to m/s
    none = float("nan")
    return Waves(
        share=float(there.mean()),
        speed=float(np.median(speed[there])) if there.any() else none,
        wavelength=float(np.median(length[there])) if there.any() else none,
        phase=np.angle(z).reshape(-1, side, side),
    )


def wavelengths(
    z: Complex[np.ndarray, "moments side side"], apart: float
) -> Float[np.ndarray, "moments side side"]:
    """2 pi / |k| in the unit of `apart`; infinite where phases are alike, NaN at the edges."""
    k = np.full((2, *z.shape), np.nan)
    k[0, :, :, 1:-1] = np.angle(z[:, :, 2:] * z[:, :, :-2].conj()) / (2 * apart)
    k[1, :, 1:-1] = np.angle(z[:, 2:] * z[:, :-2].conj()) / (2 * apart)
    with np.errstate(divide="ignore"):
        found: np.ndarray = 2 * np.pi / np.hypot(*k)
    return found


def spectrum(
    series: Float[np.ndarray, "time pools"], rate: float
) -> tuple[Float[np.ndarray, "frequencies"], Float[np.ndarray, "frequencies pools"]]:
    """Frequencies of the band in Hz, and the power of each pool at them."""
    window = np.hanning(len(series))[:, None]
    power = np.abs(np.fft.rfft((series - series.mean(0)) * window, axis=0)) ** 2
    frequency = np.fft.rfftfreq(len(series), 1 / rate)
    inside = (frequency >= BAND[0]) & (frequency <= BAND[1])
    return frequency[inside], power[inside]


def lines(series: Float[np.ndarray, "time pools"], rate: float, draws: int, seed: int) -> float:
    """The share of pools in whose spectrum one frequency stands out of its colour (p at most 0.05).

    Noise of that colour is put through the same window and the same fit of a colour.
    """
    frequency, power = spectrum(series, rate)
    whole = np.zeros((len(series) // 2 + 1, series.shape[1]))
    first = int(np.rint(frequency[0] * len(series) / rate))
    whole[first : first + len(power)] = np.sqrt(_colour(frequency, power))
    dice, null = np.random.default_rng(seed), []
    for _ in range(draws):
        noise = whole * (dice.standard_normal(whole.shape) + 1j * dice.standard_normal(whole.shape))
        drawn = spectrum(np.fft.irfft(noise, len(series), axis=0), rate)[1]
        null.append((drawn / _colour(frequency, drawn)).max(0))
    p = nulls.rank((power / _colour(frequency, power)).max(0), np.stack(null))
    return float((p <= nulls.LEVEL + 1e-9).mean())


def _colour(
    frequency: Float[np.ndarray, "frequencies"], power: Float[np.ndarray, "frequencies pools"]
) -> Float[np.ndarray, "frequencies pools"]:
    """The smooth part of spectra: log power as a cubic of log frequency."""
    terms = np.vander(np.log(frequency), 4)
    fit = np.linalg.lstsq(terms, np.log(np.maximum(power, np.finfo(float).tiny)), rcond=None)[0]
    found: np.ndarray = np.exp(terms @ fit)
    return found


class Travel(NamedTuple):
    """What the space-time spectrum says."""

    spectrum: SpaceTimeSpectrum
    beyond: float  # the share of power on its line, less what is expected
    p: float  # rank of it among exchanges of pools


def travel(field: Float[np.ndarray, "time side side"], exchanges: int, seed: int) -> Travel:
    """Of the rows of a sheet, which is a torus."""
    time, side = len(field), field.shape[1]
    found, dice = _rows(field), np.random.default_rng(seed)
    flat = field.reshape(time, -1)
    drawn = [_rows(flat[:, dice.permutation(side * side)].reshape(field.shape)) for _ in range(exchanges)]
    beyond = np.array([one.fraction - one.expected for one in (found, *drawn)])
    return Travel(found, float(beyond[0]), float(nulls.rank(beyond[:1], beyond[1:, None])[0]))


def _rows(field: Float[np.ndarray, "time side side"]) -> SpaceTimeSpectrum:
    return space_time_spectrum(field.swapaxes(0, 1), period=float(field.shape[1]), surrogates=0)
