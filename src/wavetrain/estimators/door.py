"""A model of data of one's own in one call, and what was kept, loaded by its place."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import wavetrain.tables.load
from wavetrain.errors import BadInput
from wavetrain.estimators._folder import load_series_model
from wavetrain.estimators.baseline import BaselineForecaster
from wavetrain.estimators.classifier import SequenceClassifier
from wavetrain.estimators.forecaster import Forecaster
from wavetrain.estimators.regressor import SequenceRegressor
from wavetrain.parts import saved
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read
from wavetrain.tables.read.asked import Names

F = TypeVar("F", bound=Forecaster | BaselineForecaster)

MODEL, DETECTOR, SEQUENCES = "model.safetensors", "detector.safetensors", "sequences.safetensors"


def fit(
    source: Any,
    model: F | None = None,
    *,
    target: Names = (),
    time: Names | None = None,
    id: Names | None = None,
    inputs: Names | None = None,
    known_ahead: Names = (),
    missing: Sequence[str | float] = (),
) -> F | Forecaster:
    """A forecaster of a file, a frame, arrays or a panel; without a `model`, that of one row ahead by a GRU.

    A `model` is a `Forecaster`, or a `BaselineForecaster` from `wavetrain.estimators`. Roles are names of
    columns, as in `wavetrain.tables.read.read`.

    >>> import numpy as np, pandas as pd, wavetrain as wt
    >>> sales = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=90), "sold": np.arange(90) % 7.0})
    >>> model = wt.fit(sales, wt.Forecaster("gru", horizon=2, width=8, steps=20), target="sold")
    >>> model.predict().times[0], model.season_
    (('2024-03-31', '2024-04-01'), 7)
    """
    if isinstance(source, Panel):
        if any((target, time, id, inputs, known_ahead, missing)):
            raise BadInput("expected a panel alone, for its roles are said already; got roles besides")
        panel = source
    else:
        panel = read(
            source, target=target, time=time, id=id, inputs=inputs, known=known_ahead, missing=missing
        )
    return (Forecaster() if model is None else model).fit(panel)


def load(source: str | Path) -> Any:
    """The model that a folder keeps, or something to learn: a file of one's own, or a task by its name.

    >>> import wavetrain as wt
    >>> wt.load("copying").task
    Copying(delay=10)
    """
    folder = Path(source)
    if folder.is_dir():
        if (folder / DETECTOR).is_file():
            from wavetrain.estimators.detector import AnomalyDetector

            return AnomalyDetector.load(folder)
        if (folder / MODEL).is_file():
            return load_series_model(folder, Forecaster, BaselineForecaster)
        if (folder / SEQUENCES).is_file():
            told = saved.load(folder / SEQUENCES)[1].get("class")
            kind = SequenceRegressor if told == SequenceRegressor.__name__ else SequenceClassifier
            return kind.load(folder)
        raise BadInput(f"{folder}: expected a folder of a kept model: {MODEL}, {DETECTOR} or {SEQUENCES}")
    return wavetrain.tables.load.load(str(source))
