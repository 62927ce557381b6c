"""What is the same for all models of series in a folder: tensors and JSON, never pickled.

model.safetensors   what was learned, the errors behind the intervals, and in the header what it is: settings,
                    columns and their roles, clock, season, versions
rows.npz            the last rows of each series it learned from, and what is known ahead of them, unless they
                    were left out
card.md             what it is, for people; nothing is read from it
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import wavetrain
from wavetrain.errors import BadInput
from wavetrain.estimators import _card
from wavetrain.estimators._kept_files import DETECTOR, MODEL, SEQUENCES
from wavetrain.estimators._series_model import SeriesModel
from wavetrain.parts import saved
from wavetrain.tables.clock import Clock
from wavetrain.tables.form import form_of
from wavetrain.tables.panel import Panel, Series

OTHERS = {  # files by which other models are known
    SEQUENCES: "one that answers whole sequences: `wavetrain predict` and `evaluate` use it",
    DETECTOR: "one that finds unusual rows: `wavetrain anomalies --model` uses it",
}
OLD = "baseline.json"  # of a baseline as comparisons kept it before it was a model
AGAIN = "fit it again (wavetrain fit), or compare again"
ROWS, CARD = "rows.npz", "card.md"


class FolderKind(NamedTuple):
    """What a file says that it holds."""

    name: str
    version: int


def write(
    model: SeriesModel, folder: Path, kind: FolderKind, tensors: dict[str, Tensor], words: dict[str, Any]
) -> None:
    """The model and its card; rows are written before (`write_rows`)."""
    whole = model.panel_
    common = {
        "kind": kind.name,
        "version": kind.version,
        "versions": model.versions_,
        "columns": whole.columns,
        "targets": whole.targets,
        "known": whole.known,
        "clock": None if whole.clock is None else dataclasses.asdict(whole.clock),
        "form": None if whole.form is None else dataclasses.asdict(whole.form),
        "said": whole.said,
        "digest": model.digest_,
        "season": model.season_,
        "context": model.context_,
    }
    saved.save(folder / MODEL, tensors, common | words)
    new = folder / f"{CARD}.new"
    new.write_text(_card.card(model, "FOLDER"), encoding="utf-8")
    new.replace(folder / CARD)


def opened(folder: Path) -> tuple[FolderKind, dict[str, Tensor], dict[str, Any]]:
    """What `write` wrote, and what it says that it is."""
    path = folder / MODEL
    for name, what in OTHERS.items():
        if (folder / name).is_file():
            raise BadInput(f"{folder}: expected a model that forecasts series, got {what}")
    refuse_old(folder)
    if not path.is_file():
        raise BadInput(f"{folder}: expected a folder with {MODEL}, as `save` writes it")
    tensors, words = saved.load(path)
    return FolderKind(words.get("kind", ""), words.get("version", 0)), tensors, words


def check_kind(folder: Path, found: FolderKind, wanted: FolderKind) -> None:
    """Raise where the folder holds something else."""
    if found != wanted:
        told = f"{found.name} of version {found.version}" if found.name else "something else"
        again = f"; {AGAIN}" if found.name == wanted.name else ""
        raise BadInput(
            f"{folder / MODEL}: expected a {wanted.name} of version {wanted.version}, got {told}{again}"
        )


def refuse_old(folder: Path) -> None:
    """Raise for a baseline in the form that it had before it could answer like a model."""
    if (folder / OLD).is_file() and not (folder / MODEL).is_file():
        raise BadInput(
            f"{folder}: a baseline as earlier versions kept it, without rows and the errors behind its "
            f"intervals; {AGAIN}"
        )


def restore(model: SeriesModel, folder: Path, words: dict[str, Any]) -> None:
    """What is the same for all; settings and `cycles_` stand before."""
    columns, known = tuple(words["columns"]), tuple(words["known"])
    model.season_, model.context_ = words["season"], words["context"]
    model.digest_, model.versions_ = words["digest"], words["versions"]
    count = len(known) - 2 * len(model.cycles_)
    series, model.ahead_, model.before_ = _read_rows(folder / ROWS, len(columns), count)
    model.panel_ = Panel(
        columns=columns,
        series=series,
        targets=tuple(words["targets"]),
        known=known,
        clock=None if words["clock"] is None else Clock(**words["clock"]),
        form=None if words["form"] is None else form_of(words["form"]),
        said=tuple(words["said"]),
    )


def write_rows(model: SeriesModel, path: Path, over: Sequence[int]) -> None:
    """The last rows of each series, behind those that are left out, and what is known ahead."""
    arrays: dict[str, np.ndarray] = {}
    before = []
    for place, (one, left) in enumerate(zip(model.panel_.series, over, strict=True)):
        before.append(model.before_[place] + left)
        arrays[f"values {place}"] = one.values[left:]
        if one.times is not None:
            arrays[f"times {place}"] = one.times[left:]
        if model.ahead_[place].size:
            arrays[f"ahead {place}"] = model.ahead_[place]
    arrays["names"] = np.array([one.name for one in model.panel_.series])
    arrays["before"] = np.array(before)
    new = path.with_name("rows.new.npz")
    np.savez(new, **arrays)  # type: ignore[arg-type]
    new.replace(path)


def _read_rows(
    path: Path, columns: int, known: int
) -> tuple[tuple[Series, ...], tuple[np.ndarray, ...], list[int]]:
    """What was written; a series without rows where they were left out."""
    if not path.exists():
        return (Series(name="", values=np.zeros((0, columns))),), (np.zeros((0, known)),), [0]
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    names = [str(name) for name in arrays["names"]]
    series = tuple(
        Series(name=name, values=arrays[f"values {place}"], times=arrays.get(f"times {place}"))
        for place, name in enumerate(names)
    )
    none = np.zeros((0, known))
    ahead = tuple(arrays.get(f"ahead {place}", none) for place in range(len(names)))
    return series, ahead, [int(count) for count in arrays["before"]]


def versions() -> dict[str, str]:
    """Of what a model is made with."""
    torchs = torch.__version__.partition("+")[0]
    return {"wavetrain": wavetrain.__version__, "torch": torchs, "numpy": np.__version__}


def digest(model: SeriesModel) -> str:
    """sha256 of the weights of a model and of the rows that it learned from."""
    found = hashlib.sha256(model.digest_.encode())
    for name, value in model.weights().items():
        found.update(name.encode() + value.tobytes())
    return found.hexdigest()


def digest_of(whole: Panel) -> str:
    """sha256 of the rows of a panel, with their times, columns and series."""
    found = hashlib.sha256("\0".join(whole.columns).encode())
    for one in whole.series:
        found.update(f"\0{one.name}\0".encode() + one.values.tobytes())
        found.update(b"" if one.times is None else one.times.tobytes())
    return found.hexdigest()
