"""A look through lenses kept in a folder: a page, pictures, a table of figures, JSON, and all arrays.

Of a recording beside the target there is the same: LENS-beside.npz, pictures, and a column of its own.
"""

import csv
import io
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.evidence.files import write_json
from wavetrain.report.draw import draw
from wavetrain.report.look import Section, write_page
from wavetrain.report.moving import FRAMES, Film, moving
from wavetrain.run.look import Look, Seen
from wavetrain.run.shown import figures, numbers, pictures

VERSION = 1
CYCLE = 12  # frames of the fastest rhythm
BESIDE = "-beside"
BOTH = "of both"  # in place of a value of its own


class Side(NamedTuple):
    """What one lens found of one target: what is drawn of it."""

    pictures: list[Path]
    film: Film | None


class Row(NamedTuple):
    """One figure of one lens, of the target and of the recording beside it; empty where there is none."""

    lens: str
    name: str
    value: str
    beside: str
    about: str


def keep(found: Look, folder: Path) -> Path:
    """Write all that was found; returns the page. The result is written last: where it is, all is."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInput(f"{folder} is no folder") from error
    other = found.beside
    rows = table(found)
    sections = []
    for one, two in paired(found):
        sides = [
            _side(each, look, folder, ending, look.target if other is not None else "")
            for each, look, ending in ((one, found, ""), (two, other, BESIDE))
            if each is not None and look is not None and each.found is not None
        ]
        if not sides:
            continue
        mine = [row for row in rows if row.lens == one.lens]
        alternate = zip_longest(*(side.pictures for side in sides))
        drawn = [path for pair in alternate for path in pair if path is not None]
        films = [side.film for side in sides if side.film is not None]
        sections.append(Section(one.lens, one.title, [row[1:] for row in mine], drawn, films))
    left_out = {one.lens: why for one, two in paired(found) if (why := _why(one, two))}
    said = (
        [*found.said]
        if other is None
        else [f"{look.target}: {line}" for look in (found, other) for line in look.said]
    )
    page = write_page(
        folder,
        target=found.target,
        beside="" if other is None else other.target,
        said=said,
        sections=sections,
        left_out=left_out,
    )
    _write_table(folder / "figures.csv", rows, other is not None)
    whole = {"version": VERSION, "target": found.target, "said": list(found.said), "lenses": told(found)}
    if other is not None:
        whole["beside"] = {"target": other.target, "said": list(other.said), "lenses": told(other)}
    write_json(folder / "look.json", whole)
    return page


def paired(found: Look) -> list[tuple[Seen, Seen | None]]:
    """What each lens showed of the target, and of the recording beside it."""
    there = {one.lens: one for one in found.beside.seen} if found.beside is not None else {}
    return [(one, there.get(one.lens)) for one in found.seen]


def table(found: Look) -> list[Row]:
    """The figures of all lenses; of two targets in one row each."""
    rows = []
    for one, two in paired(found):
        mine = figures(one.found) if one.found is not None else []
        theirs = figures(two.found) if two is not None and two.found is not None else []
        values, others = ({row.name: row.value for row in side} for side in (mine, theirs))
        none = BOTH if one.both else ""
        rows += [
            Row(one.lens, row.name, values.get(row.name, ""), others.get(row.name, none), row.about)
            for row in mine or theirs
        ]
    return rows


def told(found: Look) -> list[dict[str, Any]]:
    """Each lens with its figures, or why it has none, for a JSON file."""
    return [
        {"lens": one.lens, "seconds": round(one.seconds, 3), "figures": numbers(one.found)}
        if one.found is not None
        else {"lens": one.lens, "why": one.why}
        for one in found.seen
    ]


def _why(one: Seen, two: Seen | None) -> str:
    """Why a lens shows nothing at all."""
    return one.why if one.found is None and (two is None or two.found is None) else ""


def _side(one: Seen, look: Look, folder: Path, ending: str, of: str) -> Side:
    """What one lens found: its arrays, its pictures and where it fits its moving picture."""
    found = {name: np.asarray(getattr(one.found, name)) for name in one.found._fields}
    arrays: dict[str, Any] = {name: array for name, array in found.items() if array.dtype.kind in "fiubc"}
    path = folder / f"{one.lens}{ending}.npz"
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        np.savez_compressed(file, **arrays)
    new.replace(path)
    drawn = []
    for name, picture in pictures(one.lens, one.found, look.offered, of).items():
        path = folder / f"{one.lens}-{name}{ending}.png"
        draw(picture, path)
        drawn.append(path)
    return Side(drawn, _moving(one, look.offered, folder / f"{one.lens}-moving{ending}.gif", of))


def _moving(one: Seen, offered: Mapping[str, Any], path: Path, of: str) -> Film | None:
    """A moving picture of phases (time, channels) at known positions."""
    phase = getattr(one.found, "phase", None)
    places, rate = offered.get("positions"), offered.get("rate")
    if (
        places is None
        or rate is None
        or not isinstance(phase, np.ndarray)
        or phase.shape != offered["recording"].shape
    ):
        return None
    known = np.isfinite(phase).any(1)
    if not known.any():
        return None
    begin = int(np.argmax(known))
    pace = np.nanmedian(np.abs(np.asarray(getattr(one.found, "frequency", rate / CYCLE))))
    every = max(1, round(rate / (CYCLE * max(pace, 1e-9))))
    part = np.arange(begin, len(phase), every)[:FRAMES]
    return moving(path, phase[part], places, part / rate, title=of or one.lens.replace("_", " "))


def _write_table(path: Path, rows: list[Row], two: bool) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["lens", "figure", "value", *["beside"] * two, "what it is"])
    for row in rows:
        writer.writerow([row.lens, row.name, row.value, *[row.beside] * two, row.about])
    new = path.with_name(path.name + ".new")
    new.write_text(text.getvalue(), encoding="utf-8")
    new.replace(path)
