"""A published claim, the predicate that decides it, and the verdict over seeds.

The predicate is written before the run and judges the figures of one seed. A verdict is called only with
at least three seeds, at a scale that is meant to decide, and when every seed says the same; from seven seeds
on it goes by their share, so that more seeds can decide what hangs on the seed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

HOLDS = "holds"
FAILS = "does not hold"
OPEN = "not decided at this scale"
MANY = 7  # seeds from which their share decides


@dataclass(frozen=True)
class Claim:
    """One sentence that a run can refute. All fields but `holds` are plain literals."""

    text: str
    source: str  # paper, table or figure
    seed: str  # where the project's storyline names it
    systems: tuple[str, ...]  # file names of the systems it is about
    published: Mapping[str, float | str]  # figures as printed in the source, under our figures' names
    holds: Callable[[Mapping[str, float]], bool | None]  # None where a run cannot tell
    notes: str = ""  # what a reader must know to compare measured with published
    unrun: str = ""  # why no result is committed, where none is


@dataclass(frozen=True)
class Verdict:
    """What the seeds say together."""

    word: str
    agree: int  # seeds whose figures satisfy the predicate
    seeds: int
    why: str = field(default="")  # the reason where it is not decided


def verdict(claim: Claim, figures: Sequence[Mapping[str, float]], decides: bool = True) -> Verdict:
    """Judge the figures of several seeds. `decides` is False for a scale too small for a verdict."""
    answers = [claim.holds(one) for one in figures]
    agree, seeds = sum(answer is True for answer in answers), len(answers)
    if not decides:
        return Verdict(OPEN, agree, seeds, "this scale only shows that the program runs")
    if seeds < 3:
        return Verdict(OPEN, agree, seeds, "fewer than three seeds")
    if any(answer is None for answer in answers):
        return Verdict(OPEN, agree, seeds, "a seed cannot tell at this scale")
    holds, fails = (9 * seeds, 7 * seeds) if seeds >= MANY else (10 * seeds, 1)  # in tenths of a seed
    if 10 * agree >= holds:
        return Verdict(HOLDS, agree, seeds)
    if 10 * agree < fails:
        return Verdict(FAILS, agree, seeds)
    return Verdict(OPEN, agree, seeds, f"the seeds disagree: {agree} of {seeds} say that it holds")
