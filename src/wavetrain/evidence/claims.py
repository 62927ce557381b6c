"""A published claim, the predicates of its parts, and what the seeds say together.

A claim is one sentence with one or more parts; each part is a short sentence with a predicate, which is
written before the run and judges the figures of one seed. A part is *reproduced* or *not reproduced* only
with at least three seeds, at a scale that is meant to decide, and when every seed says the same; from seven
seeds on it goes by their share, so that more seeds can decide what depends on the seed. Otherwise it is
*undecided*. A claim is *reproduced* when all its parts are, and *partly reproduced* when some are.
"""

import fnmatch
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

REPRODUCED = "reproduced"
PARTLY = "partly reproduced"
FAILED = "not reproduced"
UNDECIDED = "undecided"
MANY = 7  # seeds from which their share decides
TITLE = 70  # characters of a title


class Measured(Mapping[str, float]):
    """The figures of one seed by name, and the scale at which they were measured.

    >>> Measured({"loss": 0.5})["loss"]
    0.5
    """

    def __init__(self, figures: Mapping[str, float | None], scale: Any = None):
        self.figures = {name: math.nan if value is None else value for name, value in figures.items()}
        self.scale = scale

    def __getitem__(self, name: str) -> float:
        return self.figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.figures)

    def __len__(self) -> int:
        return len(self.figures)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that a claim says and a run can refute. All fields but `holds` are plain literals."""

    says: str
    holds: Callable[[Measured], bool | None]  # None where a run cannot tell
    figures: tuple[str, ...] = ()  # what it is judged by: names of figures, or patterns as `loss_*`
    learned: bool = True  # whether training makes it so; not, where it is about a closed form or a start
    stronger: str = ""  # what the source states, where the part tests something weaker


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What a figure is called on a page, or a family of figures whose names differ in a few places.

    A place that varies is a slot. It stands in `name` and again in `says`, where it is put into words.

    >>> one = Figure(name="recall_{net}_delay{delay}", says="recall, {net}, delay {delay}", unit="share")
    >>> one.unit
    'share'
    """

    name: str
    says: str
    unit: str  # or what kind of number it is: share, ratio, count


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a paper says, in parts. All fields but the predicates are plain literals."""

    title: str  # at most TITLE characters
    sentence: str  # what is claimed, whole
    topic: str  # the title of one of `topics.TOPICS`
    source: str  # paper, table or figure
    systems: tuple[str, ...]  # names of the members it is about
    parts: tuple[Part, ...]
    published: Mapping[str, float | str] = field(default_factory=dict)  # as printed, under our figures' names
    figures: tuple[Figure, ...] = ()  # what they are called; of two that fit a name, the first counts
    names: Mapping[str, str] = field(default_factory=dict)  # words for what their slots hold
    notes: str = ""  # what a reader must know to compare measured with published
    changed: tuple[str, ...] = ()  # the history of predicates, scales and protocol: what was changed, and why
    unrun: str = ""  # why no result is committed, where none is

    def holds(self, figures: Mapping[str, float]) -> bool | None:
        """What one seed says to all parts together."""
        measured = figures if isinstance(figures, Measured) else Measured(figures)
        return every(part.holds(measured) for part in self.parts)


@dataclass(frozen=True)
class Judged:
    """What the seeds say to one part."""

    word: str
    agree: int  # seeds whose figures satisfy the predicate
    seeds: int
    why: str = ""  # the reason where it is undecided


@dataclass(frozen=True)
class Verdict:
    """What the seeds say to a claim."""

    word: str
    parts: tuple[Judged, ...] = ()

    @property
    def reproduced(self) -> int:
        """How many parts are."""
        return sum(part.word == REPRODUCED for part in self.parts)


def every(answers: Iterable[bool | None]) -> bool | None:
    """Whether all hold: False where one does not, None where one cannot tell and none fails.

    >>> every([True, None]), every([True, None, False])
    (None, False)
    """
    said = list(answers)
    return False if False in said else None if None in said else True


def given(
    enough: Callable[[Measured], bool], holds: Callable[[Measured], bool | None]
) -> Callable[[Measured], bool | None]:
    """A predicate that can tell only where `enough` is so, for instance where the rivals have learned.

    >>> ahead = given(lambda figures: figures["right"] > 0.5, lambda figures: figures["gain"] > 0.1)
    >>> [ahead(Measured({"right": right, "gain": 0.2})) for right in (0.9, 0.4)]
    [True, None]
    """
    return lambda figures: holds(figures) if enough(figures) else None


def verdict(claim: Claim, seeds: Sequence[Measured], decides: bool = True) -> Verdict:
    """Judge the figures of several seeds. `decides` is False for a scale too small for a verdict."""
    parts = tuple(_judged(part, seeds, decides) for part in claim.parts)
    return Verdict(together([part.word for part in parts]), parts)


def together(words: Sequence[str]) -> str:
    """The word for a claim whose parts have these."""
    reproduced = words.count(REPRODUCED)
    if reproduced:
        return REPRODUCED if reproduced == len(words) else PARTLY
    return FAILED if FAILED in words else UNDECIDED


def chosen(names: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """The names that fit one of the patterns, in the order of the patterns."""
    known = list(names)
    fits = [name for pattern in patterns for name in known if fnmatch.fnmatchcase(name, pattern)]
    return list(dict.fromkeys(fits))


def _judged(part: Part, seeds: Sequence[Measured], decides: bool) -> Judged:
    try:
        answers = [part.holds(one) for one in seeds]
    except KeyError as missing:
        return Judged(UNDECIDED, 0, len(seeds), f"the figure {missing} was not measured")
    agree, count = sum(answer is True for answer in answers), len(answers)
    if not decides:
        return Judged(UNDECIDED, agree, count, "this scale only shows that the program runs")
    if count < 3:
        return Judged(UNDECIDED, agree, count, "fewer than three seeds")
    if any(answer is None for answer in answers):
        return Judged(UNDECIDED, agree, count, "a seed cannot tell at this scale")
    holds, fails = (9 * count, 7 * count) if count >= MANY else (10 * count, 1)  # in tenths of a seed
    if 10 * agree >= holds:
        return Judged(REPRODUCED, agree, count)
    if 10 * agree < fails:
        return Judged(FAILED, agree, count)
    return Judged(UNDECIDED, agree, count, f"the seeds disagree: {agree} of {count} satisfy it")
