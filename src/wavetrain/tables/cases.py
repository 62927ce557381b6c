"""A `.ts` file as something to learn: the class, or the number, that goes with each of its series.

Series of unequal length end together: the steps before a shorter one begins are zero, so that the last step
is a real one. What was not measured is the last value before it, and at the start the first that was.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from wavetrain.core import CLASSES, VALUES, Batch, Recorded, majority
from wavetrain.errors import BadInput
from wavetrain.tables import parts, scaling
from wavetrain.tables.cells import decoded
from wavetrain.tables.read.labelled import Labelled, labelled

FEWEST = 10  # series that can be had in three parts


class Case(NamedTuple):
    """A task, what it is in words, and the answer that its chance level belongs to."""

    task: Recorded
    what: str
    answer: str
    spread: tuple[float, ...] = ()  # what one of each channel is in its own units, where sequences are scaled
    centre: tuple[float, ...] = ()  # what zero is


def cases(content: bytes) -> Case:
    """The task of a file."""
    return case(labelled(decoded(content)))


def case(found: Labelled) -> Case:
    """The task of series with a class, or a number, each."""
    if found.labels is None and found.targets is None:
        raise BadInput(
            "expected a class or a number for each series, @classLabel true or @targetLabel true, got neither"
        )
    if len(found.series) < FEWEST:
        raise BadInput(f"expected at least {FEWEST} series for three parts, got {len(found.series)}")
    series = [filled(one) for one in found.series]
    names = np.array([])
    scale: tuple[float, ...] = ()
    level: tuple[float, ...] = ()
    if found.labels is not None:
        names, y = np.unique(sortable(found.labels), return_inverse=True)
        if len(names) < 2:
            raise BadInput(f"expected two classes or more, got one class only: {names[0]}")
        split = parts.stratified(y)
        parts.check_classes(y, split, names)
    else:
        values = np.asarray(found.targets).reshape(len(series), -1)
        split = parts.shuffled(len(values))
        y = scaling.scaled(values, values[split[0]])
        scale, level = scaling.units(values[split[0]])
    rows = np.concatenate([series[row] for row in split[0]])
    x = _together(series, rows)
    train, valid, test = (Batch(torch.from_numpy(x[part]), torch.from_numpy(y[part])) for part in split)
    if not len(names):
        parts.check_varies(train.y, valid.y, test.y)
    task = Recorded(
        train,
        valid,
        test,
        inputs=x.shape[-1],
        outputs=len(names) or values.shape[1],
        tokens=False,
        every_step=False,
        objective=CLASSES if len(names) else VALUES,
        chance=majority(test.y) if len(names) else 0.0,
        names=tuple(map(str, names)),
        scale=scale,
        level=level,
    )
    what = _said(found.series, len(names), split)
    spread, centre = scaling.units(rows)
    return Case(task, what, "the commonest class" if len(names) else "the mean", spread, centre)


def sortable(labels: Sequence[str]) -> np.ndarray:
    """Classes as numbers where all are, so that 2 comes before 10.

    >>> from wavetrain.tables.cases import sortable
    >>> sortable(["10", "2"]).tolist(), sortable(["1", "a"]).tolist()
    ([10, 2], ['1', 'a'])
    """
    for kind in (np.int64, np.float64):
        try:
            found = np.array(labels).astype(kind)
        except ValueError:
            continue
        if [str(one) for one in found] == list(labels):
            return found
    return np.array(labels)


def filled(values: np.ndarray) -> np.ndarray:
    """Values (steps, columns) without gaps: the last one measured, at the start the first, zero if none is.

    >>> from wavetrain.tables.cases import filled
    >>> filled(np.array([[np.nan], [2.0], [np.nan], [3.0]])).flatten().tolist()
    [2.0, 2.0, 2.0, 3.0]
    """
    there = ~np.isnan(values)
    row = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(there, row, -1), axis=0)
    place = np.where(last < 0, there.argmax(0), last)
    return np.nan_to_num(np.take_along_axis(values, place, 0), nan=0.0)


def _together(series: list[np.ndarray], train: np.ndarray) -> np.ndarray:
    """Series in units of the training part, at the end of the longest."""
    longest = max(map(len, series))
    x = np.zeros((len(series), longest, train.shape[1]), np.float32)
    for row, one in enumerate(series):
        x[row, longest - len(one) :] = scaling.scaled(one, train)
    return x


def _said(series: tuple[np.ndarray, ...], classes: int, split: parts.Parts) -> str:
    least, most = min(map(len, series)), max(map(len, series))
    gaps = sum(int(np.isnan(one).sum()) for one in series)
    train, valid, test = map(len, split)
    return (
        f"{len(series)} series of {least if least == most else f'{least} to {most}'} steps and "
        f"{series[0].shape[1]} channels; {f'{classes} classes' if classes else 'a number for each'}; "
        f"{train} to train, {valid} to choose by and {test} to test, by a fixed shuffle"
        + (", each class in its share" if classes else "")
        + (f"; {gaps} values were not measured and are the last before them" if gaps else "")
    )
