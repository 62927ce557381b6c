"""Phase gradient: which way, how fast and from where does a wave travel, channel by channel?

Davis et al. 2020, Nature 587:432, and 2021, Nature Communications 12:6057; directionality as in Rubino,
Robbins and Hatsopoulos 2006, Nature Neuroscience 9:1549. At moments one cycle of the lowest frequency apart,

    gradient    k of a channel: minus the slope of phase over space, times the sign of its frequency, so that
                it points along the way the wave travels. It is the least-squares fit to the differences of
                phase to the channels within 1.5 spacings, each an angle of z_j conj z_i: no phase is
                unwrapped, and steps up to half a turn are told
    wavelength  2 pi / |k|, speed  2 pi frequency / |k|, direction  the angle of k
    divergence  of the field k: largest at the source of waves that spread
    curl        of the field k: of largest size at the centre of waves that rotate; above 0 from x to y
    aligned     |mean k| / mean |k| over channels, 0 to 1: 1 for a plane wave
    fit         |mean exp(i (step of phase + k way))| over the neighbours of a channel, 0 to 1
    ordered     whether the fit is above the 99th percentile of that channel's after all were exchanged: a
                phase that is ordered in space. Any smooth field is, whether it travels or not

A map over all moments has the mean direction of each channel, how steady it is, and mean divergence and curl.

p is the rank of the mean of `aligned` among still surrogates (`_still.py`), as smooth and as slow as the
recording but without a direction; p_steady that of the mean of how steady directions are.

Left out is the test of wavelengths against those of exchanged channels: of a plane wave of any length over
eight by eight channels, those are six times as long at the 99th percentile, so that it never passes.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Complex, Float, Inexact, Int, Real
from scipy.sparse import csr_array
from scipy.spatial import cKDTree
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.lenses.space import _fit, _montage
from wavetrain.lenses.space._moments import known_moments, moments
from wavetrain.lenses.space._still import phasors, still
from wavetrain.parts import circular, nulls

card = Card(
    title="Spontaneous travelling cortical waves gate perception in behaving primates",
    authors="Davis, Zachary W. and Muller, Lyle and Martinez-Trujillo, Julio and Sejnowski, Terrence and "
    "Reynolds, John H.",
    year=2020,
    source="Nature 587, doi 10.1038/s41586-020-2802-y",
    family="waves",
    topic="Waves in recordings",
)

NEAR = 1.5  # spacings, within which channels are neighbours
ORDERED = 99  # percentile among exchanged channels
EXCHANGES = 25  # of channels, for that percentile


class PhaseGradient(NamedTuple):
    """At M moments and C channels; lengths are in the unit of positions. NaN where a phase is not known."""

    time: Float[np.ndarray, "moments"]  # s from the start of the trial
    trial: Int[np.ndarray, "moments"]  # its number, from 0
    frequency: Float[np.ndarray, "moments"]  # Hz, median over channels
    gradient: Float[np.ndarray, "moments channels axes"]  # rad per unit, the way the wave travels
    wavelength: Float[np.ndarray, "moments channels"]  # units
    speed: Float[np.ndarray, "moments channels"]  # units/s
    direction: Float[np.ndarray, "moments channels"]  # rad from the x axis
    divergence: Float[np.ndarray, "moments channels"]  # rad per unit squared
    curl: Float[np.ndarray, "moments channels"]  # rad per unit squared
    fit: Float[np.ndarray, "moments channels"]  # 0 to 1
    ordered: Bool[np.ndarray, "moments channels"]  # whether the phase around a channel is ordered in space
    source: Float[np.ndarray, "moments 2"]  # the channel of largest divergence
    centre: Float[np.ndarray, "moments 2"]  # the channel of largest curl, of either sign
    aligned: Float[np.ndarray, "moments"]  # 0 to 1
    heading: Float[np.ndarray, "channels"]  # rad, mean direction; NaN where there is none
    steady: Float[np.ndarray, "channels"]  # length of the mean of directions, 0 to 1
    mean_divergence: Float[np.ndarray, "channels"]  # over all moments
    mean_curl: Float[np.ndarray, "channels"]  # over all moments
    share: float  # of known points that are ordered
    mean: float  # of `aligned` over all moments
    null: Float[np.ndarray, "draws"]  # the same of surrogates
    p: float  # rank of the mean
    p_steady: float  # rank of the mean of `steady`


def phase_gradient(
    recording: Inexact[Tensor, "*trials time channels"] | Inexact[np.ndarray, "*trials time channels"],
    rate: float,
    positions: Real[Tensor, "channels axes"] | Real[np.ndarray, "channels axes"],
    band: tuple[float, float],
    every: float | None = None,
    draws: int = 99,
    seed: int = 0,
) -> PhaseGradient:
    """Of a recording (..., T, C) with `rate` samples per second, channels at positions (C, 2) or (C, 3).

    A complex recording, such as exp(i phase) of `generalized_phase`, is not filtered: the band then says the
    pace alone. `every` is the time between moments in s, by default one cycle of the lowest frequency.

    Raises BadInput where recording, rate, positions and band do not fit each other.

    >>> from wavetrain.lenses import phase_gradient
    >>> place = torch.cartesian_prod(torch.arange(4.0), torch.arange(4.0))  # mm
    >>> time = torch.arange(2000)[:, None] / 1000
    >>> wave = torch.sin(2 * torch.pi * (12 * time - place[:, 0] / 10))
    >>> found = phase_gradient(wave, rate=1000.0, positions=place, band=(8.0, 16.0), draws=19)
    >>> round(float(found.wavelength[3, 5]), 1), round(float(found.speed[3, 5]))  # mm, and 12 Hz times it
    (10.0, 120)
    """
    what = "phase gradient"
    asked = _rhythm.band_of(what, band, rate)
    seen = moments(what, recording, rate, asked, every)
    channels = seen.field.shape[2]
    place, _ = _montage.flat(what, positions, channels)
    if draws < 0:
        raise BadInput(f"{what}: expected 0 draws or more, got {draws}")
    used = known_moments(what, seen.field)
    slopes = _slopes(what, place)
    rows = phasors(seen.field[used])
    frequency = seen.frequency[used]
    field = _travel(rows, slopes) * np.sign(frequency)[:, None, None]
    across = [slopes.of(field[:, slopes.head, axis] - field[:, slopes.tail, axis]) for axis in (0, 1)]
    divergence = across[0][..., 0] + across[1][..., 1]
    curl = across[1][..., 0] - across[0][..., 1]
    size = np.linalg.norm(field, axis=-1)
    with np.errstate(divide="ignore"):
        wavelength = 2 * np.pi / size
    fit = _fitted(rows, slopes, field * np.sign(frequency)[:, None, None])
    ordered, known = fit > _least(rows, slopes, seed), np.isfinite(size)
    mean, steady = _summed(field)
    drawn = [_summed(_travel(each[used], slopes)) for each in still(seen.field, draws, seed)]
    null = np.array([one[0].mean() for one in drawn]).reshape(-1)
    steadiness = np.array([np.nanmean(one[1].length) for one in drawn]).reshape(-1)
    trial, moment = np.nonzero(used)
    return PhaseGradient(
        time=seen.time[moment],
        trial=trial,
        frequency=frequency,
        gradient=field,
        wavelength=wavelength,
        speed=np.abs(frequency)[:, None] * wavelength,
        direction=np.arctan2(field[..., 1], field[..., 0]),
        divergence=divergence,
        curl=curl,
        fit=fit,
        ordered=ordered,
        source=_largest(divergence, place),
        centre=_largest(np.abs(curl), place),
        aligned=mean,
        heading=steady.direction,
        steady=steady.length,
        mean_divergence=_mean(divergence),
        mean_curl=_mean(curl),
        share=float(ordered[known].mean()) if known.any() else float("nan"),
        mean=float(mean.mean()),
        null=null,
        p=float(nulls.rank(mean.mean(keepdims=True), null[:, None])[0]),
        p_steady=float(nulls.rank(np.array([np.nanmean(steady.length)]), steadiness[:, None])[0]),
    )


class _Slopes(NamedTuple):
    """The pairs of neighbours of a montage, and what fits slopes to differences between them."""

    tail: Int[np.ndarray, "pairs"]
    head: Int[np.ndarray, "pairs"]
    way: Float[np.ndarray, "pairs 2"]  # from tail to head
    sums: csr_array  # (pairs, channels): of each tail

    def of(self, rise: Float[np.ndarray, "moments pairs"]) -> Float[np.ndarray, "moments channels 2"]:
        """The slope at each tail that fits the rises best; NaN where those that are known span no plane."""
        known = np.isfinite(rise)
        rise, x, y = np.where(known, rise, 0), *self.way.T
        xx, xy, yy = ((known * each) @ self.sums for each in (x * x, x * y, y * y))
        bx, by = ((rise * each) @ self.sums for each in (x, y))
        under = xx * yy - xy**2
        plane = under > 1e-6 * (xx + yy) ** 2
        slope = np.stack([bx * yy - by * xy, by * xx - bx * xy], -1)
        return np.divide(slope, under[..., None], out=np.full(slope.shape, np.nan), where=plane[..., None])


def _slopes(what: str, place: Float[np.ndarray, "channels 2"]) -> _Slopes:
    """Pairs of channels within NEAR spacings of each other, both ways."""
    tree = cKDTree(place)
    spacing = float(np.median(tree.query(place, 2)[0][:, 1]))
    pairs = tree.query_pairs(NEAR * spacing, output_type="ndarray")
    tail, head = np.concatenate([pairs, pairs[:, ::-1]]).T
    count = len(tail)
    sums = csr_array((np.ones(count), (np.arange(count), tail)), shape=(count, len(place)))
    found = _Slopes(tail, head, (place[head] - place[tail]) / spacing, sums)
    flat = np.isfinite(found.of(np.zeros((1, count)))).all(2)[0]
    if not flat.any():
        raise BadInput(
            f"{what}: expected a channel with neighbours in two directions within {NEAR:g} spacings of "
            f"{spacing:.3g}, got none among {len(place)}"
        )
    return found._replace(way=place[head] - place[tail])


def _travel(
    rows: Complex[np.ndarray, "moments channels"], slopes: _Slopes
) -> Float[np.ndarray, "moments channels 2"]:
    """Minus the slope of phase, NaN where a channel or its neighbours are not known."""
    step = rows[:, slopes.head] * rows[:, slopes.tail].conj()
    field: np.ndarray = -slopes.of(np.where(step != 0, np.angle(step), np.nan))
    return field


def _summed(field: Float[np.ndarray, "moments channels 2"]) -> tuple[np.ndarray, circular.Mean]:
    """How much the gradients of each moment agree, and the mean direction of each channel."""
    known = np.isfinite(field).all(2)
    there = np.where(known[..., None], field, 0)
    sizes = np.linalg.norm(there, axis=2).sum(1)
    whole = np.linalg.norm(there.sum(1), axis=1)
    aligned = np.divide(whole, sizes, out=np.zeros(len(field)), where=sizes > 0)
    return aligned, circular.mean(np.arctan2(field[..., 1], field[..., 0]), axis=0)


def _fitted(
    rows: Complex[np.ndarray, "moments channels"],
    slopes: _Slopes,
    field: Float[np.ndarray, "moments channels 2"],
) -> Float[np.ndarray, "moments channels"]:
    """How well the gradient at each channel tells the steps of phase to its neighbours."""
    step = rows[:, slopes.head] * rows[:, slopes.tail].conj()
    known = step != 0
    told = np.exp(1j * np.einsum("mpa,pa->mp", field[:, slopes.tail], slopes.way))
    left = np.where(known & np.isfinite(told), step * told, 0) @ slopes.sums
    many = known.astype(float) @ slopes.sums
    fit = np.divide(np.abs(left), many, out=np.full(many.shape, np.nan), where=many > 0)
    found: np.ndarray = np.where(np.isfinite(field).all(2), fit, np.nan)
    return found


def _least(
    rows: Complex[np.ndarray, "moments channels"], slopes: _Slopes, seed: int
) -> Float[np.ndarray, "channels"]:
    """A percentile of the fit at each channel when all lie at each other's places."""
    orders = _fit.exchanges(rows.shape[1], EXCHANGES, seed)
    fit = np.concatenate(
        [_fitted(rows[:, order], slopes, _travel(rows[:, order], slopes)) for order in orders]
    )
    least = np.full(rows.shape[1], np.nan)
    some = np.isfinite(fit).any(0)
    least[some] = np.nanpercentile(fit[:, some], ORDERED, axis=0)
    return least


def _largest(values: Float[np.ndarray, "moments channels"], place: np.ndarray) -> np.ndarray:
    """The place of the largest value at each moment; NaN where none is known."""
    at = np.where(np.isfinite(values), values, -np.inf).argmax(1)
    found: np.ndarray = np.where(np.isfinite(values).any(1)[:, None], place[at], np.nan)
    return found


def _mean(values: Float[np.ndarray, "moments channels"]) -> np.ndarray:
    """Over the moments at which a channel is known."""
    known = np.isfinite(values)
    count = known.sum(0)
    total = np.where(known, values, 0).sum(0)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
