"""The shape of a comparison of layers: what `wavetrain compare` writes to its folder, and reads again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from wavetrain.errors import BadInput
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.shape import parsed, written

Kind = TypeVar("Kind")


@dataclass(frozen=True, kw_only=True)
class Source:
    """What was learned."""

    source: str  # a path or a name
    name: str
    what: str  # sizes, parts, what was left out


@dataclass(frozen=True, kw_only=True)
class Chance:
    """The best that can be had without looking at the input."""

    score: float
    answer: str  # which answer that is


@dataclass(frozen=True, kw_only=True)
class Context:
    """How far back a trained stack reaches, in steps."""

    mean: float
    reach: int  # steps that hold 90% of the operator's weight
    crop: Mapping[str, int]  # the part of the test sequences that was looked at
    picture: str  # data of the operator, in the folder


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one layer made of the data."""

    layer: str
    family: str
    width: int
    parameters: int  # of the whole stack
    rate: float
    scores: tuple[float | None, ...]  # of each seed; None where the training diverged
    score: float | None  # the mean; None where a training diverged
    spread: float | None
    diverged: tuple[int, ...]  # seeds
    state_bytes: int
    context: Context | None
    metrics: Mapping[str, float | None] = field(default_factory=dict)  # others, means over the seeds
    columns: Mapping[str, float | None] = field(default_factory=dict)  # the score of each column by itself
    model: str = ""  # where it is kept, in the folder


@dataclass(frozen=True, kw_only=True)
class Simple:
    """What a baseline made of the data: no layer, and no network."""

    name: str
    score: float | None  # None where it has no answer for some of the test part
    metrics: Mapping[str, float | None]
    columns: Mapping[str, float | None]
    seconds: float  # to fit it
    model: str = ""  # where it is kept, in the folder


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Whether a layer earns its keep over the baselines."""

    says: str  # a sentence
    advice: str  # what to use
    earns: bool
    chosen: tuple[str, ...] = ()  # the best layer and the best baseline, by the part to choose by


@dataclass(frozen=True, kw_only=True)
class Timings:
    """What one layer costs on this machine."""

    training_tokens_per_second: int
    microseconds_per_step: float
    routes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One layer of a comparison."""

    figures: Figures
    timings: Timings


@dataclass(frozen=True, kw_only=True)
class Record:
    """A comparison that is over."""

    data: Source
    measure: str
    higher: bool  # whether a higher score is better
    chance: Chance
    terms: Mapping[str, Any]
    left_out: Mapping[str, str]  # layers that do not fit into the budget, and why
    figures: tuple[Figures, ...]  # best first
    timings: Mapping[str, Timings]
    pictures: Mapping[str, str]  # of the operator of each layer, in the folder
    environment: Mapping[str, Any]
    folder: str
    baselines: tuple[Simple, ...] = ()  # best first
    verdict: Judged | None = None
    said: tuple[str, ...] = ()  # what was understood of the data, line by line
    drawn: Mapping[str, str] = field(default_factory=dict)  # other pictures, in the folder, by what they show
    rivals: str = "layer"  # what is compared: layers, or rules that teach one

    @property
    def advised(self) -> str:
        """Where the model of what the verdict advises is kept, in the folder; empty where none is kept."""
        advice = "" if self.verdict is None else self.verdict.advice
        models = {one.layer: one.model for one in self.figures} | {
            one.name: one.model for one in self.baselines
        }
        return models.get(advice, "")


def read_part(path: Path) -> Part:
    """One layer of a comparison."""
    return _read(Part, path)


def read_record(path: Path) -> Record:
    """A comparison that is over."""
    return _read(Record, path)


def write(path: Path, one: Part | Record) -> None:
    """Write either, whole or not at all."""
    write_json(path, written(one))


def _read(kind: type[Kind], path: Path) -> Kind:
    found = read_json(path)
    try:
        one: Kind = parsed(kind, found)
    except BadInput as error:
        raise BadInput(f"{path}: {error}; delete it to make it anew") from error
    return one
