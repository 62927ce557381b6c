"""Wave patterns: plane, rotating and radial waves over channels, moment by moment, and whether they travel.

Muller, Piantoni, Koller, Cash, Halgren and Sejnowski 2016, eLife 5:e17267 (rotating and expanding waves);
the plane fit is that of a circular regression, its resultant being the share of phase that it explains.
At moments one cycle of the lowest frequency apart, each channel has a unit phasor z = exp(i phase), and

    strength  |mean z conj(wave)|, 0 to 1, of the plane, rotating or radial wave that fits best; waves are
              those of `lenses/space/_montage.py`, and the plane wave's vector is then refined
    travel    strength squared, less that of the same wave the other way. A standing wave is both ways alike,
              whatever its strength; so are channels that are in step
    rotation  Fisher and Lee's correlation of phase with the polar angle about the centre of the best rotating
              wave: 1 where the phase rises by a turn with it, -1 where it falls, and about 0 on average for
              plane waves.
              The correlation about circular means, as first published, is undefined for a whole turn
    winding   turns of the phase on the loop of the twelve nearest channels around that centre
    speed     2 pi frequency / |k| of the plane wave, with its standard error from what the fit leaves

Two questions have a null each:

    p_moment  is phase ordered in space at this moment? Rank of the strength among exchanges of all channels.
              Any smooth field is ordered, whether it travels or not. `kind` is the strongest pattern whose
              p_moment is at most a third of 0.05, as there are three; runs of one kind are events
    p         does the recording travel? Rank of the mean of travel over all moments among surrogates, by
              default still ones (`lenses/space/_still.py`), which are as smooth and as slow: standing waves
              and smoothed noise are such fields. p_directed is that of the mean of all directions

Two sources that are active one after the other look like a wave to all of these (Orsher et al. 2024, eLife
92254), and a common reference makes or kills plane waves. Left out: arrays on one line.
"""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Inexact, Int, Real
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses import _rhythm
from wavetrain.lenses.space import _fit, _montage
from wavetrain.lenses.space._moments import Moments, known_moments, moments
from wavetrain.lenses.space._still import phasors, still
from wavetrain.parts import nulls

card = Card(
    title="Rotating waves during human sleep spindles organize global patterns of activity that repeat "
    "precisely through the night",
    authors="Muller, Lyle and Piantoni, Giovanni and Koller, Dominik and Cash, Sydney S. and Halgren, Eric "
    "and Sejnowski, Terrence J.",
    year=2016,
    source="eLife 5:e17267, doi 10.7554/eLife.17267",
    family="waves",
    topic="Waves in recordings",
)

PATTERNS = ("plane", "rotating", "radial")
DRAWS = 99


class Null(Enum):
    """What the mean of travel over a recording is held against."""

    STILL = "as smooth and as slow, but without a direction"
    ROTATED = "the montage turned on its sphere: neighbours stay neighbours"
    SHUFFLED = "channels exchanged: nothing stays but the phases"


class WavePatterns(NamedTuple):
    """At M moments; patterns are in the order plane, rotating, radial; lengths in the unit of positions."""

    time: Float[np.ndarray, "moments"]  # s from the start of the trial
    trial: Int[np.ndarray, "moments"]
    known: Int[np.ndarray, "moments"]  # channels whose phase is known
    amplitude: Float[np.ndarray, "moments"]  # median over channels, in the unit of the recording
    frequency: Float[np.ndarray, "moments"]  # Hz, median over channels
    strength: Float[np.ndarray, "moments patterns"]  # 0 to 1
    travel: Float[np.ndarray, "moments patterns"]  # -1 to 1
    p_moment: Float[np.ndarray, "moments patterns"]  # against exchanges of channels
    kind: Int[np.ndarray, "moments"]  # 0 none, 1 plane, 2 rotating, 3 radial
    wavevector: Float[np.ndarray, "moments 2"]  # rad per unit, the way the plane wave travels
    direction: Float[np.ndarray, "moments"]  # rad from the x axis, of the wave vector
    speed: Float[np.ndarray, "moments"]  # units/s
    speed_error: Float[np.ndarray, "moments"]  # its standard error
    rotation: Float[np.ndarray, "moments"]  # -1 to 1; a wave of -1 turns from x to y
    winding: Int[np.ndarray, "moments"]  # turns
    centre: Float[np.ndarray, "moments 2"]  # of the rotating wave
    source: Float[np.ndarray, "moments 2"]  # of the radial wave
    outward: Float[np.ndarray, "moments"]  # rad per unit away from the source; below 0 it contracts
    onset: Float[np.ndarray, "events"]  # s from the start of the trial
    duration: Float[np.ndarray, "events"]  # s
    event: Int[np.ndarray, "events"]  # kind
    event_trial: Int[np.ndarray, "events"]
    mean: Float[np.ndarray, "patterns"]  # travel over all moments
    null: Float[np.ndarray, "draws patterns"]  # the same of surrogates
    p: Float[np.ndarray, "patterns"]  # rank of the mean
    heading: float  # rad, the mean direction
    directed: float  # length of the mean of all directions, 0 to 1
    p_directed: float  # rank of it among surrogates


