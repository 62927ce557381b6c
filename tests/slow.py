"""Which tests `make check` leaves out: chosen by how long they took, and written to slow.txt.

    make slow        # runs everything on two idle cores, then this: python -m tests.slow junit.xml

The promises in SLOW cost seconds for each layer and are left out always. So is every test that asks for one
of FIXTURES, for whichever comes first pays for all. Of the other tests, each a function with all its cases,
those are left out whose cases take longest on average, until the rest takes no longer than SECONDS on one
core. What is left out is marked `slow`, and `make test` runs it. Finding eleven thousand tests and telling of
them takes as long again, so that `make check` takes a minute on two.
"""

import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

SECONDS = 30.0
SLOW = ("compile", "export", "half_precision", "autocast")  # promises of a layer
FIXTURES = {  # made once for a file, in seconds
    "tests/report/test_comparisons.py::runs",
    "tests/report/test_site_browser.py::browser",
    "tests/run/test_classes.py::compared",
    "tests/run/test_forecasts.py::compared",
    "tests/run/test_values.py::compared",
}
HERE = Path(__file__).parent


def times(report: Path) -> dict[str, list[float]]:
    """Seconds of each case, by test: tests/layers/gate/test_gru.py::test_bias; without promises in SLOW."""
    found: dict[str, list[float]] = defaultdict(list)
    for case in ElementTree.parse(report).iter("testcase"):
        file, (name, _, words) = (
            case.attrib["classname"].replace(".", "/"),
            case.attrib["name"].partition("["),
        )
        if not set(SLOW) & set(words.rstrip("]").split("-")):
            found[f"{file}.py::{name}"].append(float(case.attrib["time"]))
    return found


def slow(taken: dict[str, list[float]], seconds: float = SECONDS) -> list[str]:
    """The tests to leave out, so that the rest takes `seconds`."""
    left = sum(map(sum, taken.values()))
    out = []
    for name, cases in sorted(taken.items(), key=lambda one: -sum(one[1]) / len(one[1])):
        if left <= seconds:
            break
        left -= sum(cases)
        out.append(name)
    return sorted(out)


if __name__ == "__main__":
    names = slow(times(Path(sys.argv[1])), *map(float, sys.argv[2:]))
    (HERE / "slow.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
