"""Models in folders, to be looked at: those that `fit` and `compare` keep, and the trainings of a run.

A kept model reads rows as it did in training: windows of its length, one after another, or whole sequences.
The network of a run is built again by its experiment, which is led past its other trainings, read from their
checkpoints, up to the one that is meant; that is driven by the held-out part of its task.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

import wavetrain.tables.load
from wavetrain import find
from wavetrain.core import Batch, Rule, Task
from wavetrain.errors import BadInput, unknown
from wavetrain.estimators import AnomalyDetector, FittedForecaster
from wavetrain.estimators._foresight import Forecasts
from wavetrain.estimators._sequences import SequenceEstimator, Simple
from wavetrain.estimators._series_model import SeriesModel
from wavetrain.estimators.door import load
from wavetrain.evidence import code
from wavetrain.evidence.files import read_json
from wavetrain.evidence.picture import Picture
from wavetrain.parts import saved
from wavetrain.parts.stack import Answer
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.run.contender import build
from wavetrain.tables.cases import filled
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read_like
from wavetrain.tables.read.answered import Reading
from wavetrain.train.generators import Shared, seed_of
from wavetrain.train.lab import Lab, Plan, Training

MANY = 16  # sequences, or windows, that are looked at
CHECKPOINTS = "checkpoints"


class Model(NamedTuple):
    """A network and what drives it."""

    network: nn.Module
    x: Tensor  # (B, T, inputs), or tokens (B, T)
    said: tuple[str, ...]
    rows: np.ndarray | None = None  # (B, T): the row of the data behind each step, where there is one series
    of: int = 0  # rows of the data


def in_folder(folder: Path, data: Any, name: str) -> Model:
    """The model that a folder holds; `name` picks one of the trainings of a run."""
    if (folder / "config.json").is_file() or (folder / CHECKPOINTS).is_dir():
        if data is not None:
            raise BadInput(f"{folder}: a run is driven by its own task: expected no data besides")
        return _of_run(folder, name)
    if name:
        raise BadInput(f"{folder}: a name is for the trainings of a run: expected none, got {name!r}")
    return of_estimator(load(folder), data, str(folder))


def of_estimator(model: Any, data: Any, called: str = "") -> Model:
    """A model that was fitted, driven by the rows or sequences of `data`."""
    called = called or type(model).__name__
    if isinstance(model, AnomalyDetector):
        foresight = model.foresight_
        if not isinstance(foresight, Forecasts):
            raise BadInput(f"{called}: a detector by {foresight.name} has no layer to look at")
        model = foresight.model
    if isinstance(model, SequenceEstimator):
        return _of_sequences(model, data, called)
    if isinstance(model, FittedForecaster):
        return _of_series(model, data, called)
    if isinstance(model, SeriesModel):
        raise BadInput(f"{called}: a baseline ({model.called}) has no layer to look at")
    raise BadInput(f"{called}: expected a model with a layer to look at, got {type(model).__name__}")


def _of_series(model: FittedForecaster, data: Any, called: str) -> Model:
    """A forecaster under windows that follow one another."""
    model._check_fitted()
    given = data is not None
    if isinstance(data, Panel) or not given:
        panel = data if given else model.plain(model.panel_)
    else:
        panel = read_like(data, model.plain(model.panel_))
    length = model.context_ + model.origins_ - 1
    places, firsts = list[int](), list[int]()
    for place, one in enumerate(panel.series):
        mine = range(model.context_, len(one) - model.origins_ + 2, length)
        places += [place] * len(mine)
        firsts += mine
    if not places:
        longest = max(map(len, panel.series))
        told = "" if given else "; --data names a table whose rows drive it"
        raise BadInput(f"{called}: expected {length} rows or more, as it reads at once, got {longest}{told}")
    some = np.linspace(0, len(places) - 1, min(MANY, len(places))).round().astype(int)
    series, rows = np.array(places)[some], np.array(firsts)[some]
    x = model.inputs(panel, series, rows)
    many = f"{len(rows)} window{'s' * (len(rows) != 1)} of {length} rows"
    whose = "the data" if given else "what it keeps of its own data"
    said = (f"{model.called}, a forecaster of {', '.join(panel.targets[:4])}, under {many} of {whose}",)
    single = len(panel.series) == 1
    steps = rows[:, None] - model.context_ + np.arange(length)
    return Model(model.network_.stack, x, said, steps if single else None, len(panel.series[0]))


def _of_sequences(model: SequenceEstimator, data: Any, called: str) -> Model:
    """A classifier or regressor under sequences, cut to the shortest of those that are looked at."""
    if data is None:
        raise BadInput(f"{called}: expected data, sequences that drive it (--data FILE)")
    if isinstance(data, str | Path):
        reading = Reading() if model.reading_ is None else model.reading_
        data = [filled(one) for one in reading.later(Path(data))[0].series]
    if isinstance(model.network_, Simple):
        raise BadInput(f"{called}: expected a network to look into, got {model.layer}, a baseline")
    found = model._taken(data)[0]
    found = sorted(found, key=len)[-MANY:]
    shortest = len(found[0])
    x = model._sequences([one[:shortest] for one in found]).x
    said = (f"{type(model).__name__} by {model.layer}, under {len(found)} sequences of {shortest} steps",)
    return Model(model.network_.stack, x.to(model.network_.stack.encode.weight.dtype), said)


class Reached(Exception):
    """The training that is meant."""

    def __init__(self, training: Training, task: Task):
        super().__init__()
        self.training, self.task = training, task


class Led(Lab):
    """A lab that trains nothing: it reads trainings from their checkpoints, up to the one that is meant."""

    def __init__(self, folder: Path, seed: int, wanted: str):
        super().__init__(folder, seed)
        self.wanted = wanted

    def fit(
        self,
        name: str,
        make: Callable[[], nn.Module],
        task: Task,
        plan: Plan,
        rule: Rule | None = None,
        others: Sequence[Batch] = (),
    ) -> Training:
        with Shared(self.seed, self.device).drawn():
            network = make()
        shared = Shared(seed_of(self.seed, name), self.device)
        training = Training(network, rule or Backpropagation(), plan, self.generator(), shared)
        path = self.folder / CHECKPOINTS / f"{name}.safetensors"
        if path.is_file():
            training.load(path)
        if name == self.wanted:
            raise Reached(training, task)
        if not path.is_file() or not training.over:
            raise BadInput(f"{self.folder}: it was cut off in its training {name}, before {self.wanted}")
        return training

    def show(self, name: str, one: Picture) -> None:
        """Pictures are of the run itself."""


def _of_run(folder: Path, name: str) -> Model:
    names = sorted(path.stem for path in (folder / CHECKPOINTS).glob("*.safetensors"))
    if not names:
        raise BadInput(
            f"{folder}: expected checkpoints of a run, got none: it trains nothing, or has not yet"
        )
    if name and name not in names:
        raise unknown("training of this run", name, names)
    if not name and len(names) > 1:
        more = f" and {len(names) - 9} more" * (len(names) > 9)
        raise BadInput(f"{folder}: expected the name of a training (--name): {', '.join(names[:9])}{more}")
    wanted = name or names[0]
    if not (folder / "config.json").is_file():
        return _of_comparison(folder, wanted)
    config = read_json(folder / "config.json")
    if not isinstance(config, dict) or not {"experiment", "scale", "seed"} <= config.keys():
        raise BadInput(f"{folder / 'config.json'}: expected experiment, scale and seed of a run")
    experiment = find.named(config["experiment"], ("experiments",))
    module, lab = experiment.load(), Led(folder, config["seed"], wanted)
    try:
        with Shared(seed_of(lab.seed, "run"), lab.device).drawn():
            module.run(getattr(module, config["scale"]), lab)
    except Reached as reached:
        training, task = reached.training, reached.task
    else:
        raise BadInput(f"{folder}: {experiment.name} has no training {wanted} any more")
    x = _held_out(task, seed_of(lab.seed, wanted, "look"))
    said = [
        f"{experiment.name}, {config['scale']} scale, seed {lab.seed}: training {wanted}, "
        f"{training.done:,} steps, under {len(x)} held-out sequences of {x.shape[1]} steps"
    ]
    if config.get("source") != code.digest([experiment.path]):
        said.append("the code of this experiment has changed since it ran")
    return Model(training.network, x, tuple(said))


def _of_comparison(folder: Path, wanted: str) -> Model:
    """A training of a layer in a comparison on sequences: its network is the one of that comparison."""
    result = folder.parent / "result.json"
    layer = folder.name.rpartition("-seed")[0]
    if not result.is_file() or not layer:
        raise BadInput(f"{folder}: expected a run, or a training of a comparison that is over")
    record = read_json(result)
    found = next((one for one in record.get("figures", ()) if one.get("layer") == layer), None)
    if found is None:
        raise BadInput(f"{folder}: {result} tells nothing of {layer}")
    task = wavetrain.tables.load.load(record["data"]["source"]).task
    stack = build(find.named(layer, ("layers",)).load(), found["width"], task, record["terms"]["depth"])
    network = Answer(stack, task.every_step)
    tensors, words = saved.load(folder / CHECKPOINTS / f"{wanted}.safetensors")
    mine = {key.removeprefix("network."): one for key, one in tensors.items() if key.startswith("network.")}
    try:
        network.load_state_dict(mine)
    except RuntimeError as error:
        raise BadInput(f"{folder}: its weights do not fit {layer} of width {found['width']}") from error
    x = _held_out(task, 0)
    said = f"{layer} of {folder.parent.name}: {words['done']:,} steps, under {len(x)} sequences"
    return Model(network, x, (f"{said} of {x.shape[1]} steps",))


def _held_out(task: Task, seed: int) -> Tensor:
    with Shared(seed, torch.device("cpu")).drawn():
        return task.valid().x[:MANY]