def wave_patterns(
    recording: Inexact[Tensor, "*trials time channels"] | Inexact[np.ndarray, "*trials time channels"],
    rate: float,
    positions: Real[Tensor, "channels axes"] | Real[np.ndarray, "channels axes"],
    band: tuple[float, float],
    every: float | None = None,
    draws: int = DRAWS,
    null: Null = Null.STILL,
    seed: int = 0,
) -> WavePatterns:
    """Of a recording (..., T, C) with `rate` samples per second, channels at positions (C, 2) or (C, 3).

    A complex recording, such as exp(i phase) of `generalized_phase`, is not filtered: the band then says the
    pace alone. `every` is the time between moments in s, by default one cycle of the lowest frequency.

    Raises BadInput where recording, rate, positions and band do not fit each other.

    >>> from wavetrain.lenses import wave_patterns
    >>> place = torch.cartesian_prod(torch.arange(4.0), torch.arange(4.0))  # mm
    >>> time = torch.arange(3000)[:, None] / 1000
    >>> wave = torch.sin(2 * torch.pi * (12 * time - place[:, 0] / 20)) + 0.5 * torch.randn(3000, 16)
    >>> found = wave_patterns(wave, rate=1000.0, positions=place, band=(8.0, 16.0))
    >>> round(float(found.speed.mean()), -1), float(found.p[0])  # mm/s: 12 Hz times 20 mm
    (240.0, 0.01)
    """
    what = "wave patterns"
    asked = _rhythm.band_of(what, band, rate)
    seen = moments(what, recording, rate, asked, every)
    channels = seen.field.shape[2]
    montage = _montage.montage(what, positions, channels)
    if draws < 0:
        raise BadInput(f"{what}: expected 0 draws or more, got {draws}")
    used = known_moments(what, seen.field)
    rows = phasors(seen.field[used])
    fit = _fit.fitted(rows, montage)
    at_once = _at_once(rows, montage, fit.strength, draws, seed)
    kind = _kind(fit.strength, at_once)
    trial, moment = np.nonzero(used)
    onset, duration, event, event_trial = _events(kind, trial, moment, seen)
    speed, error = _fit.speed(fit, rows, montage, seen.frequency[used])
    rotation, winding, centre = _fit.rotation(rows, fit, montage)
    heading, directed = _fit.heading(fit.wave)
    means, headings = _against(what, seen.field, used, montage, null, draws, seed)
    beam = fit.best[:, 2]
    return WavePatterns(
        time=seen.time[moment],
        trial=trial,
        known=(rows != 0).sum(1),
        amplitude=seen.amplitude[used],
        frequency=seen.frequency[used],
        strength=fit.strength,
        travel=fit.travel,
        p_moment=at_once,
        kind=kind,
        wavevector=fit.wave,
        direction=np.arctan2(fit.wave[:, 1], fit.wave[:, 0]),
        speed=speed,
        speed_error=error,
        rotation=rotation,
        winding=winding,
        centre=centre,
        source=montage.centre[beam // len(montage.rate)],
        outward=montage.rate[beam % len(montage.rate)],
        onset=onset,
        duration=duration,
        event=event,
        event_trial=event_trial,
        mean=fit.travel.mean(0),
        null=means,
        p=nulls.rank(fit.travel.mean(0), means),
        heading=heading,
        directed=directed,
        p_directed=float(nulls.rank(np.array([directed]), headings[:, None])[0]),
    )


def _at_once(
    rows: np.ndarray, montage: _montage.Montage, strength: np.ndarray, draws: int, seed: int
) -> np.ndarray:
    """The rank of each strength (M, 3) among exchanges of channels at the same moment."""
    beyond = np.zeros(strength.shape, int)
    for order in _fit.exchanges(rows.shape[1], draws, seed):
        drawn = _fit.fitted(rows, _fit.permuted(montage, order)).strength
        beyond += drawn >= strength - nulls.ALIKE
    ranks: np.ndarray = (beyond + 1) / (draws + 1)
    return ranks


def _against(
    what: str,
    field: np.ndarray,
    used: np.ndarray,
    montage: _montage.Montage,
    null: Null,
    draws: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The mean travel (draws, 3) of surrogates, and how much their directions agree (draws,)."""
    pairs: Iterator[tuple[np.ndarray, _montage.Montage]]
    if null is Null.STILL:
        pairs = ((drawn[used], montage) for drawn in still(field, draws, seed))
    else:
        if null is Null.ROTATED and montage.sphere is None:
            raise BadInput(f"{what}: a montage is turned on a sphere: expected positions (C, 3), got (C, 2)")
        orders = (
            _montage.rotations(montage.sphere, draws, seed)
            if null is Null.ROTATED and montage.sphere is not None
            else _fit.exchanges(field.shape[2], draws, seed + 1)
        )
        pairs = ((phasors(field[used]), _fit.permuted(montage, order)) for order in orders)
    means, agreed = np.empty((draws, len(PATTERNS))), np.empty(draws)
    for number, (rows, drawn) in enumerate(pairs):
        fit = _fit.fitted(rows, drawn)
        means[number], agreed[number] = fit.travel.mean(0), _fit.heading(fit.wave)[1]
    return means, agreed


def _kind(strength: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The strongest pattern (M,), from 1, among those that exchanges of channels do not have; 0 for none."""
    there = np.where(p <= nulls.LEVEL / len(PATTERNS), strength, -1.0)
    kinds: np.ndarray = np.where(there.max(1) >= 0, 1 + there.argmax(1), 0)
    return kinds


def _events(
    kind: np.ndarray, trial: np.ndarray, moment: np.ndarray, seen: Moments
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Onset, duration, kind and trial of each run of moments of one kind, without a moment between."""
    pace = seen.time[1] - seen.time[0]
    new = np.ones(len(kind), bool)
    new[1:] = (np.diff(kind) != 0) | (np.diff(trial) != 0) | (np.diff(moment) != 1)
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, len(kind)))
    some = kind[first] > 0
    first, count = first[some], count[some]
    return seen.time[moment[first]], count * pace, kind[first], trial[first]
