"""The record of speed: what a script measured, when, with which code, and on which machine.

Each script has a file `benchmarks/history/SCRIPT.json`, with its runs from the oldest to the newest. It is
written by `benchmarks/record.py` alone and read here alone.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from wavetrain.errors import BadInput
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.shape import parsed, written

HISTORY = Path(__file__).resolve().parent / "history"
VERSION = 1  # of the shape


class Rival(StrEnum):
    """What a time of ours stands beside."""

    LOOP = "loop"  # the same computed by a plain PyTorch loop, or by a program as one first writes it down
    PEER = "peer"  # the same computed by another library, or by PyTorch's own module
    FLOOR = (
        "floor"  # the least that is possible: moving the numbers through memory, or the matrix products alone
    )
    ITSELF = "itself"  # the same program, at the beginning of a stream, or without what is asked about


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One computation of ours beside another, both timed in turn in one run."""

    name: str  # what is computed
    rival: str  # one of Rival
    beside: str  # what the other is, in words
    ours: float  # seconds, the median over the rounds
    other: float
    times: float  # ours / other, the median over the rounds of the ratio within a round
    low: float  # and the smallest and the largest of these ratios
    high: float


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where it was measured, and what that machine can do."""

    cpu: str
    cores: int
    threads: int  # of PyTorch
    copy: float  # GB/s read and written by a copy of a large array, in the same run
    product: float  # GFLOP/s of a large matrix product
    load_before: float  # programs that wanted a core in the minute before the script began
    load_after: float  # and at its end, the script among them

    @property
    def busy(self) -> bool:
        """Whether other programs had more than a tenth of a core for each core."""
        return self.load_before > 0.1 * self.cores


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of one script."""

    date: str  # and time, UTC
    commit: str
    changed: bool  # whether the checkout differed from that commit
    command: str
    setting: str  # shapes and types
    machine: Machine
    versions: Mapping[str, str]
    comparisons: tuple[Comparison, ...]
    skipped: tuple[str, ...] = ()  # rivals that were not there, with the reason


@dataclass(frozen=True, kw_only=True)
class History:
    """All runs of one script."""

    version: int
    script: str
    runs: tuple[Run, ...]


def compared(
    rows: Mapping[str, Sequence[float]], name: str, rival: Rival, *, ours: str, other: str, beside: str
) -> Comparison:
    """Two rows of `timing.measure` as one comparison."""
    ratios = [mine / its for mine, its in zip(rows[ours], rows[other], strict=True)]
    return Comparison(
        name=name,
        rival=rival.value,
        beside=beside,
        ours=statistics.median(rows[ours]),
        other=statistics.median(rows[other]),
        times=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
    )


def path(script: str, folder: Path = HISTORY) -> Path:
    return folder / f"{script}.json"


def read(file: Path) -> History:
    """The runs of one script; a file that does not fit raises BadInput with the place in it."""
    value = read_json(file)
    version = value.get("version") if isinstance(value, dict) else None
    if version != VERSION:
        raise BadInput(f"{file} has version {version!r} of the record, expected {VERSION}")
    history = parsed(History, value)
    for run in history.runs:
        for one in run.comparisons:
            if one.rival not in list(Rival):
                raise BadInput(f"{file}: `rival` must be one of {', '.join(Rival)}, got {one.rival!r}")
    return history


def read_all(folder: Path = HISTORY) -> list[History]:
    return [read(file) for file in sorted(folder.glob("*.json"))]


def add(script: str, run: Run, folder: Path = HISTORY) -> Path:
    """Append a run to the file of its script."""
    file = path(script, folder)
    before = read(file).runs if file.exists() else ()
    folder.mkdir(parents=True, exist_ok=True)
    write_json(file, written(History(version=VERSION, script=script, runs=(*before, run))))
    return file


def measured(setting: str, comparisons: Sequence[Comparison], skipped: Sequence[str] = ()) -> dict[str, Any]:
    """What a script hands to the record, in what it writes with --json."""
    return {"setting": setting, "comparisons": written(tuple(comparisons)), "skipped": list(skipped)}
