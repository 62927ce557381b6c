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

Two nulls, each with the rank (k + 1) / (draws + 1) of the size of the score. An event counts where it beats
both, as each knows one thing only:

    p_cells   fields are exchanged between units. Exact where it does not matter which unit is which. An event
              whose windows each tell a place, in no order, passes more often than 5%
    p_order   windows of an event are put in another order. Exact where windows know nothing of each other.
              Where a place lasts for two of them without an order, it passes more often than 5%
    p         of all events together: the larger rank of their mean score in both, with the same units
              exchanged for all events of a draw. Unlike `share` it counts no event twice that others repeat.
              Exact where both of the others are. Where a place lasts for two windows without an order, 14 of
              60 recordings had a p of 0.05 or less, so that it is no evidence of an order there

Give units that have a place field (`place_fields` tells), and NaN where the place is not known; a place that
a camera repeats while it sees nothing is not known.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Real
from scipy import ndimage
from torch import Tensor

from wavetrain.core import Card
from wavetrain.errors import BadInput
from wavetrain.lenses.population._posterior import SMOOTH, posterior
from wavetrain.parts import nulls
from wavetrain.parts.arena import Path, Units

card = Card(
    title="Reverse replay of behavioural sequences in hippocampal place cells during the awake state",
    authors="Foster, David J. and Wilson, Matthew A.",
    year=2006,
    source="Nature 440:680, doi 10.1038/nature04587",
    family="population",
    topic="Looking inside",
)

OVER, STILL = 0.25, 0.25  # s over which speed is taken; of the speed of running, below which it rests
WINDOW, NEAR = 0.02, 0.015  # s: of decoding, of smoothing the rate
HIGH, SHORTEST, LONGEST = 2.5, 0.05, 0.6  # deviations, s, s
LEAST = 4  # units, and windows with spikes, of an event
FLOOR = 0.05  # spikes per second of any field: one spike rules no place out
BAND = 0.075  # of the track, to either side of a line
GAP = 1.0  # s without a place that may be rest


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
    share: float  # of events in which both are 0.05 or less; NaN without an event
    field: Float[np.ndarray, "units bins"]  # spikes per second while running; NaN where it never ran
    null: Float[np.ndarray, "2 draws"]  # mean size of the score over events, in both nulls
    p: float  # the larger rank of that mean in them; NaN without an event


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
    spikes, at = _read(counts, place, rate, bins)
    low, high = np.nanmin(at), np.nanmax(at)
    if not running > 0 or not high > low:
        raise BadInput(
            f"replay: expected a track with a length and a speed of running above 0, got places from {low:g} "
            f"to {high:g} and {running:g}"
        )
    speed = _speed((at - low) / (high - low), rate)
    runs = np.abs(speed) > running
    if not runs.any():
        raise BadInput(f"replay: expected a run faster than {running:g} lengths of the track a second")
    rest = (np.abs(speed) <= STILL * running) | _missing(np.isnan(at), round(GAP * rate))
    path = Path(torch.from_numpy(np.where(runs, at, np.nan))[None, :, None], bins, low, high)
    field = rate * path.maps(Units(torch.from_numpy(spikes)[None], path), SMOOTH).rate
    used = np.nan_to_num(field).max(1) > 0
    if used.sum() < LEAST:
        raise BadInput(f"replay: expected {LEAST} units or more that fire in the run, got {used.sum()}")
    spikes = spikes[:, used]
    events = _events(spikes, rest, rate)
    width = round(WINDOW * rate)
    event, slot, seen = _windows(spikes, events, width)
    expected = np.maximum(field[used], FLOOR) * width / rate
    where = (np.arange(bins) + 0.5) / bins
    said = posterior(seen, expected)
    score = _correlation(said, where, slot, event, len(events))
    dice = np.random.default_rng(seed)
    null = np.zeros((2, draws, len(events)))
    for draw in range(draws):
        other = posterior(seen, expected[dice.permutation(len(expected))])
        null[0, draw] = _correlation(other, where, slot, event, len(events))
        moved = slot[np.lexsort((dice.random(len(slot)), event))]
        null[1, draw] = _correlation(said, where, moved, event, len(events))
    size, null = np.abs(score), np.abs(null)
    p_cells, p_order = (nulls.rank(size, one) for one in null)
    lines = [_line(said[event == one], slot[event == one]) for one in range(len(events))]
    fit, first, last, many = np.array(lines).reshape(-1, 4).T
    ends = low + (high - low) * np.stack([first, last], 1)
    both = (p_cells <= nulls.LEVEL) & (p_order <= nulls.LEVEL)
    none = not len(events)
    mean = np.full((2, draws), np.nan) if none else null.mean(2)
    ranks = [float(nulls.rank(np.array([size.mean()]), one[:, None])[0]) for one in mean if not none]
    return Replay(
        start=events[:, 0] / rate,
        duration=(events[:, 1] - events[:, 0]) / rate,
        score=score,
        fit=fit,
        speed=(ends[:, 1] - ends[:, 0]) / (many * width / rate),
        ends=ends,
        direction=(np.sign(score) * _heading(speed, runs)[events[:, 0]]).astype(int),
        p_cells=p_cells,
        p_order=p_order,
        share=float("nan") if none else float(both.mean()),
        field=field,
        null=mean,
        p=max(ranks, default=float("nan")),
    )


