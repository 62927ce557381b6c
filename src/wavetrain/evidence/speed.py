"""The shape of a table of speed: what `wavetrain bench` writes, and the site shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavetrain.errors import BadInput
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.shape import parsed, written

FOLDER = "speed"  # in the folder of the runs
PLAIN = "plain route"  # among what stands beside


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The same computed by another program, in turn with ours."""

    name: str
    seconds: float  # the median over the rounds
    times: float  # how many times as long as ours, the median over the rounds of the ratio within a round


@dataclass(frozen=True, kw_only=True)
class Row:
    """One computation."""

    name: str  # of the recurrence, or of the layer
    built_on: str  # the recurrence that a layer is built on; empty of a recurrence
    does: str  # forward, or forward + backward
    shape: str
    dtype: str
    route: str
    seconds: float  # the median over the rounds
    rounds: int
    bytes: int | None  # the least that must be moved; None of a layer
    flops: int | None  # the least that must be computed
    bound: (
        str  # copy or product: which of the two takes longer at the rates of this machine; empty of a layer
    )
    share: float | None  # the time of that bound over ours
    beside: tuple[Beside, ...]
    error: float | None  # the largest against float64, over the largest size; of outputs and gradients
    doubt: str = ""  # why its figure is not to be trusted


@dataclass(frozen=True, kw_only=True)
class Speed:
    """A table of speed of one machine."""

    asked: str  # a recurrence or a layer; empty for all
    device: str
    copy: float  # bytes read and written per second, by a copy of a large array in the same run
    product: float  # FLOP per second of a large matrix product in the same run
    rows: tuple[Row, ...]
    skipped: tuple[str, ...]  # what was left out, with the reason
    load: float  # programs that wanted a core before it began
    environment: Mapping[str, Any]
    date: str


def bound(*, moved: float, flops: float, copy: float, product: float) -> tuple[str, float]:
    """Which limit holds a computation, and the seconds that it takes at least.

    >>> from wavetrain.evidence.speed import bound
    >>> bound(moved=2 * 10**9, flops=10**9, copy=1e10, product=1e11)
    ('copy', 0.2)
    """
    slow, busy = moved / copy, flops / product
    return ("copy", slow) if slow >= busy else ("product", busy)


def doubt(*, moved: float, flops: float, seconds: float, copy: float, product: float) -> str:
    """Why a time is not to be trusted: no program moves or computes more than the machine does.

    >>> from wavetrain.evidence.speed import doubt
    >>> doubt(moved=10**9, flops=0, seconds=0.05, copy=1e10, product=1e11)
    'faster than a copy of as many bytes: in a cache, or not whole'
    """
    if moved / seconds > copy:
        return "faster than a copy of as many bytes: in a cache, or not whole"
    if flops / seconds > product:
        return "more FLOP than a large product does in that time"
    return ""


def write(folder: Path, one: Speed) -> Path:
    """Write a table into the folder `speed` of the runs; an older one of the same question is replaced."""
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{one.asked or 'all'}-{one.device.replace(':', '')}.json"
    write_json(path, written(one))
    return path


def read(path: Path) -> Speed:
    """A table; one that does not fit raises BadInput with the place in it."""
    try:
        return parsed(Speed, read_json(path))
    except BadInput as error:
        raise BadInput(f"{path}: {error}; `wavetrain bench` makes it anew") from error


def found(runs: Path) -> list[Speed]:
    """The tables in a folder of runs, by name; damaged ones are left out."""
    tables = []
    for path in sorted((runs / FOLDER).glob("*.json")):
        try:
            tables.append(read(path))
        except BadInput:
            continue
    return tables
