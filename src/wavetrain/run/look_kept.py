"""A look through lenses kept in a folder: a page, pictures, a table of figures, JSON, and all arrays."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.evidence.files import write_json
from wavetrain.report.draw import draw
from wavetrain.report.look import Section, write_page
from wavetrain.report.moving import FRAMES, moving
from wavetrain.run.look import Look, Seen
from wavetrain.run.shown import figures, numbers, pictures

VERSION = 1
CYCLE = 12  # frames of the fastest rhythm


def keep(found: Look, folder: Path) -> Path:
    """Write all that was found; returns the page. The result is written last: where it is, all is."""
    folder.mkdir(parents=True, exist_ok=True)
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder")
    sections = [_section(one, found.offered, folder) for one in found.applied]
    left_out = {one.lens: one.why for one in found.seen if one.found is None}
    page = write_page(folder, target=found.target, said=found.said, sections=sections, left_out=left_out)
    _table(folder / "figures.csv", found)
    told = [
        {"lens": one.lens, "seconds": round(one.seconds, 3), "figures": numbers(one.found)}
        if one.found is not None
        else {"lens": one.lens, "why": one.why}
        for one in found.seen
    ]
    write_json(
        folder / "look.json",
        {"version": VERSION, "target": found.target, "said": list(found.said), "lenses": told},
    )
    return page


def _section(one: Seen, offered: Mapping[str, Any], folder: Path) -> Section:
    """One lens: its arrays, its pictures and where it fits its moving picture."""
    found = {name: np.asarray(getattr(one.found, name)) for name in one.found._fields}
    arrays: dict[str, Any] = {name: array for name, array in found.items() if array.dtype.kind in "fiubc"}
    new = folder / f"{one.lens}.npz.new"
    with new.open("wb") as file:
        np.savez_compressed(file, **arrays)
    new.replace(folder / f"{one.lens}.npz")
    drawn = []
    for name, picture in pictures(one.lens, one.found, offered).items():
        path = folder / f"{one.lens}-{name}.png"
        draw(picture, path)
        drawn.append(path)
    return Section(
        one.lens, one.title, [tuple(row) for row in figures(one.found)], drawn, _moving(one, offered, folder)
    )


def _moving(one: Seen, offered: Mapping[str, Any], folder: Path) -> str:
    """A moving picture of phases (time, channels) at known positions; the name of its file, or nothing."""
    phase = getattr(one.found, "phase", None)
    places, rate = offered.get("positions"), offered.get("rate")
    if (
        places is None
        or rate is None
        or not isinstance(phase, np.ndarray)
        or phase.shape != offered["recording"].shape
    ):
        return ""
    known = np.isfinite(phase).any(1)
    if not known.any():
        return ""
    begin = int(np.argmax(known))
    pace = np.nanmedian(np.abs(np.asarray(getattr(one.found, "frequency", rate / CYCLE))))
    every = max(1, round(rate / (CYCLE * max(pace, 1e-9))))
    part = np.arange(begin, len(phase), every)[:FRAMES]
    path = folder / f"{one.lens}.gif"
    moving(path, phase[part], places, part / rate, title=one.lens.replace("_", " "))
    return path.name


def _table(path: Path, found: Look) -> None:
    """All figures as a CSV, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["lens", "figure", "value", "what it is"])
    for one in found.applied:
        writer.writerows([one.lens, *row] for row in figures(one.found))
    new = path.with_name(path.name + ".new")
    new.write_text(text.getvalue(), encoding="utf-8")
    new.replace(path)
