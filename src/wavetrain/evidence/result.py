"""The one shape of a result: what was claimed, what was measured, and what that rests on.

A result is one experiment at one scale over its seeds, in `results/NAME-SCALE.json`. It is written and read
here alone. A file carries the version of its shape, and files of earlier versions are read as they are:
what they do not say is empty. A damaged file raises BadInput with its name and the place in it.

The standing of a result says whether its figures are those of today's code: *confirmed*, *stale*, *from an
older version*, or *not confirmed*; `today.MEANING` says what each means.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavetrain.errors import BadInput
from wavetrain.evidence.claims import FAILED, REPRODUCED, UNDECIDED, Figure, Measured, Verdict
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.shape import parsed, written

VERSION = 4  # of the shape
# 1 to 3 had no names and units of figures
# 1 had neither code, data, witness nor version; 1 and 2 had claims of one part, and other words for verdicts
BEFORE = {"holds": REPRODUCED, "does not hold": FAILED, "not decided at this scale": UNDECIDED}
SCALES = ("full", "small", "smoke")  # the most telling first

CONFIRMED = "confirmed"
STALE = "stale"
OLDER = "from an older version"
OPEN = "not confirmed"

Figures = Mapping[str, float | None]  # None where the training diverged


@dataclass(frozen=True, kw_only=True)
class PartWords:
    """What a part of a claim says of itself."""

    says: str = ""
    figures: tuple[str, ...] = ()  # names, or patterns as `loss_*`
    stronger: str = ""  # what the source states, where the part tests something weaker


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a claim says of itself."""

    title: str = ""
    sentence: str = ""
    topic: str = ""
    source: str = ""
    systems: tuple[str, ...] = ()
    parts: tuple[PartWords, ...] = ()
    published: Mapping[str, float | str] = dataclasses.field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: str = ""
    changed: tuple[str, ...] = ()
    unrun: str = ""

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Words":
        """From the fields of a claim, or from what is read of it without importing it."""
        found = _fields(cls, facts)
        parts = tuple(
            PartWords(**_fields(PartWords, part if isinstance(part, Mapping) else vars(part)))
            for part in found.get("parts", ())
        )
        figures = tuple(
            Figure(**_fields(Figure, one if isinstance(one, Mapping) else vars(one)))
            for one in found.get("figures", ())
        )
        return cls(**(found | {"parts": parts, "figures": figures}))


def _fields(kind: type, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: facts[field.name] for field in dataclasses.fields(kind) if field.name in facts}


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one seed came to."""

    seed: int
    figures: Figures
    seconds: float
    routes: Mapping[str, str]  # of each recurrence
    data: Mapping[str, str] = dataclasses.field(default_factory=dict)  # sha256 of each recording read
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Start:
    """How a training begins: its first looks."""

    losses: tuple[float | None, ...]
    scores: tuple[float | None, ...]  # on held-out sequences
    stepped: float  # mean square of what `step` of its layers returns, which a fast training never calls
    states: str  # digest of the generators after these steps


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What comes out when an experiment runs at one scale for the first seed."""

    trainings: Mapping[str, Start]  # as far as it went
    figures: Figures  # empty where it did not run to its end
    varying: tuple[str, ...] = ()  # figures that differ from replay to replay, as times do


