"""What there is to show: results and their pictures, claims and their results, systems and their claims.

Read from a folder of results and from what `find` sees. The site, and the documentation, show it as pages.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from wavetrain import find
from wavetrain.errors import BadInput
from wavetrain.evidence import claims, today
from wavetrain.evidence.result import Figures, Result, Words, read_all
from wavetrain.evidence.topics import Topic, topic
from wavetrain.find import Found
from wavetrain.report.bibtex import bibtex
from wavetrain.report.results import PartRow, Row, leading, part_rows, rows

BADGES = {  # classes of the style sheet; else "open"
    claims.REPRODUCED: "holds",
    claims.PARTLY: "partly",
    claims.FAILED: "fails",
}


@dataclass(frozen=True)
class Shown:
    """A picture of a result, as the pages show it."""

    path: str  # in the results folder and in the site, with slashes
    title: str  # empty where the file carries none
    description: str
    size: tuple[int, int]  # pixels
    vector: str = ""  # the same as SVG, where there is one

    @property
    def paths(self) -> list[str]:
        return [path for path in (self.path, self.vector) if path]


FEW = 3  # figures of a claim in the table of all claims


@dataclass(frozen=True)
class Outcome:
    """A result with what the pages need to know of it."""

    result: Result
    standing: str  # with the code of today
    rows: list[Row]
    pictures: list[Shown]

    @property
    def leading(self) -> list[Row]:
        """What stands in the table of all claims; the claim's own page has all rows."""
        return leading(self.result, FEW)

    @property
    def shown(self) -> list[Shown]:
        """The pictures; a page opens with the first.

        Those come first whose names tell of what the first part is judged by, its first figure before the
        others; then those that tell of what the claim is called. Those of untrained networks come last.
        """
        figures = [row.name for part in self.parts[:1] for row in part.figures]
        name = set(self.result.experiment.split("_"))

        def place(one: Shown) -> tuple[bool, int, int]:
            words = PurePosixPath(one.path).stem.split("-")
            told = [sum(f"_{word}_" in f"_{figure}_" for word in words) for figure in figures]
            first = next((at for at, many in enumerate(told) if many), len(told))
            untrained = any(word in one.path for word in ("fresh", "untrained"))
            return untrained, first, -sum(told[first : first + 1]) - len(name & set(words))

        return sorted(self.pictures, key=place)

    @property
    def said(self) -> str:
        """The verdict as a sentence."""
        parts, at = self.result.verdict.parts, f"At the {self.result.scale} scale,"
        if len(parts) != 1:
            reproduced = f"{self.result.verdict.reproduced} of {len(parts)} parts are reproduced"
            return f"{at} {reproduced}, with {len(self.result.seeds)} seeds."
        (part,) = parts
        why = f" ({part.why})" if part.why else ""
        return f"{at} {part.agree} of {part.seeds} seeds satisfy the claim{why}."

    @property
    def known(self) -> dict[str, Figures]:
        """What was known before anything was trained, by whose figures they are."""
        found = self.result.calibration
        figures = {} if found is None else {"Untrained": found.untrained, "Exact": found.exact}
        return {what: of for what, of in figures.items() if of}

    @property
    def parts(self) -> list[PartRow]:
        return part_rows(self.result)

    @property
    def badge(self) -> str:
        return badge(self.result.verdict.word)


def badge(word: str) -> str:
    """The class of the style sheet for a verdict's word."""
    return BADGES.get(word, "open")


@dataclass(frozen=True)
class Claimed:
    """A claim: an experiment that was found, or that left a result, or both."""

    name: str
    about: str
    claim: Words
    outcomes: list[Outcome]  # the largest scale first; empty where it was not run

    @property
    def title(self) -> str:
        """Its title, or, for an older result, the line that its experiment opens with."""
        return self.claim.title or (self.about.partition("\n")[0] or self.claim.sentence).removesuffix(".")

    @property
    def topic(self) -> Topic:
        return topic(self.claim.topic)


@dataclass(frozen=True)
class System:
    """A system and the claims about it."""

    found: Found
    claimed: list[Claimed]
    bibtex: str  # empty without a card

    @property
    def title(self) -> str:
        """What comes before the colon of its first line, else what its file defines."""
        before, colon, _ = self.found.summary.partition(": ")
        return before if colon and len(before) <= 40 else self.found.symbol

    @property
    def about(self) -> str:
        """The docstring without that title."""
        text = self.found.about.removeprefix(self.title + ": ")
        return text[:1].upper() + text[1:]

    @property
    def family(self) -> str:
        return str(self.found.facts.get("family") or self.found.kind)


@dataclass(frozen=True)
class Catalogue:
    """All that there is to show."""

    outcomes: list[Outcome]
    claimed: list[Claimed]  # by name
    systems: list[System]  # by family and then by name


def catalogue(results: Path) -> Catalogue:
    """Read a folder of results; BadInput where there is none, or where a result or picture is damaged."""
    outcomes = [_outcome(results, result) for result in read_all(results)]
    claimed = _claimed(outcomes)
    return Catalogue(outcomes, claimed, _systems(claimed))


def nothing() -> Catalogue:
    """The systems and claims without a result."""
    claimed = _claimed([])
    return Catalogue([], claimed, _systems(claimed))


def _outcome(results: Path, result: Result) -> Outcome:
    pictures = [shown(results, result.name, path) for path in result.pictures]
    return Outcome(result, today.standing(result), rows(result), pictures)


def shown(results: Path, where: str, path: Any) -> Shown:
    """A picture of a resolved folder, with the words that its file carries."""
    place = results / path if isinstance(path, str) else results
    inside = place.resolve().is_relative_to(results) and ".." not in place.parts
    if not (inside and place.suffix == ".png"):
        raise BadInput(f"{where}: a picture must be a .png inside the folder of results, got {path!r}")
    try:
        with Image.open(place, formats=["PNG"]) as image:
            words, size = image.info, image.size
    except (OSError, SyntaxError) as error:
        raise BadInput(f"{where}: {place} cannot be read as a picture ({error}); run it again") from error
    plain = PurePosixPath(path).stem.replace("_", " ").replace("-", " ")
    title, description = str(words.get("Title", "")), str(words.get("Description", plain))
    inner = place.relative_to(results)
    vector = inner.with_suffix(".svg").as_posix() if place.with_suffix(".svg").is_file() else ""
    return Shown(inner.as_posix(), title, description, size, vector)


def _claimed(outcomes: list[Outcome]) -> list[Claimed]:
    """All experiments that were found or left results, by name."""
    texts = {
        one.name: (one.about, Words.of(one.facts))
        for one in find.members("experiments")
        if one.facts.get("sentence")
    }
    for outcome in outcomes:  # what a result says of its claim is what was judged
        texts[outcome.result.experiment] = (outcome.result.about, outcome.result.claim)
    of = {name: [one for one in outcomes if one.result.experiment == name] for name in texts}
    return [Claimed(name, about, claim, of[name]) for name, (about, claim) in sorted(texts.items())]


def _systems(claimed: list[Claimed]) -> list[System]:
    """All systems that were found, by family and then by name."""
    systems = []
    for found in find.everything():
        if found.kind in find.SYSTEMS:
            about = [one for one in claimed if found.name in one.claim.systems]
            systems.append(System(found, about, bibtex(found) if found.facts.get("title") else ""))
    return sorted(systems, key=lambda system: (system.family, system.found.name))
