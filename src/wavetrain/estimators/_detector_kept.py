"""A detector in a folder: tensors and JSON, never pickled, and no row that it learned from.

detector.safetensors    what was calibrated, what a temporal memory has learned, and in the header settings,
                        columns, clock, versions
forecaster/, ridge/     the forecaster or the regression, where one foresees
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import wavetrain
from wavetrain.errors import BadInput
from wavetrain.estimators._foresight import Forecasts, Foresight, Lags, Plain, called
from wavetrain.estimators._kept_files import DETECTOR
from wavetrain.estimators._temporal import Temporal
from wavetrain.estimators.forecaster import Forecaster
from wavetrain.memories.temporal_memory import Dendrites, TemporalMemory
from wavetrain.parts import saved
from wavetrain.tables import kept
from wavetrain.tables.clock import Clock
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.ridge import Ridge

if TYPE_CHECKING:
    from wavetrain.estimators.detector import AnomalyDetector

KIND = "wavetrain anomaly detector"
VERSION = 1
CALIBRATED = ("centre_", "spread_", "held_", "history_")


def save(model: "AnomalyDetector", folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    seed = model.random_state if isinstance(model.random_state, int) else None
    words: dict[str, Any] = {
        "kind": KIND,
        "version": VERSION,
        "made by": {"wavetrain": wavetrain.__version__, "torch": torch.__version__.partition("+")[0]},
        "settings": {**model.get_params(), "layer": called(model.layer), "random_state": seed},
        "columns": model.columns_,
        "targets": model.targets_,
        "known": model.known_,
        "series": model.series_,
        "clock": None if model.clock_ is None else dataclasses.asdict(model.clock_),
        "asked": model.asked_,
        "threshold": model.threshold_,
    }
    tensors = {name: torch.from_numpy(getattr(model, name)) for name in CALIBRATED}
    foresight = model.foresight_
    if isinstance(foresight, Forecasts):
        foresight.model.save(folder / "forecaster", rows=False)
    if isinstance(foresight, Lags):
        kept.save(foresight.model, folder / "ridge")
    if isinstance(foresight, Plain):
        words["season"] = foresight.season
    if isinstance(foresight, Temporal):
        memory = foresight.memory
        words["memory"] = [memory.columns, memory.cells, dataclasses.asdict(memory.dendrites), memory.seed]
        words["cycles"] = foresight.cycles
        tensors |= {
            f"memory.{name}": torch.from_numpy(part) for name, part in foresight.state._asdict().items()
        }
        tensors |= {f"reader.{place}": weight for place, weight in enumerate(foresight.weights)}
        tensors["pooler"] = foresight.pooled
        tensors["range"] = torch.from_numpy(np.stack([foresight.low, foresight.high]))
    saved.save(folder / DETECTOR, tensors, words)


def load(kind: "type[AnomalyDetector]", folder: Path) -> "AnomalyDetector":
    path = folder / DETECTOR
    if not path.is_file():
        raise BadInput(f"{folder}: expected a folder with {DETECTOR}, as `save` writes it")
    tensors, words = saved.load(path)
    try:
        if (words["kind"], words["version"]) != (KIND, VERSION):
            raise BadInput(f"{path}: expected a {KIND} of version {VERSION}, got {words['kind']}")
        return _restored(kind, folder, tensors, words)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path} is not a whole detector ({error})") from error


def _restored(
    kind: "type[AnomalyDetector]", folder: Path, tensors: dict[str, torch.Tensor], words: dict[str, Any]
) -> "AnomalyDetector":
    memory = None
    if "memory" in words:
        columns, cells, dendrites, seed = words["memory"]
        memory = TemporalMemory(columns, cells, Dendrites(**dendrites), seed)
    model = kind(**{**words["settings"], **({} if memory is None else {"layer": memory})})
    model.columns_, model.targets_ = tuple(words["columns"]), tuple(words["targets"])
    model.known_, model.series_ = tuple(words["known"]), tuple(words["series"])
    model.n_features_in_ = len(model.columns_)
    model.clock_ = None if words["clock"] is None else Clock(**words["clock"])
    model.asked_ = {role: list(names) for role, names in words["asked"].items()}
    model.centre_, model.spread_, model.held_, model.history_ = (tensors[name].numpy() for name in CALIBRATED)
    model.threshold_ = words["threshold"]
    model.offset_ = -model.threshold_
    places = [model.columns_.index(name) for name in model.targets_]
    model.foresight_ = _foresight(folder, tensors, words, memory, places)
    return model


def _foresight(
    folder: Path,
    tensors: dict[str, torch.Tensor],
    words: dict[str, Any],
    memory: TemporalMemory | None,
    places: list[int],
) -> Foresight:
    if memory is not None:
        watch = Temporal(memory, places, tuple(words["cycles"]))
        watch.state = type(watch.state)(*(tensors[f"memory.{name}"].numpy() for name in watch.state._fields))
        watch.pooled = tensors["pooler"]
        watch.weights = [tensors[f"reader.{place}"] for place in range(len(places))]
        watch.low, watch.high = tensors["range"].numpy()
        return watch
    if "season" in words:
        return Plain(places, words["season"])
    if words["settings"]["layer"] == "ridge":
        model = kept.load(folder / "ridge")
        assert isinstance(model, Ridge)
        columns = tuple(words["columns"])
        nothing = Series(name="", values=np.zeros((0, len(columns))))
        blank = Panel(
            columns=columns, series=(nothing,), targets=tuple(words["targets"]), known=tuple(words["known"])
        )
        return Lags(model.season, model, blank)
    return Forecasts(Forecaster.load(folder / "forecaster"), words["settings"]["layer"])
