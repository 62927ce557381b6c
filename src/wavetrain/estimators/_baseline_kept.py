"""A baseline in a folder: what it learned, the errors behind its intervals, and the last rows of each series.

The form of the folder is that of all models of series (`_series_kept.py`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.estimators._series_kept import (
    AGAIN,
    MODEL,
    ROWS,
    FolderKind,
    check_kind,
    opened,
    restore,
    write,
    write_rows,
)
from wavetrain.tables import kept
from wavetrain.tables.metrics import seasonal_totals

if TYPE_CHECKING:
    from wavetrain.estimators._baseline import FittedBaseline

B = TypeVar("B", bound="FittedBaseline")

KIND = FolderKind("wavetrain baseline", 1)
SETTINGS = ("baseline", "horizon", "context", "season", "valid")
ARRAYS = ("errors_", "scales_", "totals_")
FRONT = "baseline."


def save(model: "FittedBaseline", folder: Path, rows: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    facts, learned = kept.parts(model.baseline_)
    arrays = {FRONT + name: part for name, part in learned.items()}
    arrays |= {"errors_": model.errors_, "scales_": model.scales_}
    if rows:
        over = [_left_out(model, place) for place in range(len(model.panel_.series))]
        arrays["totals_"] = _totals(model, over)
        write_rows(model, folder / ROWS, over)
    else:
        arrays["totals_"] = np.zeros((1, 2, len(model.panel_.targets)))
        (folder / ROWS).unlink(missing_ok=True)
    settings = {name: getattr(model, name) for name in SETTINGS}
    tensors = {name: torch.from_numpy(np.ascontiguousarray(part)) for name, part in arrays.items()}
    write(model, folder, KIND, tensors, {"settings": settings, "facts": facts})


def load(kind: type[B], folder: Path) -> B:
    found, tensors, words = opened(folder)
    check_kind(folder, found, KIND)
    return restored(kind, folder, tensors, words)


def restored(kind: type[B], folder: Path, tensors: dict[str, Tensor], words: dict[str, Any]) -> B:
    """The baseline of what was read."""
    try:
        model = kind.__new__(kind)
        for name in SETTINGS:
            setattr(model, name, words["settings"][name])
        restore(model, folder, words)
        arrays = {name: part.numpy() for name, part in tensors.items()}
        model.errors_, model.scales_, model.totals_ = (arrays.pop(name) for name in ARRAYS)
        learned = {name.removeprefix(FRONT): part for name, part in arrays.items()}
        model.baseline_ = kept.whole(words["facts"], learned)
        return model
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise BadInput(f"{folder / MODEL} is not a whole baseline ({error}); {AGAIN}") from error


def _left_out(model: "FittedBaseline", place: int) -> int:
    """Rows at the beginning of a series from which no later forecast is made, whatever is missing behind."""
    whole = model.panel_
    values = whole.series[place].values[:, whole.places(whole.targets)]
    first = max(0, len(values) - model.reach)
    rows = np.where(np.isfinite(values), np.arange(len(values))[:, None], -1)[: first + 1]
    ends = [rows[phase :: model.apart].max(0, initial=-1) for phase in range(min(model.apart, first + 1))]
    used = [end[end >= 0].min(initial=first) for end in ends]  # of each phase, the last that was measured
    return int(min([first, *used]))


def _totals(model: "FittedBaseline", over: list[int]) -> np.ndarray:
    """Behind the scale of each series: of the pairs of rows that end before those which are kept tell any."""
    whole, season = model.panel_, model.season_
    found = model.totals_.copy()
    for place, (one, left) in enumerate(zip(whole.series, over, strict=True)):
        if left:
            values = one.values[: left + season, whole.places(whole.targets)]
            before = (found[place, 0], found[place, 1])
            total, count = seasonal_totals(values, np.array([len(values)]), season=season, before=before)
            found[place] = np.concatenate([total, count])
    return found
