"""Writes docs/coverage.json, which the page "What the tests reach" shows: `make coverage` runs it.

    python docs/covered.py .coverage.json [--tests "all tests"] [--to docs/coverage.json]

It reads what `coverage json` writes, and keeps the counts of each package, the date and the commit.
"""

import argparse
import datetime
import subprocess
from pathlib import Path

from extension import covered
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.shape import written

ROOT = Path(__file__).resolve().parent.parent


def git(*arguments: str) -> str:
    done = subprocess.run(("git", "-C", str(ROOT), *arguments), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=Path, help="what `coverage json` wrote")
    parser.add_argument("--tests", default="all tests", help="which tests ran, in words")
    parser.add_argument("--to", type=Path, default=covered.COMMITTED)
    given = parser.parse_args()
    report = read_json(given.report)
    found = covered.Coverage(
        version=covered.VERSION,
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        commit=git("rev-parse", "--short=12", "HEAD"),
        changed=bool(git("status", "--porcelain", "--untracked-files=no", "--", "src", "tests")),
        tests=given.tests,
        packages=covered.counted(report),
    )
    write_json(given.to, written(found))
    total = covered.total(found)
    print(f"{total.share:.1%} of lines and branches, by package in {given.to}")


if __name__ == "__main__":
    main()
