"""The page of a look through lenses, in its folder, which opens without a server."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wavetrain.report.catalogue import Shown, shown
from wavetrain.report.moving import Film
from wavetrain.report.pages import HERE, templates


class Section(NamedTuple):
    """One lens on the page."""

    lens: str
    title: str
    rows: Sequence[tuple[str, ...]]  # figure, value, value of the recording beside, what it is
    pictures: Sequence[Path]  # of two targets by turns
    films: Sequence[Film]


class Drawn(NamedTuple):
    """A section with its pictures as the page shows them."""

    section: Section
    pictures: list[Shown]


def write_page(
    folder: Path,
    *,
    target: str,
    beside: str,
    said: Sequence[str],
    sections: Sequence[Section],
    left_out: dict[str, str],
) -> Path:
    """Write `index.html` beside the pictures; `beside` names a second target, or is empty."""
    for name in ("site.css", "site.js"):
        shutil.copyfile(HERE / name, folder / name)
    drawn = [
        Drawn(one, [shown(folder.resolve(), folder.name, path.name) for path in one.pictures])
        for one in sections
    ]
    words = {
        "root": "",
        "home": "",
        "target": target,
        "beside": beside,
        "said": said,
        "drawn": drawn,
        "left_out": left_out,
    }
    text = templates().get_template("look.html.j2").render(words)
    page = folder / "index.html"
    page.write_text(text, encoding="utf-8", errors="replace")
    return page
