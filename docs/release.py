"""The notes of a release: the section of the changelog that has its version.

`python docs/release.py 0.1.0` prints them. A version that is not that of the package, or has no section, is
refused.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def notes(changelog: str, version: str, packaged: str) -> str:
    """The section of a version, without its heading."""
    if version != packaged:
        raise SystemExit(f"expected the package's version {packaged}, got {version}")
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    for section in sections:
        heading, _, body = section.partition("\n")
        if heading.split()[0] == version:
            return body.strip() + "\n"
    raise SystemExit(f"CHANGELOG.md has no section {version}")


if __name__ == "__main__":
    from wavetrain import __version__

    sys.stdout.write(notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), sys.argv[1], __version__))
