"""The rows of a table in their order in time: turned round or sorted, no time twice, gaps named."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables import times

GAP = 1.5  # of the usual step, from which on something is missing


class Ruler(NamedTuple):
    """What orders the rows."""

    name: str  # of its column
    ticks: np.ndarray  # (rows,) microseconds since 1970, or plain numbers
    told: Sequence[str]  # (rows,) as it is written
    calendar: bool  # whether the ticks are times


def ordered(ruler: Ruler, lines: Sequence[int]) -> tuple[np.ndarray, list[str]]:
    """The places of the rows in their order, and in words what was done and what is missing."""
    order = np.argsort(ruler.ticks, kind="stable")
    ticks = ruler.ticks[order]
    steps = np.diff(ticks)
    if (steps == 0).any():
        twice = int(np.flatnonzero(steps == 0)[0])
        first, second = order[twice], order[twice + 1]
        count = len(ticks) - len(np.unique(ticks))
        raise BadInput(
            f"line {lines[second]}, {ruler.name}: expected each time once, got {ruler.told[second]!r} as in "
            f"line {lines[first]}, {count} such rows in all; a long table of several series needs an id, and "
            "here a file, or columns, for each of them"
        )
    words = []
    if (np.diff(ruler.ticks) < 0).all():
        words.append(f"newest first, turned round by {ruler.name}")
    elif (np.diff(ruler.ticks) < 0).any():
        words.append(f"out of order, sorted by {ruler.name}")
    return order, words + _gaps(ruler, order, ticks)


def _gaps(ruler: Ruler, order: np.ndarray, ticks: np.ndarray) -> list[str]:
    steps = _steps(ruler, ticks)
    usual = float(np.median(steps))
    gaps = np.flatnonzero(steps > GAP * usual)
    if not len(gaps):
        return []
    longest = gaps[steps[gaps].argmax()]
    length = float(np.diff(ticks)[longest])
    words = times.span(length) if ruler.calendar else f"{length:g}"
    after = ruler.told[order[longest]]
    few = "a gap" if len(gaps) == 1 else f"{len(gaps)} gaps, the longest"
    return [f"{few} of {words} after {after}; rows on both sides count as neighbours"]


def _steps(ruler: Ruler, ticks: np.ndarray) -> np.ndarray:
    """From row to row; in working days where no row is of a weekend."""
    steps = np.diff(ticks)
    if not ruler.calendar or (ticks % times.DAY).any():
        return steps
    days = (ticks // times.DAY).astype("datetime64[D]")
    return np.busday_count(days[:-1], days[1:]) if np.is_busday(days).all() else steps
