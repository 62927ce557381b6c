"""What the tests reach, package by package: the committed counts of `make coverage`, and their page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from wavetrain.errors import BadInput
from wavetrain.evidence.files import read_json
from wavetrain.evidence.shape import parsed

COMMITTED = Path(__file__).resolve().parents[1] / "coverage.json"
PACKAGE = "src/wavetrain/"
VERSION = 1  # of the shape


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many lines and branches there are, and how many of them the tests ran."""

    lines: int
    lines_run: int
    branches: int
    branches_run: int
    kernels: int = 0  # lines that are left out: compiled kernels, and promises without a body

    @property
    def share(self) -> float:
        """Of lines and branches together."""
        return (self.lines_run + self.branches_run) / max(1, self.lines + self.branches)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            lines=self.lines + other.lines,
            lines_run=self.lines_run + other.lines_run,
            branches=self.branches + other.branches,
            branches_run=self.branches_run + other.branches_run,
            kernels=self.kernels + other.kernels,
        )


NOTHING = Counts(lines=0, lines_run=0, branches=0, branches_run=0)


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """One measurement."""

    version: int
    date: str
    commit: str
    changed: bool  # whether source or tests differed from that commit
    tests: str  # which ran, in words
    packages: Mapping[str, Counts]


def counted(report: Mapping[str, Any]) -> dict[str, Counts]:
    """The counts of each package, from what `coverage json` wrote; files elsewhere are not ours to count."""
    packages: dict[str, Counts] = {}
    for name, file in report["files"].items():
        if PACKAGE not in f"/{name}":
            continue
        inside = PurePosixPath(name.rpartition(PACKAGE)[2]).parts
        package = inside[0] if len(inside) > 1 else "(the package itself)"
        packages[package] = packages.get(package, NOTHING) + _counts(file["summary"])
    if not packages:
        raise BadInput(f"the report names no file under {PACKAGE}")
    return dict(sorted(packages.items()))


def _counts(summary: Mapping[str, int]) -> Counts:
    return Counts(
        lines=summary["num_statements"],
        lines_run=summary["covered_lines"],
        branches=summary["num_branches"],
        branches_run=summary["covered_branches"],
        kernels=summary["excluded_lines"],
    )


def total(found: Coverage) -> Counts:
    return sum(found.packages.values(), NOTHING)


def read(path: Path = COMMITTED) -> Coverage | None:
    """The committed counts; None where coverage has not been measured."""
    if not path.exists():
        return None
    found = parsed(Coverage, read_json(path))
    if found.version != VERSION:
        raise BadInput(f"{path} has version {found.version} of the counts, expected {VERSION}")
    return found


START = """# What the tests reach

`make coverage` counts which lines and branches of each package run in the quick tests, in the contract and in
a small run of every experiment. The other slow tests are left out, for measured they would take an hour: what
they alone reach counts here as not reached. A line that was run may still be wrong; a line that was never run
is not tested at all. How many planted faults the tests see is measured by `make mutants`.

Left out are kernels that numba compiles: they run as machine code, in which lines cannot be seen. Their
values and gradients are held to PyTorch by `tests/scan`, and their bounds by `make check-memory`. Left out,
too, are promises without a body and imports for type checkers.
"""

ABSENT = "It has not been measured for this version."


def page(found: Coverage | None) -> str:
    """The page, from the committed counts."""
    if found is None:
        return f"{START}\n{ABSENT}\n"
    whole = total(found)
    state = ", with changes that were not committed" if found.changed else ""
    lines = [
        START,
        f"On {found.date}, {found.tests} reached **{whole.share:.1%}** of lines and branches together "
        f"(commit `{found.commit}`{state}).",
        "",
        "| package | lines | run | branches | run | together | left out |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *(_row(f"`{name}`" if name[0] != "(" else name, one) for name, one in found.packages.items()),
        _row("**all**", whole),
        "",
    ]
    return "\n".join(lines)


def _row(name: str, one: Counts) -> str:
    def share(part: int, all_: int) -> str:
        return f"{part / all_:.1%}" if all_ else "none"

    return (
        f"| {name} | {one.lines:,} | {share(one.lines_run, one.lines)} | {one.branches:,} "
        f"| {share(one.branches_run, one.branches)} | {one.share:.1%} | {one.kernels:,} |"
    )
