"""A forecaster in a folder: all that it needs to go on, as tensors and JSON, never pickled.

model.safetensors   weights, the errors behind its intervals, and in the header what it is: settings,
                    columns and their roles, clock, season, versions
rows.npz            the last rows of each series it learned from, unless they were left out
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import wavetrain
from wavetrain import find
from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.estimators._base import Base, Kind
from wavetrain.estimators._forecast import Columns, network
from wavetrain.parts import saved
from wavetrain.tables.clock import Clock
from wavetrain.tables.panel import Panel, Series

if TYPE_CHECKING:
    from wavetrain.estimators.forecaster import Forecaster

KIND = "wavetrain forecaster"
VERSION = 1


def save(model: "Forecaster", folder: Path, rows: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{name}": value for name, value in model.network_.state_dict().items()}
    tensors["errors"] = torch.from_numpy(model.errors_)
    if model.base_.weight is not None:
        tensors["line"] = model.base_.weight
    whole = model.panel_
    words = {
        "kind": KIND,
        "version": VERSION,
        "made by": {"wavetrain": wavetrain.__version__, "torch": torch.__version__.partition("+")[0]},
        "settings": {**model.get_params(), "layer": name_of(model.layer)},
        "columns": whole.columns,
        "targets": whole.targets,
        "known": whole.known,
        "clock": None if whole.clock is None else dataclasses.asdict(whole.clock),
        "said": whole.said,
        "asked": model.asked_,
        "cycles": model.cycles_,
        "season": model.season_,
        "context": model.context_,
        "origins": model.origins_,
        "base": model.base_.kind.value,
        "holes": model.network_.holes,
        "history": model.history_,
    }
    if rows:
        _write_rows(folder / "rows.npz", model)
    else:
        (folder / "rows.npz").unlink(missing_ok=True)
    saved.save(folder / "model.safetensors", tensors, words)


def load(kind: "type[Forecaster]", folder: Path) -> "Forecaster":
    path = folder / "model.safetensors"
    if not path.is_file():
        raise BadInput(f"{folder}: expected a folder with model.safetensors, as `save` writes it")
    tensors, words = saved.load(path)
    try:
        if (words["kind"], words["version"]) != (KIND, VERSION):
            raise BadInput(f"{path}: expected a {KIND} of version {VERSION}, got {words['kind']}")
        return _restored(kind, folder, tensors, words)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, OSError) as error:
        raise BadInput(f"{path} is not a whole forecaster ({error})") from error


def _restored(
    kind: "type[Forecaster]", folder: Path, tensors: dict[str, torch.Tensor], words: dict[str, Any]
) -> "Forecaster":
    model = kind(**words["settings"])
    model.cycles_, model.season_ = tuple(words["cycles"]), words["season"]
    model.context_, model.origins_ = words["context"], words["origins"]
    model.asked_ = {role: list(names) for role, names in words["asked"].items()}
    model.history_ = [(step, error) for step, error in words["history"]]
    columns, known = tuple(words["columns"]), tuple(words["known"])
    series = _read_rows(folder / "rows.npz", len(columns))
    model.panel_ = Panel(
        columns=columns,
        series=series,
        targets=tuple(words["targets"]),
        known=known,
        clock=None if words["clock"] is None else Clock(**words["clock"]),
        said=tuple(words["said"]),
    )
    model.ends_ = [len(one) for one in series]
    targets = tuple(model.panel_.places(model.panel_.targets))
    model.base_ = Base(
        Kind(words["base"]), model.context_, model.horizon, targets, model.season_, tensors.pop("line", None)
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


def _write_rows(path: Path, model: "Forecaster") -> None:
    """The last rows of each series: whole blocks are left out before them, so that blocks stay in step."""
    arrays: dict[str, np.ndarray] = {}
    for place, one in enumerate(model.panel_.series):
        over = max(0, len(one) - 2 * model.context_ - model.origins_) // model.origins_ * model.origins_
        arrays[f"values {place}"] = one.values[over:]
        if one.times is not None:
            arrays[f"times {place}"] = one.times[over:]
    arrays["names"] = np.array([one.name for one in model.panel_.series])
    new = path.with_name("rows.new.npz")
    np.savez(new, **arrays)  # type: ignore[arg-type]
    new.replace(path)


def _read_rows(path: Path, columns: int) -> tuple[Series, ...]:
    """What was written; a series without rows where they were left out."""
    if not path.exists():
        return (Series(name="", values=np.zeros((0, columns))),)
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return tuple(
        Series(name=str(name), values=arrays[f"values {place}"], times=arrays.get(f"times {place}"))
        for place, name in enumerate(arrays["names"])
    )
