"""Replay power: with these units and these events, would `replay` be seen if it were there?

Few units, or few spikes in an event, hide an order that is there, so that a recording in which no more events
pass than by chance does not yet say that there was no replay. Here events are planted that keep what the
recording has: the units and their fields, the windows with spikes of each event, and how many spikes each of
them has. Which units they come from is drawn anew, by the fields at a place:

    sweeps    the place goes along the track at one speed, up or down, through `length` of it
    disorder  places in no order, drawn from all that were run through. Each lasts for two windows, since what
              lasts for one is cut by two, and neighbours that are alike beat `p_order` more often than 5%

Both are judged as `replay` judges events, by either of two rules: `p_cells` and `p_order` are 0.05 or less
(SCORE), or `p_fit` is (FIT). Of N events a share q of which are such sweeps, and the others disorder, as many
pass as in N draws with the chance q sweeps + (1 - q) disorder; N draws with the chance `disorder` alone say
how many are too many to be due to it, at 0.05. `least` is the share q at which that many pass in four of five
recordings: what is rarer may be there and go unseen.

Sweeps through a part of the track, or of a speed that changes, are seen less often, and real replay may hold
fewer or more spikes than other events: what is planted is the best that could be hoped for.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Real
from scipy import special, stats
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.population._sweeps import Judged, Session, judged, session
from wavetrain.parts import nulls

card = Card(
    title="Reverse replay of behavioural sequences in hippocampal place cells during the awake state",
    authors="Foster, David J. and Wilson, Matthew A.",
    year=2006,
    source="Nature 440:680, doi 10.1038/nature04587",
    family="population",
    topic="Looking inside",
)

SCORE, FIT = 0, 1  # rules, in the order of the arrays
STAYS = 2  # windows for which a place of disorder lasts
SEEN = 0.8  # of recordings in which enough events pass


class ReplayPower(NamedTuple):
    """What would be seen, by the score and by the fit."""

    events: int  # of the recording
    sweeps: Float[np.ndarray, "2"]  # share of planted sweeps that pass; NaN without an event, as all of these
    disorder: Float[np.ndarray, "2"]  # share of planted disorder that passes, (k + 1) / (planted + 1)
    least: Float[np.ndarray, "2"]  # share of events that are sweeps and would be seen; NaN if not even all


def replay_power(
    counts: Real[Tensor, "time units"] | Real[np.ndarray, "time units"],
    place: Real[Tensor, "time"] | Real[np.ndarray, "time"],
    rate: float,
    bins: int = 40,
    running: float = 0.05,
    planted: int = 100,
    length: float = 1.0,
    draws: int = 99,
    seed: int = 0,
) -> ReplayPower:
    """How often replay would be seen in spikes (T, units) of an animal at places (T,), as `replay` has them.

    At least `planted` events of each kind are planted; `length` is the share of the track that a sweep goes
    through. Raises BadInput as `replay` does, for none planted, and for a length that is not above 0 and up
    to 1.

    >>> from wavetrain.lenses import replay_power
    >>> place = torch.cat([torch.linspace(0, 1, 2000), torch.ones(2000)])  # it runs for 10 s, and rests
    >>> counts = torch.poisson(0.2 * (-((place[:2000, None] - torch.linspace(0, 1, 10)) ** 2) / 0.01).exp())
    >>> counts = torch.cat([counts, torch.zeros(2000, 10)])
    >>> counts[range(3000, 3040), [step // 4 for step in range(40)]] = 1
    >>> found = replay_power(counts, place, rate=200, planted=50, draws=39)
    >>> found.events, bool(found.sweeps[0] > 0.8 > 0.2 > found.disorder[0])
    (1, True)
    """
    if planted < 1 or not 0 < length <= 1:
        raise BadInput(
            "replay power: expected 1 planted event or more and a length above 0 and up to 1, got "
            f"{planted} and {length:g}"
        )
    found = session("replay power", counts, place, rate, bins, running)
    many = len(found.events)
    none = np.full(2, np.nan)
    if not many:
        return ReplayPower(0, none, none, none)
    dice, times = np.random.default_rng(seed), -(-planted // many)
    several = _repeated(found, times)
    sweeps, disorder = (
        passes(judged(several._replace(seen=_spikes(several, bin, dice)), draws, seed)).sum(1)
        for bin in (_swept(several, length, dice), _disorder(several, dice))
    )
    total = times * many
    shares = sweeps / total, (disorder + 1) / (total + 1)
    return ReplayPower(many, *shares, least(many, *shares))


def _repeated(found: Session, times: int) -> Session:
    """All events several times over."""
    many = len(found.events)
    event = found.event + many * np.arange(times)[:, None]
    return found._replace(
        events=np.tile(found.events, (times, 1)),
        event=event.ravel(),
        slot=np.tile(found.slot, times),
        seen=np.tile(found.seen, (times, 1)),
    )


def passes(one: Judged) -> np.ndarray:
    """Whether each event passes, by the score and by the fit (2, events)."""
    return np.stack([(one.p[:2] <= nulls.LEVEL).all(0), one.p_fit <= nulls.LEVEL])


def least(
    events: int, sweeps: Float[np.ndarray, "2"], disorder: Float[np.ndarray, "2"]
) -> Float[np.ndarray, "2"]:
    """The share of events that must be sweeps so that enough pass in four of five recordings; NaN above 1."""
    enough = stats.binom.isf(nulls.LEVEL, events, disorder) + 1  # the first that is too many for chance
    needed = special.betaincinv(enough, np.maximum(events - enough + 1, 0.5), SEEN)
    more = sweeps - disorder
    share = np.divide(needed - disorder, more, out=np.full(2, np.nan), where=(more > 0) & (enough <= events))
    return np.where(share <= 1, share, np.nan)


def _swept(found: Session, length: float, dice: np.random.Generator) -> np.ndarray:
    """The bin of each window, where each event is a sweep."""
    bins, many = found.expected.shape[1], len(found.events)
    last = np.zeros(many)
    np.maximum.at(last, found.event, found.slot)
    first = np.full(many, np.inf)
    np.minimum.at(first, found.event, found.slot)
    part = ((found.slot - first[found.event]) / (last - first)[found.event]) * length
    part += (dice.random(many) * (1 - length))[found.event]
    up = dice.random(many) < 0.5
    part = np.where(up[found.event], part, 1 - part)
    there = np.flatnonzero(np.isfinite(found.expected).all(0))
    wanted = np.minimum((part * bins).astype(int), bins - 1)
    return there[np.abs(wanted[:, None] - there).argmin(1)]  # the nearest that it ran through


def _disorder(found: Session, dice: np.random.Generator) -> np.ndarray:
    """The bin of each window, where it says nothing of the next but one."""
    there = np.flatnonzero(np.isfinite(found.expected).all(0))
    begins = dice.integers(STAYS, size=len(found.events))[found.event]
    stay = ((found.slot + begins) // STAYS).astype(int)
    place = dice.choice(there, (len(found.events), stay.max() + 1))
    return np.asarray(place[found.event, stay])


def _spikes(found: Session, bin: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """As many spikes as each window has, of units that fire at its bin."""
    chance = found.expected[:, bin].T
    many = found.seen.sum(1).astype(int)
    return dice.multinomial(many, chance / chance.sum(1, keepdims=True)).astype(float)
