"""The shape of a comparison of rules on files that are learned one after another: what its folder holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavetrain.errors import BadInput
from wavetrain.evidence.files import read_json, write_json
from wavetrain.evidence.shape import parsed, written


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What one rule kept of the files: accuracies on the test parts, means over the seeds."""

    rule: str
    after: tuple[tuple[float | None, ...], ...]  # row after each file, column on each; None where diverged
    average: float | None  # over all files, after the last
    spread: float | None  # its standard deviation over the seeds
    learned: float | None  # on a file at its own end
    forgetting: float | None  # from the best before the last file to the end
    backward: float | None  # backward transfer
    anytime: float | None  # over the files so far, at all ends
    stored: int = 0  # bytes that the rule keeps of the files


@dataclass(frozen=True, kw_only=True)
class InTurn:
    """Rules on a stream of files that is over."""

    files: tuple[str, ...]  # names, in their order
    said: tuple[str, ...]  # what was understood
    scenario: str
    chance: float  # the mean over files of the commonest class
    layer: str
    width: int
    parameters: int
    rate: float  # of Adam, for all rules
    terms: Mapping[str, Any]
    rules: tuple[Kept, ...]  # best first
    frozen: Kept  # that of the first rule, had it learned nothing after the first file
    at_once: float | None  # the average of all files learned as one
    picture: str  # the accuracy matrices, in the folder
    environment: Mapping[str, Any]
    folder: str


def read_in_turn(path: Path) -> InTurn:
    """A comparison that is over; raises BadInput where its file is damaged."""
    found = read_json(path)
    try:
        return parsed(InTurn, found)
    except BadInput as error:
        raise BadInput(f"{path}: {error}; delete it to make it anew") from error


def write_in_turn(path: Path, one: InTurn) -> None:
    """Write it, whole or not at all."""
    write_json(path, written(one))
