"""The page of a look through lenses, in its folder, which opens without a server."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wavetrain.report.catalogue import Shown, shown
from wavetrain.report.pages import HERE, templates


class Section(NamedTuple):
    """One lens on the page."""

    lens: str
    title: str
    rows: Sequence[tuple[str, ...]]  # figure, value, what it is
    pictures: Sequence[Path]
    moving: str = ""  # the file of a moving picture


class Drawn(NamedTuple):
    """A section with its pictures as the page shows them."""

    section: Section
    pictures: list[Shown]


def write_page(
    folder: Path, *, target: str, said: Sequence[str], sections: Sequence[Section], left_out: dict[str, str]
) -> Path:
    """Write `index.html` beside the pictures."""
    for name in ("site.css", "site.js"):
        shutil.copyfile(HERE / name, folder / name)
    drawn = [
        Drawn(one, [shown(folder.resolve(), folder.name, path.name) for path in one.pictures])
        for one in sections
    ]
    words = {"root": "", "home": "", "target": target, "said": said, "drawn": drawn, "left_out": left_out}
    text = templates().get_template("look.html.j2").render(words)
    page = folder / "index.html"
    page.write_text(text, encoding="utf-8", errors="replace")
    return page
