"""The record of `own_data.py`: what each contestant made of each data set, and the limits that were timed.

It lies in `benchmarks/own_data.json`. A question that is asked again takes the place of the old answers.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wavetrain.errors import BadInput
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.shape import parsed, written

FILE = Path(__file__).resolve().parents[1] / "own_data.json"
VERSION = 1  # of the shape
OURS, BASELINE = "wavetrain", "baseline"  # first words of the names of contestants; others are peers


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """What one of them made of one data set."""

    name: str  # a library and a model
    score: float | None  # None where it gave no answer
    error: float | None  # on the part to choose by; None where it has none
    seconds: float  # of the processor, to train
    wall: float  # by the clock, planning and answers included
    training: str  # in words
    cut: bool  # whether the time was over before its default training was
    ahead: tuple[float, ...] = ()  # how much better our layer is: 95 % interval; empty where none follows

    @property
    def library(self) -> str:
        """Whose it is."""
        return self.name.partition(" ")[0]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One data set, the same for all."""

    name: str
    what: str
    measure: str
    higher: bool  # whether a higher score is better
    tested: int  # windows or sequences
    contestants: tuple[Contestant, ...]
    seconds: float  # of the processor, for each training
    date: str  # and time, UTC
    commit: str
    load: float  # programs that wanted a core at the end

    def better(self, one: float, other: float) -> bool:
        """Whether a score is better than another."""
        return one > other if self.higher else one < other

    def of(self, *libraries: str) -> list[Contestant]:
        """Those of these libraries that answered, best first."""
        found = [one for one in self.contestants if one.library in libraries and one.score is not None]
        return sorted(found, key=lambda one: (one.score or 0.0) * (-1 if self.higher else 1))

    @property
    def peers(self) -> list[Contestant]:
        """Those of other libraries, best first."""
        ours = {OURS, BASELINE}
        return self.of(*({one.library for one in self.contestants} - ours))

    @property
    def ours(self) -> Contestant:
        """The layer that errs least on the part to choose by; the default where there is no such part."""
        found = [one for one in self.contestants if one.library == OURS and one.score is not None]
        known = [one for one in found if one.error is not None]
        return min(known, key=lambda one: one.error or 0.0) if known else found[0]

    @property
    def place(self) -> str:
        """Where the chosen layer stands among the peers."""
        mine, peers = self.ours.score, [one.score for one in self.peers]
        assert mine is not None
        if not self.better(peers[0] or 0.0, mine):
            return "best"
        return "behind all" if self.better(peers[-1] or 0.0, mine) else "between"

    @property
    def surely(self) -> bool:
        """Whether our layer is behind all peers by more than chance."""
        worst = self.peers[-1].ahead
        return self.place == "behind all" and bool(worst) and max(worst) < 0


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Something that has to end in time, or fit."""

    what: str
    runs: tuple[float, ...]
    unit: str
    most: float | None  # that is asked for; None where it stands for comparison
    date: str
    load: float

    @property
    def middle(self) -> float:
        """The median over the runs."""
        return statistics.median(self.runs)


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The whole record."""

    version: int
    hardware: str
    cores: int
    versions: Mapping[str, str]
    asked: tuple[Asked, ...] = ()
    limits: tuple[Limit, ...] = ()

    def with_asked(self, one: Asked, order: Sequence[str]) -> "Scores":
        """With the answers to a question, in place of older ones."""
        kept = [*(old for old in self.asked if old.name != one.name), one]
        return replace(self, asked=tuple(sorted(kept, key=lambda each: order.index(each.name))))


def read(file: Path = FILE) -> Scores:
    """The record; a file that does not fit raises BadInput with the place in it."""
    value = read_json(file)
    version = value.get("version") if isinstance(value, dict) else None
    if version != VERSION:
        raise BadInput(f"{file} has version {version!r} of the record, expected {VERSION}")
    return parsed(Scores, value)


def write(scores: Scores, file: Path = FILE) -> None:
    """Whole or not at all."""
    write_json(file, written(scores))
