"""Events in which units fire together at rest, the places they tell, and whether these follow each other.

What `replay` finds in a recording, and what `replay_power` plants there, are judged by the same functions.
"""

import functools
import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import ndimage, sparse
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.lenses.population._posterior import SMOOTH, posterior
from wavetrain.parts import nulls
from wavetrain.parts.arena import Path, Units

OVER, STILL = 0.25, 0.25  # s over which speed is taken; of the speed of running, below which it rests
WINDOW, NEAR = 0.02, 0.015  # s: of decoding, of smoothing the rate
HIGH, SHORTEST, LONGEST = 2.5, 0.05, 0.6  # deviations, s, s
LEAST = 4  # units, and windows with spikes, of an event
FLOOR = 0.05  # spikes per second of any field: one spike rules no place out
BAND = 0.075  # of the track, to either side of a line
GAP = 1.0  # s without a place that may be rest
TOGETHER = 5  # draws whose lines are fitted at once, for speed


class Session(NamedTuple):
    """A recording, read: what was run, and the events at rest with their windows that have spikes."""

    field: Float[np.ndarray, "units bins"]  # spikes per second while running; NaN where it never ran
    expected: Float[np.ndarray, "used bins"]  # spikes in a window, of the units that fire in the run
    low: float  # end of the track
    high: float
    heading: Float[np.ndarray, "time"]  # which way it ran last, 1 or -1, or 0 before any run
    events: Int[np.ndarray, "events 2"]  # their first step, and the one after their last
    event: Int[np.ndarray, "windows"]  # that a window is in
    slot: Float[np.ndarray, "windows"]  # its number in the event
    seen: Float[np.ndarray, "windows used"]  # its spikes


class Judged(NamedTuple):
    """Events, next to their nulls."""

    score: Float[np.ndarray, "events"]
    fit: Float[np.ndarray, "events"]
    line: Int[np.ndarray, "events 2"]  # bins in which the best line begins and ends
    sizes: Float[np.ndarray, "3 draws events"]  # of the score: exchanged, in another order, moved
    fits: Float[np.ndarray, "3 draws events"]  # the fit in the same

    @property
    def p(self) -> Float[np.ndarray, "3 events"]:
        """Ranks of the score in the three nulls."""
        return np.stack([nulls.rank(np.abs(self.score), one) for one in self.sizes])

    @property
    def p_fit(self) -> Float[np.ndarray, "events"]:
        """The largest rank of the fit in the three nulls."""
        return np.max([nulls.rank(self.fit, one) for one in self.fits], 0)


def session(
    name: str,
    counts: Tensor | np.ndarray,
    place: Tensor | np.ndarray,
    rate: float,
    bins: int,
    running: float,
) -> Session:
    """What `replay` says of its arguments, which are checked in the name of a lens."""
    spikes, at = _read(name, counts, place, rate, bins)
    low, high = np.nanmin(at), np.nanmax(at)
    if not running > 0 or not high > low:
        raise BadInput(
            f"{name}: expected a track with a length and a speed of running above 0, got places from {low:g} "
            f"to {high:g} and {running:g}"
        )
    speed = _speed((at - low) / (high - low), rate)
    runs = np.abs(speed) > running
    if not runs.any():
        raise BadInput(f"{name}: expected a run faster than {running:g} lengths of the track a second")
    rest = (np.abs(speed) <= STILL * running) | _missing(np.isnan(at), round(GAP * rate))
    path = Path(torch.from_numpy(np.where(runs, at, np.nan))[None, :, None], bins, low, high)
    field = rate * path.maps(Units(torch.from_numpy(spikes)[None], path), SMOOTH).rate
    used = np.nan_to_num(field).max(1) > 0
    if used.sum() < LEAST:
        raise BadInput(f"{name}: expected {LEAST} units or more that fire in the run, got {used.sum()}")
    spikes = spikes[:, used]
    events = _events(spikes, rest, rate)
    width = round(WINDOW * rate)
    event, slot, seen = _windows(spikes, events, width)
    return Session(
        field=field,
        expected=np.maximum(field[used], FLOOR) * width / rate,
        low=float(low),
        high=float(high),
        heading=_heading(speed, runs),
        events=events,
        event=event,
        slot=slot,
        seen=seen,
    )


def judged(found: Session, draws: int, seed: int) -> Judged:
    """The score and the best line of each event, and of as many draws of each null."""
    many = len(found.events)
    dice, turns = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    said = posterior(found.seen, found.expected)
    fit, line = np.zeros(many), np.zeros((many, 2), dtype=int)
    for events, own in _fits(said[None], found):
        fit[events] = own.max((0, 1))
        line[events] = np.stack(np.divmod(own[:, 0].argmax(0), said.shape[1]), 1)
    sizes, fits = np.zeros((2, 3, draws, many))
    for first in range(0, draws, TOGETHER):
        some = slice(first, min(first + TOGETHER, draws))
        others: tuple[list[np.ndarray], ...] = ([], [], [])
        for _ in range(some.start, some.stop):
            exchanged = found.expected[dice.permutation(len(found.expected))]
            others[0].append(posterior(found.seen, exchanged))
            others[1].append(said[np.lexsort((dice.random(len(said)), found.event))])
            others[2].append(posterior(found.seen, turned(found.expected, turns)))
        for null, one in enumerate(map(np.stack, others)):
            sizes[null, some] = np.abs(_scores(one, found))
            for events, all_lines in _fits(one, found):
                fits[null][some, events] = all_lines.max(0)
    return Judged(_scores(said[None], found)[0], fit, line, sizes, fits)


