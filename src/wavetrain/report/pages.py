"""The site: what was claimed, what was measured, and the systems, as pages that open without a server.

`build` reads the results folder, and the systems and claims that `find` sees; it writes `index.html`,
`claims/NAME.html`, `systems/NAME.html`, `comparisons/NAME.html` of comparisons on data of one's own,
`speed.html` of tables of speed, the pictures, one style sheet and one script. The pages load nothing from
elsewhere, and all can be read without the script, which only finds claims on the index. A site is written
beside its place and then put there, so that it is whole or not there; the list of its files, MARKER, is how
an older site of ours is known, and nothing else is replaced.
"""

import json
import math
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jinja2

from wavetrain.errors import BadInput
from wavetrain.evidence import today
from wavetrain.evidence.speed import Speed
from wavetrain.evidence.topics import by_topic
from wavetrain.report.catalogue import Catalogue, badge, catalogue, nothing
from wavetrain.report.prose import inline, prose
from wavetrain.report.results import agreement, duration, number, tally
from wavetrain.report.speed import shown
from wavetrain.report.strips import strip

if TYPE_CHECKING:
    from wavetrain.report.comparisons import Compared

HERE = Path(__file__).parent
MARKER = ".wavetrain-site.json"


def build(
    results: Path,
    out: Path,
    home: str = "",
    compared: "Sequence[Compared]" = (),
    speeds: Sequence[Speed] = (),
) -> Path:
    """Build the site of a folder of results in the folder `out`; returns the path of its index.

    `home` is the address of a documentation that the site belongs to, as seen from its index. `compared` are
    comparisons on data of one's own, `speeds` tables of speed; with these, there may be no results.

    Raises BadInput where there is no result, where a result or picture is damaged, and where `out` holds
    anything but an older site of ours.
    """
    try:
        results, out = results.resolve(), out.resolve()
    except RuntimeError as error:
        raise BadInput(f"{results} or {out} leads in a circle of links: {error}") from error
    _check_place(results, out)
    found = nothing() if (compared or speeds) and not results.is_dir() else catalogue(results)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"no folder for the site can be made at {out.parent}: {error.strerror}") from error
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        _write(new, results, found, home, compared, speeds)
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


def _write(
    out: Path,
    results: Path,
    found: Catalogue,
    home: str,
    compared: "Sequence[Compared]",
    speeds: Sequence[Speed],
) -> None:
    for folder in ("claims", "systems"):
        (out / folder).mkdir(parents=True)
    for name in ("site.css", "site.js"):
        shutil.copyfile(HERE / name, out / name)
    _copy(
        {path for outcome in found.outcomes for one in outcome.pictures for path in one.paths}, results, out
    )
    environment = templates()
    environment.globals["titles"] = {system.found.name: system.title for system in found.systems}

    def page(path: str, template: str, words: dict[str, Any]) -> None:
        text = environment.get_template(template).render(
            {"root": "../" * path.count("/"), "home": home} | words
        )
        (out / path).write_text(text, encoding="utf-8", errors="replace")

    topics = by_topic((claim.topic, claim) for claim in found.claimed)
    page(
        "index.html",
        "index.html.j2",
        {"found": found, "topics": topics, "compared": compared, "speeds": speeds},
    )
    if speeds:
        page("speed.html", "speed.html.j2", {"speeds": shown(speeds)})
    for one in compared:
        place = f"comparisons/{one.folder.name}"
        _copy(
            {path for picture in one.pictures + one.operators for path in picture.paths},
            one.folder,
            out / place,
        )
        page(f"{place}.html", "comparison.html.j2", {"one": one.moved(place), "alone": False})
    for claim in found.claimed:
        page(f"claims/{claim.name}.html", "claim.html.j2", {"one": claim})
    for system in found.systems:
        page(f"systems/{system.found.name}.html", "system.html.j2", {"system": system})
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    (out / MARKER).write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")


def _copy(paths: Iterable[str], folder: Path, to: Path) -> None:
    """Lay files of a folder at the same places of another."""
    for path in paths:
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, to / path)


def templates() -> jinja2.Environment:
    """The templates of all pages."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "duration": duration,
        "agreement": agreement,
        "tally": tally,
        "badge_of": badge,
        "prose": prose,
        "strip": strip,
        "inline": inline,
        "quote": quote,
        "transposed": lambda columns: list(zip(*columns, strict=True)),
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
