"""The Sphinx extension: writes the generated pages before Sphinx reads, and puts result pages beside them.

members    a page for each layer, memory, network, rule, task, data set and lens
claims     the claims by topic; their own pages are those of `wavetrain site`
api        a page for each public module
speed      how fast, from the record of the benchmarks
peers      how well, beside other libraries, from another record of them
covered    what the tests reach, from the committed counts
roles      links to claims and members, and measured figures, in hand-written pages
"""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

from extension import api, claims, covered, members, peers, roles, speed
from wavetrain.report import pages
from wavetrain.report.catalogue import catalogue

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"
log = logging.getLogger(__name__)


def write(folder: Path, written: dict[str, str]) -> None:
    """Bring a folder of generated pages up to date; files that are the same keep their time."""
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in folder.rglob("*.md"):
        if path.relative_to(folder).as_posix() not in written:
            path.unlink()


def generate(app: Sphinx) -> None:
    found = catalogue(RESULTS)
    app.wavetrain_catalogue = found  # type: ignore[attr-defined]
    folder = Path(app.srcdir) / "generated"
    write(folder / "members", members.written(found, folder / "members"))
    write(folder / "claims", claims.written(found))
    write(folder / "api", api.written())
    quality = {"speed.md": speed.page(), "peers.md": peers.page(), "tests.md": covered.page(covered.read())}
    write(folder / "quality", quality)


def results(app: Sphinx, exception: Exception | None) -> None:
    """The result pages, as `wavetrain site` makes them, in `results/`."""
    if exception is None and app.builder.format == "html":
        pages.build(RESULTS, Path(app.outdir) / "results", home="../index.html")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", generate, priority=100)
    app.connect("source-read", roles.sources)
    app.connect("build-finished", results)
    roles.add(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