def turned(
    expected: Float[np.ndarray, "units bins"], dice: np.random.Generator
) -> Float[np.ndarray, "units bins"]:
    """Each unit's field moved by an amount of its own round the places of the track that are known."""
    there = np.flatnonzero(np.isfinite(expected).all(0))
    shift = dice.integers(len(there), size=(len(expected), 1))
    found = expected.copy()
    found[:, there] = np.take_along_axis(expected[:, there], (np.arange(len(there)) - shift) % len(there), 1)
    return found


def _read(
    name: str, counts: Tensor | np.ndarray, place: Tensor | np.ndarray, rate: float, bins: int
) -> tuple[np.ndarray, np.ndarray]:
    spikes, at = (
        one.detach().cpu().double().numpy() if isinstance(one, Tensor) else np.asarray(one, dtype=float)
        for one in (counts, place)
    )
    if spikes.ndim != 2 or at.shape != spikes.shape[:1]:
        raise BadInput(
            f"{name}: expected counts (time, units) and places (time) of the same steps, got "
            f"{spikes.shape} and {at.shape}"
        )
    if not np.isfinite(spikes).all() or (spikes < 0).any() or (spikes != np.floor(spikes)).any():
        raise BadInput(f"{name}: expected whole numbers of spikes, 0 or more; give units as counts in steps")
    if np.isinf(at).any() or not np.isfinite(at).any():
        raise BadInput(f"{name}: expected finite places, or NaN where they are missing, and one or more")
    if not np.isfinite(rate) or rate < 2 / WINDOW or bins < LEAST:
        raise BadInput(
            f"{name}: expected {2 / WINDOW:g} steps a second or more and {LEAST} bins or more, got {rate:g} "
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
    said: np.ndarray, slot: np.ndarray, event: np.ndarray, events: int
) -> Float[np.ndarray, "events"]:
    """Of place and time under the posterior; 0 where all is said to be in one place."""
    where = (np.arange(said.shape[1]) + 0.5) / said.shape[1]

    def mean(value: np.ndarray) -> np.ndarray:
        return np.bincount(event, value, events) / np.bincount(event, minlength=events)

    place = said @ where
    off, late = place - mean(place)[event], slot - mean(slot)[event]
    wide = mean(said @ where**2 - place**2 + off**2)
    under = np.sqrt(wide * mean(late**2))
    return np.asarray(np.divide(mean(off * late), under, out=np.zeros(events), where=under > 0))


@functools.lru_cache(maxsize=64)
def _lines(slots: tuple[int, ...], bins: int) -> sparse.csr_array:
    """A row for each line, from bin i to bin j in row i * bins + j: the mean of the bins it goes through.

    It is to be applied to the bins of all windows, end to end.
    """
    first, end = np.divmod(np.arange(bins**2), bins)
    many = len(slots)
    part = np.array(slots) / slots[-1]
    at = np.rint(first[:, None] + (end - first)[:, None] * part).astype(int)
    column = at + bins * np.arange(many)
    share, begins = np.full(column.size, 1 / many), np.arange(0, column.size + 1, many)
    return sparse.csr_array((share, column.ravel(), begins), shape=(bins**2, bins * many))


def _scores(
    said: Float[np.ndarray, "draws windows bins"], found: Session
) -> Float[np.ndarray, "draws events"]:
    """Of each draw, the score of each event."""
    return np.stack([_correlation(one, found.slot, found.event, len(found.events)) for one in said])


def _fits(
    said: Float[np.ndarray, "draws windows bins"], found: Session
) -> Iterator[tuple[list[int], Float[np.ndarray, "lines draws events"]]]:
    """Some of the events, and the mean of the posterior along every line, until all events were told."""
    bins = said.shape[2]
    near = max(1, round(BAND * bins))
    total = np.cumsum(np.pad(said, ((0, 0), (0, 0), (near + 1, near))), 2)
    around = total[..., 2 * near + 1 :] - total[..., : -2 * near - 1]
    for slots, events, windows in _alike(found):
        one = around[:, windows].reshape(len(said) * len(events), -1)  # a row for each draw and event
        yield events, (_lines(slots, bins) @ one.T).reshape(-1, len(said), len(events))


def _alike(found: Session) -> Iterator[tuple[tuple[int, ...], list[int], Int[np.ndarray, "events windows"]]]:
    """Events whose windows with spikes have the same numbers: these, which events, and their windows."""
    begins = np.searchsorted(found.event, np.arange(len(found.events) + 1))
    groups: dict[tuple[int, ...], list[int]] = {}
    for one, (begin, end) in enumerate(itertools.pairwise(begins)):
        slot = found.slot[begin:end].astype(int)
        groups.setdefault(tuple((slot - slot[0]).tolist()), []).append(one)
    for slots, events in groups.items():
        yield slots, events, begins[events][:, None] + np.arange(len(slots))


def _heading(speed: np.ndarray, runs: np.ndarray) -> Float[np.ndarray, "time"]:
    """Which way it ran last, 1 or -1, or 0 before any run."""
    last = np.maximum.accumulate(np.where(runs, np.arange(len(runs)), -1))
    return np.where(last >= 0, np.sign(np.nan_to_num(speed))[last], 0.0)
