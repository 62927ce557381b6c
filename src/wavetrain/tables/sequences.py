"""Sequences with an answer each or one a step, from the arrays x and y, and groups where they are given."""

from collections.abc import Sequence

import numpy as np
import torch

from wavetrain.core import CLASSES, VALUES, Batch, Recorded, majority
from wavetrain.errors import BadInput
from wavetrain.tables import archive, parts, scaling
from wavetrain.tables.cases import Case

FEWEST = 10  # sequences that can be had in three parts


def sequences(content: bytes) -> Case:
    """The task of two arrays."""
    arrays, others = archive.arrays(content, ("x", "y"), ("groups",))
    x, y, groups = arrays["x"], arrays["y"], arrays.get("groups")
    labels = y.dtype.kind in "iubUS"
    tokens = x.dtype == np.int64 and x.ndim == 2 and y.dtype.kind in "iu"
    _check_x(x)
    every_step = _check_y(x, y, labels)
    count, time = x.shape[:2]
    names = np.array([])
    if labels:
        names, y = np.unique(y, return_inverse=True)
    y = y.reshape(count, *([time] if every_step else []), *([] if labels else [-1]))
    split = _parts(y, groups, labels, every_step)
    if labels:
        parts.check_classes(y, split, names)
    train = split[0]
    spread: tuple[float, ...] = ()
    centre: tuple[float, ...] = ()
    if tokens:
        x, inputs = scaling.tokens(x, x[train])
    else:
        x = x.reshape(count, time, -1)
        raw = x
        x, inputs = scaling.scaled(raw, raw[train]), raw.shape[-1]
        spread, centre = scaling.units(raw[train])
    scale, level = ((), ()) if labels else scaling.units(y[train])
    if not labels:
        y = scaling.scaled(y, y[train])
    learn, valid, test = (Batch(torch.from_numpy(x[part]), torch.from_numpy(y[part])) for part in split)
    if not labels:
        parts.check_varies(learn.y, valid.y, test.y)
    outputs, objective = (len(names), CLASSES) if labels else (y.shape[-1], VALUES)
    chance = majority(test.y) if labels else 0.0
    what = (
        f"{count} sequences of {time} steps, {inputs} {'tokens' if tokens else 'channels'}; {outputs} "
        f"{'classes' if labels else 'values'} for each {'step' if every_step else 'sequence'}; "
        f"{len(learn.x)} to train, {len(valid.x)} to choose by and {len(test.x)} to test, "
        f"{_how(groups, labels and not every_step)}" + (f"; not read: {', '.join(others)}" if others else "")
    )
    task = Recorded(
        learn,
        valid,
        test,
        inputs,
        outputs,
        tokens,
        every_step,
        objective,
        chance,
        names=tuple(map(str, names)),
        scale=scale,
        level=level,
    )
    return Case(task, what, "the commonest class" if labels else "the mean", spread, centre)


def _parts(y: np.ndarray, groups: np.ndarray | None, labels: bool, every_step: bool) -> parts.Parts:
    if groups is not None:
        if groups.shape != y.shape[:1] or groups.dtype.kind not in "iubUS":
            raise BadInput(
                f"expected groups ({len(y)},) of integers or strings, got {groups.shape} of {groups.dtype}"
            )
        return parts.grouped(groups)
    if not labels:
        return parts.shuffled(len(y))
    return parts.shown(y) if every_step else parts.stratified(y)


def _how(groups: np.ndarray | None, stratified: bool) -> str:
    if groups is not None:
        return f"{len(np.unique(groups))} groups kept whole"
    return "by a fixed shuffle" + (", each class in its share" if stratified else "")


def _check_x(x: np.ndarray) -> None:
    if x.dtype.kind not in "fiub":
        raise BadInput(f"expected x of real numbers, got {x.dtype}")
    if x.ndim not in (2, 3):
        raise BadInput(f"expected x (N, T) or (N, T, C), got {x.shape}")
    if len(x) < FEWEST:
        raise BadInput(f"expected at least {FEWEST} sequences for three parts, got {len(x)}")
    if x.shape[1] < 2 or x.shape[-1] < 1:
        raise BadInput(f"expected sequences of at least 2 steps and 1 channel, got x {x.shape}")
    _check_finite("x", x, ("row", "step", "channel"))


def _check_y(x: np.ndarray, y: np.ndarray, labels: bool) -> bool:
    """Raise for answers that do not fit x; returns whether there is one for each step."""
    if not labels and y.dtype.kind != "f":
        raise BadInput(f"expected y of integers or strings for labels, of floats for values, got {y.dtype}")
    if y.ndim == 0 or len(y) != len(x):
        raise BadInput(f"expected as many answers as sequences, got x {x.shape} and y {y.shape}")
    most = 2 if labels else 3  # axes, of which the second must be time
    every_step = y.ndim > 1 and y.shape[1] == x.shape[1]
    if y.ndim > most or y.size == 0 or (y.ndim == most and not every_step):
        shapes = "labels y (N,) or (N, T)" if labels else "values y (N,), (N, K), (N, T) or (N, T, K)"
        raise BadInput(f"expected {shapes} for x {x.shape}, got y {y.shape} of {y.dtype}")
    if labels and (y == y.flat[0]).all():
        raise BadInput(f"expected labels y of two classes or more, got one class only: {y.flat[0]}")
    if not labels:
        _check_finite("y", y, ("row", "step", "channel") if every_step else ("row", "channel"))
    return every_step


def _check_finite(name: str, values: np.ndarray, axes: Sequence[str]) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        place = np.unravel_index(int(bad.argmax()), bad.shape)
        where = ", ".join(f"{axis} {index}" for axis, index in zip(axes, place, strict=False))
        raise BadInput(f"expected finite numbers, got {values[place]} in {name} at {where}, counted from 0")
