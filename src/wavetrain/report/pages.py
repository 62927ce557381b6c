"""The site: what was claimed, what was measured, and the systems, as pages that open without a server.

`build` reads the results folder, and the systems and claims that `find` sees; it writes `index.html`,
`claims/NAME.html`, `systems/NAME.html`, the pictures and one style sheet. The pages have no script and load
nothing from elsewhere. A site is written beside its place and then put there, so that it is whole or not
there; the list of its files, MARKER, is how an older site of ours is known, and nothing else is replaced.
"""

import json
import math
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import jinja2
from PIL import Image

from wavetrain import claims, find
from wavetrain.errors import BadInput
from wavetrain.evidence import today
from wavetrain.evidence.result import Result, Words, read_all
from wavetrain.find import Found
from wavetrain.report import results as reading
from wavetrain.report.bibtex import bibtex
from wavetrain.report.prose import inline, prose

HERE = Path(__file__).parent
MARKER = ".wavetrain-site.json"
BADGES = {claims.HOLDS: "holds", claims.FAILS: "fails"}  # to a class of the style sheet; else "open"


@dataclass(frozen=True)
class Shown:
    """A picture of a result, as the pages show it."""

    path: str  # in the results folder and in the site, with slashes
    title: str  # empty where the file carries none
    description: str
    size: tuple[int, int]  # pixels


FEW = 3  # figures of a claim in the table of all claims


@dataclass(frozen=True)
class Outcome:
    """A result with what the pages need to know of it."""

    result: Result
    standing: str  # with the code of today
    rows: list[reading.Row]
    pictures: list[Shown]

    @property
    def leading(self) -> list[reading.Row]:
        """What stands in the table of all claims; the claim's own page has all rows."""
        return reading.leading(self.rows, FEW)

    @property
    def badge(self) -> str:
        return BADGES.get(self.result.verdict.word, "open")


@dataclass(frozen=True)
class Claimed:
    """A claim: an experiment that was found, or that left a result, or both."""

    name: str
    about: str
    claim: Words
    outcomes: list[Outcome]  # the largest scale first; empty where it was not run


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


def build(results: Path, out: Path) -> Path:
    """Build the site of a folder of results in the folder `out`; returns the path of its index.

    Raises BadInput where there is no result, where a result or picture is damaged, and where `out` holds
    anything but an older site of ours.
    """
    try:
        results, out = results.resolve(), out.resolve()
    except RuntimeError as error:
        raise BadInput(f"{results} or {out} leads in a circle of links: {error}") from error
    _check_place(results, out)
    outcomes = [_outcome(results, result) for result in read_all(results)]
    claimed = _claimed(outcomes)
    systems = _systems(claimed)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"no folder for the site can be made at {out.parent}: {error.strerror}") from error
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        _write(new, results, outcomes, claimed, systems)
        if out.exists():
            out.rename(old)
        try:
            new.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise
    return out / "index.html"


def _check_place(results: Path, out: Path) -> None:
    """The only folder that may be replaced is one that we wrote and nobody added to."""
    if results.is_relative_to(out):
        raise BadInput(f"the site must not replace its results: {out} holds {results}; give another folder")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / MARKER).is_file():
        raise BadInput(f"{out} is there and is not a site that was built here; give another folder")
    try:
        ours = {MARKER, *json.loads((out / MARKER).read_text(encoding="utf-8"))}
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{out / MARKER} is damaged ({error}); move the site {out} away") from error
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    if not there <= ours:
        added = sorted(there - ours)[0]
        raise BadInput(f"{out} holds {added}, which is not of the site and would be lost; move it away")


def _outcome(results: Path, result: Result) -> Outcome:
    pictures = [_shown(results, result.name, path) for path in result.pictures]
    return Outcome(result, today.standing(result), reading.rows(result), pictures)


def _shown(results: Path, where: str, path: Any) -> Shown:
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
    return Shown(place.relative_to(results).as_posix(), title, description, size)


def _claimed(outcomes: list[Outcome]) -> list[Claimed]:
    """All experiments that were found or left results, by name."""
    texts = {
        one.name: (one.about, Words.of(one.facts))
        for one in find.members("experiments")
        if one.facts.get("text")
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


def _write(
    out: Path, results: Path, outcomes: list[Outcome], claimed: list[Claimed], systems: list[System]
) -> None:
    for folder in ("claims", "systems"):
        (out / folder).mkdir(parents=True)
    shutil.copyfile(HERE / "site.css", out / "site.css")
    for path in {picture.path for outcome in outcomes for picture in outcome.pictures}:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(results / path, out / path)
    environment = _templates()
    environment.globals["titles"] = {system.found.name: system.title for system in systems}

    def page(path: str, template: str, words: dict[str, Any]) -> None:
        text = environment.get_template(template).render({"root": "../" * path.count("/")} | words)
        (out / path).write_text(text, encoding="utf-8", errors="replace")

    page("index.html", "index.html.j2", {"outcomes": outcomes, "claimed": claimed, "systems": systems})
    for claim in claimed:
        page(f"claims/{claim.name}.html", "claim.html.j2", {"one": claim})
    for system in systems:
        page(f"systems/{system.found.name}.html", "system.html.j2", {"system": system})
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    (out / MARKER).write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": reading.number,
        "duration": reading.duration,
        "agreement": reading.agreement,
        "prose": prose,
        "inline": inline,
        "quote": quote,
        "words": lambda name: str(name).replace("_", " "),
        "setting": lambda value: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
    }
    environment.globals |= {"waves": _waves(), "meaning": today.MEANING}
    return environment


def _waves(rows: int = 5, width: int = 720) -> list[str]:
    """The paths of the header: one packet of waves at five moments, further to the right at each."""
    paths = []
    for row in range(rows):
        centre, base = width * (0.12 + 0.19 * row), 26 + 15 * row
        points = []
        for x in range(0, width + 1, 3):
            packet = math.exp(-(((x - centre) / 58) ** 2))
            points.append(f"{x} {base - 21 * packet * math.cos((x - centre) / 6.5):.1f}")
        paths.append("M" + "L".join(points))
    return paths
