"""Checks the links inside built pages: every address leads to a file that is there, every # to a part of it.

`python docs/links.py FOLDER` prints each link that leads nowhere, and ends with 1 if there is one.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the parts that can be linked to."""

    def __init__(self, path: Path):
        super().__init__()
        self.links: set[str] = set()
        self.parts: set[str] = {"", "top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        words = dict(attrs)
        self.parts |= {str(words[name]) for name in ("id", "name") if words.get(name)}
        self.links |= {str(words[name]) for name in ("href", "src") if words.get(name)}


def broken(folder: Path) -> list[str]:
    """A line for each link inside the pages of a folder that leads nowhere."""
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    lines = []
    for path, page in pages.items():
        for link in sorted(page.links):
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            target = target / "index.html" if target.is_dir() else target
            where = f"{path.relative_to(folder)}: {link}"
            if not target.exists():
                lines.append(f"{where} leads to no file")
            elif target in pages and unquote(address.fragment) not in pages[target].parts:
                lines.append(f"{where} leads to no part of its page")
    return lines


if __name__ == "__main__":
    found = broken(Path(sys.argv[1]).resolve())
    for line in found:
        print(line)  # noqa: T201
    print(f"{len(found)} broken links")  # noqa: T201
    sys.exit(bool(found))
