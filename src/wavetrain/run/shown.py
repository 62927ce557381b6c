"""What a lens has found as figures and pictures: read off its own fields.

A lens returns a NamedTuple. Its annotations name the axes of each array, and the comment beside a field says
what it is and in which unit; both are shown as they stand, so that adding a lens needs no second place.
Pictures draw what was found: a part of a long series is cut out of it and never computed anew.
"""

import inspect
import re
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from wavetrain.evidence.picture import Curve, Field, Maps, Matrix, Picture

SHOWN = 4  # pictures of a lens
LONGEST = 1000  # samples of a series that a picture shows
MANY = 8  # maps, or lines, of one picture
QUIET = {"surrogates", "draws"}  # axes of nulls, which p-values sum up
COUNTED = {"moments", "events", "spikes"}  # in no order but that of time: no curve runs through them


class Figure(NamedTuple):
    """One field of what a lens found."""

    name: str  # in words
    value: str
    about: str  # what it is, with its unit


def figures(found: Any) -> list[Figure]:
    """Numbers as they are; of an array its shape, its smallest, its middle and its largest value.

    A field without a comment of its own is what the whole is, by its first line.
    """
    words, whole = _abouts(type(found)), (inspect.getdoc(found) or "").partition("\n")[0].rstrip(".")
    return [
        Figure(name.replace("_", " "), _told(getattr(found, name)), words.get(name) or whole)
        for name in found._fields
    ]


def numbers(found: Any) -> dict[str, Any]:
    """Fields for a JSON file: numbers, and arrays of few numbers; of others the shape. NaN is null."""
    told: dict[str, Any] = {}
    for name in found._fields:
        value = np.asarray(getattr(found, name))
        if value.size > LONGEST or value.dtype.kind not in "fiub":
            told[name] = {"shape": list(value.shape)}
            continue
        plain = value.astype(object)
        if value.dtype.kind == "f":
            plain[~np.isfinite(value)] = None
        told[name] = plain.tolist()
    return told


def pictures(lens: str, found: Any, offered: Mapping[str, Any], of: str = "") -> dict[str, Picture]:
    """At most `SHOWN` pictures of what a lens found, by the names of its fields; `of` is whose they are."""
    words, axes, drawn = _abouts(type(found)), _axes(type(found)), dict[str, Picture]()
    for name in found._fields:
        value = np.asarray(getattr(found, name))
        if len(drawn) == SHOWN or value.dtype.kind not in "fiub" or value.size < 2 or name == "null":
            continue
        dims = axes.get(name, [])[-value.ndim :] if value.ndim else []
        if len(dims) != value.ndim or set(dims) & (QUIET | COUNTED):
            continue
        while len(dims) > 3 or (len(dims) == 3 and dims[0] in ("trials", "batch", "rings", "sequences")):
            value, dims = value[0], dims[1:]
        one = _picture(
            f"{of or lens.replace('_', ' ')}: {name.replace('_', ' ')}",
            value,
            dims,
            words.get(name, ""),
            offered,
        )
        if one is not None:
            drawn[name] = one
    return drawn


def _picture(
    title: str, value: np.ndarray, dims: list[str], about: str, offered: Mapping[str, Any]
) -> Picture | None:
    label = about.split(";")[0].split(",")[0] or title
    value = value.astype(float)
    if len(dims) == 1:
        x, xlabel = _along(dims[0], len(value), offered)
        return Curve(
            title=title, x=x, lines=value[None][:, : len(x)], labels=("",), xlabel=xlabel, ylabel=label
        )
    if len(dims) == 3:
        names = tuple(f"{dims[0]} {at}" for at in range(min(MANY, len(value))))
        return Maps(
            title=title, values=value[:MANY], labels=names, xlabel=dims[2], ylabel=dims[1], label=label
        )
    if len(dims) != 2:
        return None
    if dims[0] == dims[1]:
        return Matrix(title=title, values=value, xlabel=dims[1], ylabel=dims[0], label=label)
    if dims[0] == "time":
        value, dims = value.T, dims[::-1]
    x, xlabel = _along(dims[1], value.shape[1], offered)
    extent = None
    if xlabel.endswith("(s)"):
        step = x[1] - x[0] if len(x) > 1 else 1.0
        extent = (float(x[0]), float(x[-1] + step), value.shape[0] - 0.5, -0.5)
    cyclic = about.startswith("rad")
    return Field(
        title=title,
        values=value[:, : len(x)],
        xlabel=xlabel,
        ylabel=dims[0],
        label=label,
        extent=extent,
        cyclic=cyclic,
    )


def _along(axis: str, size: int, offered: Mapping[str, Any]) -> tuple[np.ndarray, str]:
    """Places along an axis, and its name with a unit: the beginning of a long one."""
    size = min(size, LONGEST) if axis == "time" else size
    if axis == "time" and "rate" in offered:
        return np.arange(size) / offered["rate"], "time (s)"
    return np.arange(size, dtype=float), f"{axis} (steps)" if axis == "time" else axis


def _told(value: Any) -> str:
    array = np.asarray(value)
    if array.dtype.kind not in "fiubc":
        return str(value)
    if array.ndim == 0:
        return f"{array.item():.4g}" if array.dtype.kind != "b" else str(bool(array))
    known = array[np.isfinite(array)] if array.dtype.kind in "fc" else array
    shape = " × ".join(map(str, array.shape))
    if not known.size or array.dtype.kind == "c":
        return f"{shape} numbers" + ", none known" * (not known.size)
    if array.dtype.kind == "b":
        return f"{shape}: {array.mean():.1%} true"
    if array.size <= 4:
        return ", ".join(f"{one:.4g}" for one in array.ravel())
    return f"{shape}: {known.min():.4g} to {known.max():.4g}, median {np.median(known):.4g}"


def _axes(kind: type) -> dict[str, list[str]]:
    """The names of the axes of each array, the stars of leading axes left out."""
    hints = typing.get_type_hints(kind)
    dims = {name: getattr(hint, "dim_str", "") for name, hint in hints.items()}
    return {name: [one.lstrip("*#") for one in text.split()] for name, text in dims.items() if text}


def _abouts(kind: type) -> dict[str, str]:
    """The comment beside each field, or above it."""
    told: dict[str, str] = {}
    above: list[str] = []
    for line in inspect.getsource(kind).splitlines():
        code, _, comment = line.strip().partition("#")
        field = re.match(r"(\w+): ", code)
        if field:
            told[field[1]] = comment.strip() or " ".join(above)
        above = [*above, comment.strip()] if comment and not code else []
    return told
