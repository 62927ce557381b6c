"""Phase-amplitude coupling: is a fast rhythm stronger at one phase of a slow one?

Tort, Komorowski, Eichenbaum and Kopell 2010, J Neurophysiol 104:1195 (modulation index); Canolty et al. 2006,
Science 313:1626 (mean vector). With phi the phase in the slow band, A the amplitude in the fast one, and a_k
the mean of A in the k-th of N = 18 bins of phase, p_k = a_k / sum a:

    index      1 + sum p_k ln p_k / ln N      0 where all bins are alike, 1 where one has all
    vector     mean A exp(i phi) / mean A     its length is k / 2 for A = 1 + k cos phi, its angle the phase
                                              of the largest amplitude

Both are above 0 by chance, and more so for short recordings, so they count against surrogates alone. In
those, A is cut at random into pieces of one to three slow cycles, which change places. To move A as a whole
would keep the coupling of a slow rhythm that is nearly periodic. z is the index less the mean of surrogates,
over their deviation.

Sharp waves hold harmonics that are coupled to their own phase without any second rhythm: a sawtooth has an
index above 0. Hold a finding against the phase of a narrower band, and a fast band that is no multiple.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Real
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.parts import nulls

card = Card(
    title="Measuring phase-amplitude coupling between neuronal oscillations of different frequencies",
    authors="Tort, Adriano B. L. and Komorowski, Robert and Eichenbaum, Howard and Kopell, Nancy",
    year=2010,
    source="Journal of Neurophysiology 104(2):1195, doi 10.1152/jn.00106.2010",
    family="rhythms",
    topic="Waves in recordings",
)

BINS = 18
CYCLES = (1.0, 3.0)  # of the middle of the slow band, in a piece of a surrogate


class PhaseAmplitudeCoupling(NamedTuple):
    """Of the phase of one channel (row) and the amplitude of another (column).

    All is NaN for a channel without power in the band that it is asked for.
    """

    modulation: Float[np.ndarray, "channels channels"]  # the index, 0 to 1
    vector: Float[np.ndarray, "channels channels"]  # length, 0 to 1
    preferred: Float[
        np.ndarray, "channels channels"
    ]  # rad, the phase of the largest amplitude; 0 is the peak
    preferred_error: Float[np.ndarray, "channels channels"]  # rad, from the spread of surrogates' vectors
    profile: Float[np.ndarray, "channels channels bins"]  # p_k, of sum 1, from phase -pi on
    null: Float[np.ndarray, "draws channels channels"]  # index of surrogates
    z: Float[np.ndarray, "channels channels"]
    p: Float[np.ndarray, "channels channels"]  # rank of the index
    used: float  # share of samples at which all phases and amplitudes are known


def phase_amplitude_coupling(
    recording: Real[Tensor, "*trials time channels"] | Real[np.ndarray, "*trials time channels"],
    rate: float,
    slow: tuple[float, float] = (4.0, 8.0),
    fast: tuple[float, float] = (50.0, 90.0),
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> PhaseAmplitudeCoupling:
    """Of a recording (..., T, C) with `rate` samples per second; bands in Hz.

    Raises BadInput for a recording, band or rate that do not fit, and for a fast band that is narrower than
    twice the highest slow frequency: an amplitude in it cannot change so fast.

    >>> from wavetrain.lenses import phase_amplitude_coupling
    >>> theta = 2 * torch.pi * 6 * torch.arange(10000) / 500 + 0.1 * torch.randn(10000).cumsum(0)
    >>> gamma = (1 + theta.cos()) * torch.randn(10000) + 5 * theta.cos()
    >>> found = phase_amplitude_coupling(gamma[:, None], rate=500.0, draws=99)
    >>> float(found.p[0, 0]), round(float(found.preferred[0, 0]))
    (0.01, 0)
    """
    what = "phase-amplitude coupling"
    series = _rhythm.read(what, recording, rate)
    below, above = _rhythm.band_of(what, slow, rate), _rhythm.band_of(what, fast, rate)
    if above.low < below.high or above.high - above.low < 2 * below.high:
        raise BadInput(
            f"{what}: expected a fast band above {below.high:g} Hz, {2 * below.high:g} Hz wide or more, "
            f"as an amplitude in it changes at most half as fast as it is wide; got {above.said}"
        )
    phases, amplitudes = (_rhythm.phasors(what, series, band) for band in (below, above))
    channels = series.shape[2]
    phases, amplitudes = (part.reshape(-1, channels) for part in (phases, amplitudes))
    has = [np.flatnonzero(np.isfinite(part).any(0)) for part in (phases, amplitudes)]
    known = np.isfinite(phases[:, has[0]]).all(1) & np.isfinite(amplitudes[:, has[1]]).all(1)
    if not known.any():
        raise BadInput(f"{what}: expected samples at which all channels are known, got none")
    phasor = phases[known][:, has[0]] / np.abs(phases[known][:, has[0]])
    size = np.abs(amplitudes[known][:, has[1]])
    size = size / size.mean(0)
    bins = np.minimum((np.angle(phasor) + np.pi) * BINS / (2 * np.pi), BINS - 1).astype(int)
    profile, vector = _profile(bins, phasor, size)
    drawn = [
        _profile(bins, phasor, size[order])
        for order in _spliced(len(size), 2 * rate / (below.low + below.high), draws, seed)
    ]
    index = modulation_index(profile)
    null = np.array([modulation_index(one) for one, _ in drawn]).reshape(draws, *index.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (index - null.mean(0)) / null.std(0) if draws > 1 else np.full(index.shape, np.nan)
        spread = np.sqrt(np.mean([np.abs(one) ** 2 for _, one in drawn], 0) / 2) if draws else np.nan
        error = spread / np.abs(vector)
    place = np.ix_(*has)

    def placed(values: np.ndarray) -> np.ndarray:
        whole = np.full((channels, channels, *values.shape[2:]), np.nan)
        whole[place] = values
        return whole

    return PhaseAmplitudeCoupling(
        modulation=placed(index),
        vector=placed(np.abs(vector)),
        preferred=placed(np.angle(vector)),
        preferred_error=placed(error + np.zeros(index.shape)),
        profile=placed(profile),
        null=np.array([placed(one) for one in null]).reshape(draws, channels, channels),
        z=placed(z),
        p=placed(nulls.rank(index.ravel(), null.reshape(draws, index.size)).reshape(index.shape)),
        used=float(known.mean()),
    )


def modulation_index(profile: Float[np.ndarray, "*pairs bins"]) -> Float[np.ndarray, "*pairs"]:
    """The index of shares of amplitude: 1 less their entropy over the largest; NaN where a bin is empty."""
    share = np.where(np.isnan(profile), np.nan, np.maximum(profile, 0))
    entropy = -(share * np.log(np.where(share > 0, share, 1))).sum(-1)
    index: np.ndarray = 1 - entropy / np.log(profile.shape[-1])
    return np.where(index < 0, 0.0, index)


def _profile(bins: np.ndarray, phasor: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of amplitude (P, A, BINS) and mean vectors (P, A), of phases (n, P) and amplitudes (n, A)."""
    shares = np.empty((bins.shape[1], size.shape[1], BINS))
    for row in range(bins.shape[1]):
        count = np.bincount(bins[:, row], minlength=BINS)
        for column in range(size.shape[1]):
            total = np.bincount(bins[:, row], size[:, column], BINS)
            mean = np.divide(total, count, out=np.full(BINS, np.nan), where=count > 0)
            shares[row, column] = mean / mean.sum()
    return shares, phasor.T @ size / len(size)


def _spliced(time: int, cycle: float, draws: int, seed: int) -> np.ndarray:
    """For each draw an order (draws, T) of samples: pieces of one to three cycles change places."""
    dice = np.random.default_rng(seed)
    orders = np.empty((draws, time), np.int64)
    for order in orders:
        lengths = dice.uniform(*CYCLES, int(time / cycle / CYCLES[0]) + 2) * cycle
        cuts = np.cumsum(lengths).astype(int)
        pieces = np.split(np.roll(np.arange(time), dice.integers(time)), cuts[cuts < time])
        order[:] = np.concatenate([pieces[at] for at in dice.permutation(len(pieces))])
    return orders
