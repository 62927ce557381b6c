"""A forecaster in a folder: all that it needs to go on (`_series_kept.py`)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

from wavetrain import find
from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.estimators._base import Base, Kind
from wavetrain.estimators._forecast import Columns, network
from wavetrain.estimators._series_kept import (
    MODEL,
    ROWS,
    FolderKind,
    check_kind,
    opened,
    restore,
    write,
    write_rows,
)

if TYPE_CHECKING:
    from wavetrain.estimators._fitted import FittedForecaster

F = TypeVar("F", bound="FittedForecaster")

KIND = FolderKind("wavetrain forecaster", 2)
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
    words = {
        "settings": settings,
        "cycles": model.cycles_,
        "origins": model.origins_,
        "base": model.base_.kind.value,
        "holes": model.network_.holes,
        "history": model.history_,
    }
    if rows:
        over = [left_out(len(one), model.context_, model.origins_) for one in model.panel_.series]
        write_rows(model, folder / ROWS, over)
    else:
        (folder / ROWS).unlink(missing_ok=True)
    write(model, folder, KIND, tensors, words)


def load(kind: type[F], folder: Path) -> F:
    found, tensors, words = opened(folder)
    check_kind(folder, found, KIND)
    return restored(kind, folder, tensors, words)


def restored(kind: type[F], folder: Path, tensors: dict[str, Tensor], words: dict[str, Any]) -> F:
    """The forecaster of what was read."""
    try:
        return _restored(kind, folder, tensors, words)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, OSError) as error:
        raise BadInput(f"{folder / MODEL} is not a whole forecaster ({error})") from error


def _restored(kind: type[F], folder: Path, tensors: dict[str, Tensor], words: dict[str, Any]) -> F:
    model = kind.__new__(kind)
    for name in SETTINGS:
        setattr(model, name, words["settings"][name])
    model.cycles_, model.origins_ = tuple(words["cycles"]), words["origins"]
    model.history_ = [(step, error) for step, error in words["history"]]
    restore(model, folder, words)
    whole = model.panel_
    model.ends_ = [len(one) for one in whole.series]
    targets = tuple(whole.places(whole.targets))
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
        len(whole.columns), tuple(whole.places(whole.known)), centre, torch.ones_like(centre), words["holes"]
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
