"""A model of data of one's own in one call, and what was kept, loaded by its place."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import wavetrain.tables.load
from wavetrain.errors import BadInput, unknown
from wavetrain.estimators._folder import load_series_model
from wavetrain.estimators._kept_files import DETECTOR, MODEL, SEQUENCES
from wavetrain.estimators._series_kept import refuse_old
from wavetrain.estimators._simply import CLASSES, NUMBERS, learn_simply
from wavetrain.estimators.answering import learn
from wavetrain.estimators.baseline import BaselineForecaster
from wavetrain.estimators.classifier import SequenceClassifier
from wavetrain.estimators.forecaster import Forecaster
from wavetrain.estimators.regressor import SequenceRegressor
from wavetrain.parts import saved
from wavetrain.tables.kept import NAMES
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read
from wavetrain.tables.read.answered import Reading
from wavetrain.tables.read.asked import Names, named

F = TypeVar("F", bound=Forecaster | BaselineForecaster | SequenceClassifier | SequenceRegressor)


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
    classes: str = "",
    baseline: str = "",
) -> F | Forecaster | BaselineForecaster | SequenceClassifier | SequenceRegressor:
    """A model of a file, a frame, arrays or a panel; without one, a GRU, or the `baseline` that is named.

    A `Forecaster`, or a `BaselineForecaster` from `wavetrain.estimators`, forecasts series: one row ahead
    where none is given. A `SequenceClassifier` or `SequenceRegressor` answers whole sequences: those of a
    table with a column of `classes`, of a `.ts` file, of an `.npz` of x and y, or of a folder of classes.
    Roles are names of columns, as in `wavetrain.tables.read.read`.

    A `baseline` of series is last_value, seasonal_naive, ridge or boosted_trees; of classes
    most_frequent_class or random_kernels; of numbers mean, ridge_on_summaries or ridge_on_random_kernels.

    >>> import numpy as np, pandas as pd, wavetrain as wt
    >>> sales = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=90), "sold": np.arange(90) % 7.0})
    >>> model = wt.fit(sales, wt.Forecaster("gru", horizon=2, width=8, steps=20), target="sold")
    >>> model.predict().times[0], model.season_
    (('2024-03-31', '2024-04-01'), 7)
    >>> walks = pd.DataFrame({"who": np.repeat(np.arange(12), 6), "x": np.tile(np.arange(6.0), 12)})
    >>> walks["kind"] = np.where(walks["who"] % 2, "odd", "even")
    >>> found = wt.fit(walks, wt.SequenceClassifier("gru", width=4, steps=2), classes="kind", id="who")
    >>> found.classes_.tolist()
    ['even', 'odd']
    >>> wt.fit(walks, baseline="random_kernels", classes="kind", id="who").layer
    'random kernels'
    """
    if baseline and model is not None:
        raise BadInput(f"expected a model or a baseline, got both: {type(model).__name__} and {baseline}")
    simple = bool(baseline) and baseline not in NAMES
    if simple and baseline not in {*CLASSES, *NUMBERS}:
        raise unknown("baseline", baseline, (*NAMES, *CLASSES, *NUMBERS))
    if baseline in NAMES and classes:
        raise BadInput(f"whole sequences are answered by {', '.join((*CLASSES, *NUMBERS))}; got {baseline}")
    if classes or simple or isinstance(model, SequenceClassifier | SequenceRegressor):
        if any((target, known_ahead)) or not isinstance(model, SequenceClassifier | SequenceRegressor | None):
            raise BadInput(
                "whole sequences are answered by a SequenceClassifier or a SequenceRegressor: expected no "
                f"target, no columns known ahead; got {type(model).__name__}"
            )
        reading = Reading(
            classes=classes,
            id=named(id),
            time=named(time),
            inputs=None if inputs is None else named(inputs),
            missing=tuple(map(str, missing)),
        )
        found, _ = reading.first(source)
        if simple:
            return learn_simply(baseline, found, reading)
        return learn(SequenceClassifier() if model is None else model, found, reading)
    if isinstance(source, Panel):
        if any((target, time, id, inputs, known_ahead, missing)):
            raise BadInput("expected a panel alone, for its roles are said already; got roles besides")
        panel = source
    else:
        panel = read(
            source, target=target, time=time, id=id, inputs=inputs, known=known_ahead, missing=missing
        )
    if baseline:
        return BaselineForecaster(baseline).fit(panel)
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
        refuse_old(folder)
        raise BadInput(f"{folder}: expected a folder of a kept model: {MODEL}, {DETECTOR} or {SEQUENCES}")
    return wavetrain.tables.load.load(str(source))
