"""A forecaster in a folder: all that it needs to go on, as tensors and JSON, never pickled.

model.safetensors   weights, the errors behind its intervals, and in the header what it is: settings,
                    columns and their roles, clock, season, versions
rows.npz            the last rows of each series it learned from, and what is known ahead of them, unless they
                    were left out
card.md             what it is, for people; nothing is read from it
"""

import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

import wavetrain
from wavetrain import find
from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.estimators import _card
from wavetrain.estimators._base import Base, Kind
from wavetrain.estimators._forecast import Columns, network
from wavetrain.parts import saved
from wavetrain.tables.clock import Clock
from wavetrain.tables.form import form_of
from wavetrain.tables.panel import Panel, Series

if TYPE_CHECKING:
    from wavetrain.estimators._fitted import FittedForecaster

F = TypeVar("F", bound="FittedForecaster")

KIND = "wavetrain forecaster"
VERSION = 2
MODEL, ROWS, CARD = "model.safetensors", "rows.npz", "card.md"
SETTINGS = (
    *("layer", "horizon", "context", "season", "width", "depth", "steps", "batch", "rate", "origins"),
    *("valid", "phases", "random_state"),
)


def save(model: "FittedForecaster", folder: Path, rows: bool) -> None:
    settings = {name: getattr(model, name) for name in SETTINGS} | {"layer": name_of(model.layer)}
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{name}": value for name, value in model.network_.state_dict().items()}
    tensors["errors"] = torch.from_numpy(model.errors_)
    if model.base_.weight is not None:
        tensors["line"] = torch.from_numpy(model.base_.weight)
    whole = model.panel_
    words = {
        "kind": KIND,
        "version": VERSION,
        "versions": model.versions_,
        "settings": settings,
        "columns": whole.columns,
        "targets": whole.targets,
        "known": whole.known,
        "clock": None if whole.clock is None else dataclasses.asdict(whole.clock),
        "form": None if whole.form is None else dataclasses.asdict(whole.form),
        "said": whole.said,
        "digest": model.digest_,
        "cycles": model.cycles_,
        "season": model.season_,
        "context": model.context_,
        "origins": model.origins_,
        "base": model.base_.kind.value,
        "holes": model.network_.holes,
        "history": model.history_,
    }
    if rows:
        _write_rows(folder / ROWS, model)
    else:
        (folder / ROWS).unlink(missing_ok=True)
    saved.save(folder / MODEL, tensors, words)
    new = folder / f"{CARD}.new"
    new.write_text(_card.card(model, "FOLDER"), encoding="utf-8")
    new.replace(folder / CARD)


def load(kind: type[F], folder: Path) -> F:
    path = folder / MODEL
    if not path.is_file():
        raise BadInput(f"{folder}: expected a folder with {MODEL}, as `save` writes it")
    tensors, words = saved.load(path)
    found = (words.get("kind"), words.get("version"))
    if found != (KIND, VERSION):
        told = f"{found[0]} of version {found[1]}" if found[0] else "something else"
        raise BadInput(f"{path}: expected a {KIND} of version {VERSION}, got {told}")
    try:
        return _restored(kind, folder, tensors, words)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, OSError) as error:
        raise BadInput(f"{path} is not a whole forecaster ({error})") from error


def _restored(kind: type[F], folder: Path, tensors: dict[str, torch.Tensor], words: dict[str, Any]) -> F:
    model = kind.__new__(kind)
    for name in SETTINGS:
        setattr(model, name, words["settings"][name])
    model.cycles_, model.season_ = tuple(words["cycles"]), words["season"]
    model.context_, model.origins_ = words["context"], words["origins"]
    model.history_ = [(step, error) for step, error in words["history"]]
    model.digest_, model.versions_ = words["digest"], words["versions"]
    columns, known = tuple(words["columns"]), tuple(words["known"])
    series, model.ahead_, model.before_ = _read_rows(
        folder / ROWS, len(columns), len(known) - 2 * len(model.cycles_)
    )
    model.panel_ = Panel(
        columns=columns,
        series=series,
        targets=tuple(words["targets"]),
        known=known,
        clock=None if words["clock"] is None else Clock(**words["clock"]),
        form=None if words["form"] is None else form_of(words["form"]),
        said=tuple(words["said"]),
    )
    model.ends_ = [len(one) for one in series]
    targets = tuple(model.panel_.places(model.panel_.targets))
    line = tensors.pop("line", None)
    model.base_ = Base(
        Kind(words["base"]),
        model.context_,
        model.horizon,
        targets,
        model.season_,
        None if line is None else line.numpy(),
    )
    model.errors_ = tensors.pop("errors").numpy()
    centre = tensors.get("network.ahead.centre", torch.zeros(0))
    facts = Columns(
        len(columns), tuple(model.panel_.places(known)), centre, torch.ones_like(centre), words["holes"]
    )
    model.network_ = network(layer_of(model.layer), model.width, model.depth, model.base_, facts)
    model.network_.load_state_dict({name.removeprefix("network."): value for name, value in tensors.items()})
    model.network_.eval()
    return model


def layer_of(layer: str | type[Layer]) -> type[Layer]:
    """The class of a layer that is given by name, by place (mine.py:MyLayer) or as itself."""
    return find.named(layer, ("layers",)).load() if isinstance(layer, str) else layer


def name_of(layer: str | type[Layer]) -> str:
    """The name by which a layer is found again."""
    if isinstance(layer, str):
        return layer
    for one in find.members("layers"):
        if (one.module, one.symbol) == (layer.__module__, layer.__name__):
            return one.place or one.name
    raise BadInput(
        f"expected a layer that can be found again, by a name or as mine.py:{layer.__name__}; got the class"
    )


def left_out(rows: int, context: int, origins: int) -> int:
    """Rows at the beginning of a series that no later forecast reads: whole blocks, so that all stay in step.

    >>> from wavetrain.estimators._kept import left_out
    >>> left_out(100, 30, 16), left_out(80, 30, 16)
    (16, 0)
    """
    return max(0, rows - 2 * context - origins) // origins * origins


def _write_rows(path: Path, model: "FittedForecaster") -> None:
    """The last rows of each series, how many were left out before them, and what is known ahead."""
    arrays: dict[str, np.ndarray] = {}
    before = []
    for place, one in enumerate(model.panel_.series):
        over = left_out(len(one), model.context_, model.origins_)
        before.append(model.before_[place] + over)
        arrays[f"values {place}"] = one.values[over:]
        if one.times is not None:
            arrays[f"times {place}"] = one.times[over:]
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


def digest(model: "FittedForecaster") -> str:
    """sha256 of the weights of a forecaster and of the rows that it learned from."""
    found = hashlib.sha256(model.digest_.encode())
    for name, value in model.network_.state_dict().items():
        found.update(name.encode() + value.numpy().tobytes())
    return found.hexdigest()