def _read(
    counts: Tensor | np.ndarray, place: Tensor | np.ndarray, rate: float, bins: int
) -> tuple[np.ndarray, np.ndarray]:
    spikes, at = (
        one.detach().cpu().double().numpy() if isinstance(one, Tensor) else np.asarray(one, dtype=float)
        for one in (counts, place)
    )
    if spikes.ndim != 2 or at.shape != spikes.shape[:1]:
        raise BadInput(
            "replay: expected counts (time, units) and places (time) of the same steps, got "
            f"{spikes.shape} and {at.shape}"
        )
    if not np.isfinite(spikes).all() or (spikes < 0).any() or (spikes != np.floor(spikes)).any():
        raise BadInput("replay: expected whole numbers of spikes, 0 or more; give units as counts in steps")
    if np.isinf(at).any() or not np.isfinite(at).any():
        raise BadInput("replay: expected finite places, or NaN where they are missing, and one or more")
    if not np.isfinite(rate) or rate < 2 / WINDOW or bins < LEAST:
        raise BadInput(
            f"replay: expected {2 / WINDOW:g} steps a second or more and {LEAST} bins or more, got {rate:g} "
            f"and {bins}"
        )
    return spikes, at


def _speed(at: np.ndarray, rate: float) -> np.ndarray:
    """Lengths a second, from half of the time before to half of it after; NaN where either has no place."""
    half = round(OVER * rate / 2)
    speed = np.full(len(at), np.nan)
    if len(at) > 2 * half:
        speed[half:-half] = (at[2 * half :] - at[: -2 * half]) / (2 * half / rate)
    return speed


def _missing(missing: np.ndarray, least: int) -> Bool[np.ndarray, "time"]:
    """Stretches that are as long as the least, or longer."""
    label, _ = ndimage.label(missing)
    return np.asarray((np.bincount(label.ravel()) >= least)[label] & missing)


def _events(spikes: np.ndarray, rest: np.ndarray, rate: float) -> Int[np.ndarray, "events 2"]:
    """Their first step, and the one after their last."""
    none = np.zeros((0, 2), dtype=int)
    if not rest.any():
        return none
    together = ndimage.gaussian_filter1d(spikes.sum(1), NEAR * rate, mode="constant")
    mean, deviation = together[rest].mean(), together[rest].std()
    label, many = ndimage.label(rest & (together > mean))
    if not many:
        return none
    found, width = [], round(WINDOW * rate)
    peak = ndimage.maximum(together, label, np.arange(1, many + 1))
    for number, (stretch,) in enumerate(ndimage.find_objects(label)):
        begin, end = stretch.start, stretch.stop
        if peak[number] <= mean + HIGH * deviation or not SHORTEST <= (end - begin) / rate <= LONGEST:
            continue
        seen = _cut(spikes[begin:end], width)
        if (seen.sum(0) > 0).sum() >= LEAST and (seen.sum(1) > 0).sum() >= LEAST:
            found.append((begin, end))
    return np.array(found, dtype=int).reshape(-1, 2)


def _cut(spikes: np.ndarray, width: int) -> Float[np.ndarray, "windows units"]:
    """Counts in windows; what is left over at the end is in none."""
    whole = len(spikes) // width
    return np.asarray(spikes[: whole * width].reshape(whole, width, -1).sum(1))


def _windows(
    spikes: np.ndarray, events: np.ndarray, width: int
) -> tuple[Int[np.ndarray, "windows"], Float[np.ndarray, "windows"], Float[np.ndarray, "windows units"]]:
    """Of all windows with spikes: the event, the number of the window in it, and the counts."""
    cuts = [_cut(spikes[begin:end], width) for begin, end in events]
    event = np.repeat(np.arange(len(cuts)), [len(one) for one in cuts])
    slot = np.concatenate([np.zeros(0), *(np.arange(float(len(one))) for one in cuts)])
    seen = np.concatenate([*cuts, np.zeros((0, spikes.shape[1]))])
    some = seen.sum(1) > 0
    return event[some], slot[some], seen[some]


def _correlation(
    said: np.ndarray, where: np.ndarray, slot: np.ndarray, event: np.ndarray, events: int
) -> Float[np.ndarray, "events"]:
    """Of place and time under the posterior; 0 where all is said to be in one place."""

    def mean(value: np.ndarray) -> np.ndarray:
        return np.bincount(event, value, events) / np.bincount(event, minlength=events)

    place = said @ where
    off, late = place - mean(place)[event], slot - mean(slot)[event]
    wide = mean(said @ where**2 - place**2 + off**2)
    under = np.sqrt(wide * mean(late**2))
    return np.asarray(np.divide(mean(off * late), under, out=np.zeros(events), where=under > 0))


def _line(said: np.ndarray, slot: np.ndarray) -> tuple[float, float, float, float]:
    """How much of the posterior lies along the best line; where it begins and ends; and after how long."""
    bins = said.shape[1]
    near = max(1, round(BAND * bins))
    total = np.cumsum(np.pad(said, ((0, 0), (near + 1, near))), 1)
    around = total[:, 2 * near + 1 :] - total[:, : -2 * near - 1]
    last = slot.max() - slot.min()
    part = (slot - slot.min()) / last
    first, end = np.divmod(np.arange(bins**2), bins)
    at = np.rint(first[:, None] + (end - first)[:, None] * part).astype(int)
    fit = around[np.arange(len(slot)), at].mean(1)
    best = int(fit.argmax())
    return float(fit[best]), (first[best] + 0.5) / bins, (end[best] + 0.5) / bins, float(last)


def _heading(speed: np.ndarray, runs: np.ndarray) -> Float[np.ndarray, "time"]:
    """Which way it ran last, 1 or -1, or 0 before any run."""
    last = np.maximum.accumulate(np.where(runs, np.arange(len(runs)), -1))
    return np.where(last >= 0, np.sign(np.nan_to_num(speed))[last], 0.0)
