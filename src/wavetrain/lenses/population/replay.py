"""Replay: while an animal rests, do its place cells run through places in order, forward or in reverse?

As in Foster and Wilson 2006, with the posterior and the line of Davidson, Kloosterman and Wilson 2009
(Neuron 63:497). Fields are taken while the animal runs, and no spike counts that comes at another time.

    running  faster than `running` lengths of the track in a second, over a quarter of a second
    resting  a quarter as fast or slower, or nowhere known for a second or longer
    event    the units' rate, smoothed over 15 ms, exceeds its mean in rest by 2.5 deviations; from there as
             far as it is above that mean; 50 to 600 ms, four units and four windows of 20 ms with spikes
    score    correlation of place and time in an event, weighted by the posterior of each window that has
             spikes, with every place as likely before. Above 0 it goes up the track
    fit      the largest mean share of the posterior within `BAND` of a straight line: its ends tell a speed

Nulls, each with the rank (k + 1) / (draws + 1) of the size of the score. An event counts in `share` where it
beats the first two, as each knows one thing only:

    p_cells   fields are exchanged between units. Exact where it does not matter which unit is which. An event
              whose windows each tell a place, in no order, passes more often than 5%
    p_order   windows of an event are put in another order. Exact where windows know nothing of each other.
              Where a place lasts for two of them without an order, it passes more often than 5%
    p_places  each unit's field is moved round the track by an amount of its own, as if the track were a ring.
              What is due to fields that have a shape, and to units that fire more than others, stays. Exact
              where the place of one field says nothing of another's
    p_fit     the largest rank of the fit, not the score, in the three. A stay at one place is a line, too,
              but fits no less well in another order
    p         of all events together: the larger rank of their mean score in the first two, with the same
              units exchanged for all events of a draw. Unlike `share` it counts no event twice that others
              repeat. Exact where both p_cells and p_order are. Where a place lasts for two windows without an
              order, 14 of 60 recordings had a p of 0.05 or less, so that it is no evidence of an order there

Give units that have a place field (`place_fields` tells), and NaN where the place is not known; a place that
a camera repeats while it sees nothing is not known.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Real
from torch import Tensor

from wavetrain.core import Card
from wavetrain.lenses.population._sweeps import WINDOW, judged, session
from wavetrain.parts import nulls

card = Card(
    title="Reverse replay of behavioural sequences in hippocampal place cells during the awake state",
    authors="Foster, David J. and Wilson, Matthew A.",
    year=2006,
    source="Nature 440:680, doi 10.1038/nature04587",
    family="population",
    topic="Looking inside",
)


class Replay(NamedTuple):
    """The events in which the units fired together at rest, in order of time; places in the unit given."""

    start: Float[np.ndarray, "events"]  # s from the first step
    duration: Float[np.ndarray, "events"]  # s
    score: Float[np.ndarray, "events"]  # -1 to 1; above 0 it goes up the track
    fit: Float[np.ndarray, "events"]  # 0 to 1, share of the posterior along the best line
    speed: Float[np.ndarray, "events"]  # of that line, places per second, with a sign
    ends: Float[np.ndarray, "events 2"]  # places where that line begins and ends
    direction: Int[np.ndarray, "events"]  # 1 as the animal ran last, -1 in reverse, 0 if neither can be told
    p_cells: Float[np.ndarray, "events"]  # among fields exchanged between units
    p_order: Float[np.ndarray, "events"]  # among orders of windows
    p_places: Float[np.ndarray, "events"]  # among fields moved round the track
    p_fit: Float[np.ndarray, "events"]  # of the fit, the largest of its ranks in these three
    share: float  # of events with p_cells and p_order of 0.05 or less; NaN without an event
    field: Float[np.ndarray, "units bins"]  # spikes per second while running; NaN where it never ran
    null: Float[np.ndarray, "2 draws"]  # mean size of the score over events, by cells and by order
    p: float  # the larger rank of that mean in both; NaN without an event


def replay(
    counts: Real[Tensor, "time units"] | Real[np.ndarray, "time units"],
    place: Real[Tensor, "time"] | Real[np.ndarray, "time"],
    rate: float,
    bins: int = 40,
    running: float = 0.05,
    draws: int = nulls.DRAWS,
    seed: int = 0,
) -> Replay:
    """Replay in spikes (T, units), counted in `rate` steps a second, of an animal at places (T,) on a track.

    `bins` cut the track; `running` is in lengths of the track a second. Raises BadInput for counts that are
    none, fewer than 100 steps a second, fewer than four units that fire in the run, and a track without one.

    >>> from wavetrain.lenses import replay
    >>> place = torch.cat([torch.linspace(0, 1, 2000), torch.ones(2000)])  # it runs for 10 s, and rests
    >>> centre = torch.linspace(0, 1, 10)
    >>> counts = torch.poisson(0.2 * (-((place[:2000, None] - centre) ** 2) / 0.01).exp())
    >>> counts = torch.cat([counts, torch.zeros(2000, 10)])
    >>> counts[range(3000, 3040), [9 - step // 4 for step in range(40)]] = 1  # from the end to the beginning
    >>> found = replay(counts, place, rate=200)
    >>> found.direction.tolist(), bool(found.score[0] < -0.9)
    ([-1], True)
    """
    found = session("replay", counts, place, rate, bins, running)
    seen = judged(found, draws, seed)
    p, many = seen.p, len(found.events)
    both = (p[:2] <= nulls.LEVEL).all(0)
    mean = seen.sizes[:2].mean(2) if many else np.full((2, draws), np.nan)
    size = np.array([np.abs(seen.score).mean()]) if many else np.array([np.nan])
    ends = found.low + (found.high - found.low) * (seen.line + 0.5) / bins
    span = np.array([np.ptp(found.slot[found.event == one]) for one in range(many)])
    return Replay(
        start=found.events[:, 0] / rate,
        duration=(found.events[:, 1] - found.events[:, 0]) / rate,
        score=seen.score,
        fit=seen.fit,
        speed=(ends[:, 1] - ends[:, 0]) / (span * round(WINDOW * rate) / rate),
        ends=ends,
        direction=(np.sign(seen.score) * found.heading[found.events[:, 0]]).astype(int),
        p_cells=p[0],
        p_order=p[1],
        p_places=p[2],
        p_fit=seen.p_fit,
        share=float(both.mean()) if many else float("nan"),
        field=found.field,
        null=mean,
        p=max(float(nulls.rank(size, one[:, None])[0]) for one in mean),
    )
