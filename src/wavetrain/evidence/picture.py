"""Pictures as data: what an experiment hands over and the report draws.

Each is a frozen dataclass of numpy arrays with a title and labels. `save` writes one to a `.npz`,
`load` brings it back; the drawing itself is in `report/draw.py`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Curve:
    """Lines over a common axis, for example a score over training steps; one line per label."""

    title: str
    x: np.ndarray  # (K,)
    lines: np.ndarray  # (L, K), NaN where a line has no point
    labels: tuple[str, ...]  # (L,)
    xlabel: str = ""
    ylabel: str = ""
    log: bool = False  # whether the vertical axis is logarithmic
    seeds: bool = False  # whether those of other seeds belong into it, as a course of learning, and no trial
    each: np.ndarray | None = None  # (seeds, L, K), where `lines` are means over these


@dataclass(frozen=True)
class Field:
    """A quantity over space (down) and time (across), for example activity on a ring."""

    title: str
    values: np.ndarray  # (space, time)
    xlabel: str = "time (steps)"
    ylabel: str = "position"
    label: str = "activity"  # of the colours, with a unit where there is one
    extent: tuple[float, float, float, float] | None = None  # left, right, bottom, top; None counts cells
    cyclic: bool = False  # a phase in radians, whose ends have one colour


@dataclass(frozen=True)
class Matrix:
    """A T x T operator or another square table: row = now, column = then."""

    title: str
    values: np.ndarray  # (T, T)
    xlabel: str = "then (step)"
    ylabel: str = "now (step)"
    label: str = "influence"  # of the colours, with a unit where there is one


@dataclass(frozen=True)
class Maps:
    """Maps of one quantity over places, side by side, in one scale of colours; NaN where nothing was seen."""

    title: str
    values: np.ndarray  # (M, down, across)
    labels: tuple[str, ...]  # (M,), one over each map
    xlabel: str = "x (places)"
    ylabel: str = "y (places)"
    label: str = "activity"
    columns: int = 4  # most maps in a row
    seeds: bool = False  # whether it may be a mean over seeds
    mean: int = 1  # of so many


@dataclass(frozen=True)
class Raster:
    """Events of units over time."""

    title: str
    time: np.ndarray  # (events,)
    unit: np.ndarray  # (events,)
    xlabel: str = "time"
    ylabel: str = "unit"


@dataclass(frozen=True)
class Points:
    """Points in the plane in labelled groups."""

    title: str
    x: np.ndarray  # (points,)
    y: np.ndarray  # (points,)
    group: np.ndarray  # (points,) index into labels
    labels: tuple[str, ...]
    xlabel: str = ""
    ylabel: str = ""
    seeds: bool = False  # whether those of other seeds belong beside them


@dataclass(frozen=True)
class Paths:
    """Lines in the plane, many in each of several panels side by side, over those that were wanted."""

    title: str
    lines: np.ndarray  # (panels, lines, T, 2)
    labels: tuple[str, ...]  # (panels,), one over each panel
    wanted: np.ndarray  # (lines, T, 2), the same in all panels
    xlabel: str = "x"
    ylabel: str = "y"
    columns: int = 3  # most panels in a row


@dataclass(frozen=True)
class Alarms:
    """A series with alarms marked, over how unusual each row is; NaN where there is nothing."""

    title: str
    x: np.ndarray  # (K,) rising; seconds since 1970 where `dates`
    value: np.ndarray  # (K,)
    expected: np.ndarray  # (K,)
    unusual: np.ndarray  # (K,)
    alarm: np.ndarray  # (K,) bool
    threshold: float  # above which there is an alarm
    learned: int = 0  # rows at the beginning that were learned from
    dates: bool = False
    xlabel: str = "row"
    ylabel: str = "value"
    label: str = "error (robust deviations)"  # of what is unusual


Picture = Curve | Field | Matrix | Maps | Raster | Points | Paths | Alarms
_KINDS = {kind.__name__: kind for kind in (Curve, Field, Matrix, Maps, Raster, Points, Paths, Alarms)}


def together(pictures: Sequence[Picture]) -> Picture:
    """The pictures of several seeds as one, where they belong into one and are alike; else the first.

    Lines come beside their means, geometric ones on a logarithmic axis, points beside points; of maps there
    is the mean. A mean is only where all seeds have a value.
    """
    first, *others = pictures
    if not isinstance(first, Curve | Points | Maps) or not (first.seeds and others):
        return first
    if any(type(one) is not type(first) or one.labels != first.labels for one in others):
        return first
    if isinstance(first, Curve):
        return _lines([one for one in pictures if isinstance(one, Curve)])
    if isinstance(first, Points):
        points = [one for one in pictures if isinstance(one, Points)]
        x, y, group = (
            np.concatenate(parts)
            for parts in zip(*((one.x, one.y, one.group) for one in points), strict=True)
        )
        return replace(first, x=x, y=y, group=group)
    values = [one.values for one in pictures if isinstance(one, Maps)]
    if len({one.shape for one in values}) > 1:
        return first
    return replace(first, values=np.mean(values, axis=0), mean=len(values))


def _lines(curves: list[Curve]) -> Curve:
    x = np.unique(np.concatenate([one.x for one in curves]))
    each = np.full((len(curves), *curves[0].lines.shape[:1], len(x)), np.nan)
    for place, one in enumerate(curves):
        each[place][:, np.searchsorted(x, one.x)] = one.lines
    if curves[0].log:
        positive = np.where(each > 0, each, np.nan)
        return replace(curves[0], x=x, lines=np.exp(np.log(positive).mean(axis=0)), each=each)
    return replace(curves[0], x=x, lines=each.mean(axis=0), each=each)


def save(path: Path, picture: Picture) -> None:
    """Write a picture's data to a .npz file."""
    values = {entry.name: getattr(picture, entry.name) for entry in fields(picture)}
    arrays: dict[str, Any] = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    words = {name: value for name, value in values.items() if name not in arrays}
    with path.open("wb") as file:
        np.savez_compressed(file, _words=json.dumps({"kind": type(picture).__name__, **words}), **arrays)


def load(path: Path) -> Picture:
    """Read a picture's data back from a .npz file."""
    with np.load(path, allow_pickle=False) as file:
        words = json.loads(str(file["_words"]))
        arrays = {name: file[name] for name in file.files if name != "_words"}
    kind = _KINDS[words.pop("kind")]
    words = {name: tuple(value) if isinstance(value, list) else value for name, value in words.items()}
    return kind(**words, **arrays)