@dataclass(frozen=True, kw_only=True)
class Witness:
    """What can be computed again in seconds, to see whether code still does what it did."""

    smoke: Replay  # the whole experiment at its smallest scale
    start: Replay | None  # at the scale of the result, the first steps of each training


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Figures that are known before anything is trained; empty where there are none."""

    untrained: Figures = dataclasses.field(default_factory=dict)
    exact: Figures = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """The last replay of a witness."""

    same: bool
    code: str  # digest of the code that was replayed
    date: str
    hardware: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """One experiment at one scale."""

    version: int
    experiment: str
    about: str
    claim: Words
    scale: str
    settings: Mapping[str, Any]
    verdict: Verdict
    seeds: tuple[int, ...]
    figures: tuple[Figures, ...]  # of each seed
    seconds: tuple[float, ...]
    routes: Mapping[str, str]
    environment: Mapping[str, Any]
    command: str
    date: str
    pictures: tuple[str, ...]  # paths in the folder of results
    code: str = ""  # digest of the code that measured the figures
    data: Mapping[str, str] = dataclasses.field(default_factory=dict)
    witness: Witness | None = None
    confirmation: Confirmation | None = None
    calibration: Calibration | None = None

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.experiment}-{self.scale}.json"

    def measured(self, scale: Any) -> list[Measured]:
        """The figures of each seed as predicates take them."""
        return [Measured(figures, scale) for figures in self.figures]

    def standing(self, today: str = "") -> str:
        """One of the four words above; `today` is the digest of the code as it is, where that is known."""
        if not self.code or self.witness is None:
            return OLDER
        last = self.confirmation
        if today in ("", self.code if last is None else last.code):
            return CONFIRMED if last is None or last.same else STALE
        return CONFIRMED if today == self.code else OPEN


def read(path: Path) -> Result | None:
    """One result, or None where the file is another kind of JSON."""
    found = read_json(path)
    if not isinstance(found, dict) or "experiment" not in found or "claim" not in found:
        return None
    try:
        result = parsed(Result, _migrated(found))
        _check(result)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    if path.name != result.name:
        raise BadInput(f"{path} must be called {result.name}, after what it holds")
    return dataclasses.replace(result, figures=tuple(map(finite, result.figures)))


def read_all(folder: Path) -> list[Result]:
    """The results in a folder, by experiment and then by scale, the largest first."""
    if not folder.is_dir():
        raise BadInput(f"no folder of results at {folder}; `wavetrain run NAME` makes one")
    found = [read(path) for path in sorted(folder.glob("*.json"))]
    results = [result for result in found if result is not None]
    if not results:
        raise BadInput(f"{folder} holds no result (NAME-SCALE.json); `wavetrain run NAME` writes one")
    return sorted(results, key=lambda result: (result.experiment, _rank(result.scale)))


def stale(folder: Path, names: Sequence[str]) -> list[Result]:
    """The results of some experiments whose replay came out different."""
    return [one for one in read_all(folder) if one.experiment in names and one.standing() == STALE]


def write(folder: Path, result: Result) -> None:
    """Write a result to its file in a folder, whole or not at all."""
    write_json(folder / result.name, written(result))


def finite(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """Figures as JSON has them: None for what is infinite or no number."""
    return {
        name: None if value is None or not math.isfinite(value) else value for name, value in figures.items()
    }


def _migrated(found: dict[str, Any]) -> dict[str, Any]:
    """A result of any version as one of today's."""
    version = found.get("version", 1)
    if version not in range(1, VERSION + 1):
        raise BadInput(f"`version` must be a number from 1 to {VERSION}, got {str(version)[:60]}")
    if version < 3:
        found = found | _in_parts(found)
    return found | {"version": VERSION}  # what the first version lacks has defaults


def _in_parts(found: dict[str, Any]) -> dict[str, Any]:
    """The claim and the verdict of a result from before there were parts, as a claim of one part."""
    claim, verdict = found["claim"], found.get("verdict")
    if not isinstance(claim, dict) or not isinstance(verdict, dict):
        return {}  # the types will say so
    kept = {name: value for name, value in claim.items() if name not in ("text", "seed")}
    judged = dict(verdict)
    if isinstance(judged.get("word"), str):
        judged["word"] = BEFORE.get(judged["word"], judged["word"])
    sentence = claim.get("text", "")
    return {
        "claim": kept | {"sentence": sentence, "parts": [{"says": sentence}]},
        "verdict": {"word": judged.get("word"), "parts": [judged]},
    }


def _check(result: Result) -> None:
    name = result.experiment
    if not (name.isascii() and name.isidentifier()):  # it becomes the name of a page
        raise BadInput(f"`experiment` must be the name of an experiment, got {name!r}")
    if not len(result.figures) == len(result.seeds) == len(result.seconds):
        raise BadInput("`seeds`, `figures` and `seconds` must be equally many")
    if len(result.verdict.parts) != len(result.claim.parts):
        raise BadInput("`verdict.parts` and `claim.parts` must be equally many")


def _rank(scale: str) -> tuple[int, str]:
    return SCALES.index(scale) if scale in SCALES else len(SCALES), scale
