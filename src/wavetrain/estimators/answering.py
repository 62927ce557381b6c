"""Classes, or numbers, of whole sequences that lie in sources of one's own: learned, answered, scored."""

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from wavetrain.core import Recorded, explained
from wavetrain.errors import BadInput
from wavetrain.estimators._sequences import Ended, SequenceEstimator, Simple
from wavetrain.estimators.classifier import SequenceClassifier
from wavetrain.estimators.regressor import SequenceRegressor
from wavetrain.parts.stack import Answer
from wavetrain.tables import class_metrics, metrics
from wavetrain.tables.cases import filled, sortable
from wavetrain.tables.load import Described
from wavetrain.tables.read.answered import Reading
from wavetrain.tables.read.labelled import Labelled
from wavetrain.tables.simple_kept import Simplest

if TYPE_CHECKING:
    import pandas as pd

M = TypeVar("M", bound=SequenceEstimator)
SEQUENCE, MEASURED, FORECAST = "sequence", "measured", "forecast"  # columns of a table of answers


def learn(model: M, found: Labelled, reading: Reading) -> M:
    """Learn from sequences that were read, and how to read later ones.

    >>> import pandas as pd
    >>> from wavetrain.estimators.answering import answers, learn
    >>> rows = pd.DataFrame({"who": np.repeat(np.arange(20), 5), "x": np.tile([1.0, 2, 3, 4, 5], 20)})
    >>> rows["kind"] = np.where(rows["who"] % 2, "odd", "even")
    >>> reading = Reading(classes="kind")
    >>> model = SequenceClassifier("gru", width=4, depth=1, steps=2)
    >>> model = learn(model, reading.first(rows)[0], reading)
    >>> list(answers(model, rows[rows["who"] < 3].drop(columns="kind")))
    ['sequence', 'forecast', 'probability of even', 'probability of odd']
    """
    series = [filled(one) for one in found.series]
    if isinstance(model, SequenceClassifier):
        if found.labels is None:
            raise BadInput(
                "expected a class for each sequence, got numbers: they are for a SequenceRegressor"
            )
        model.fit(series, sortable(found.labels))
    elif isinstance(model, SequenceRegressor):
        if found.targets is None:
            raise BadInput("expected numbers for each sequence, got a class: it is for a SequenceClassifier")
        model.fit(series, found.targets)
    model.reading_ = reading.like(found)
    return model


def answers(model: SequenceEstimator, source: Any) -> "pd.DataFrame":
    """The answer to each sequence of a later source, beside what was measured where that is known."""
    import pandas as pd

    found, names = _later(model, source)
    columns: dict[str, Any] = {SEQUENCE: names}
    series = [filled(one) for one in found.series]
    if isinstance(model, SequenceClassifier):
        if found.labels is not None:
            columns[MEASURED] = list(found.labels)
        shares = model.predict_proba(series)
        columns[FORECAST] = model.classes_[shares.argmax(-1)]
        columns |= {f"probability of {one}": shares[:, at] for at, one in enumerate(model.classes_)}
        return pd.DataFrame(columns)
    assert isinstance(model, SequenceRegressor)
    given = model.predict(series).reshape(len(series), -1)
    for what, values in ((MEASURED, found.targets), (FORECAST, given)):
        if values is None:
            continue
        each = np.asarray(values).reshape(len(series), -1).T
        columns |= {what if len(each) == 1 else f"{what} {at}": one for at, one in enumerate(each, 1)}
    return pd.DataFrame(columns)


def scores(model: SequenceEstimator, source: Any) -> tuple[dict[str, float], tuple[str, ...]]:
    """How well the sequences of a later source, whose answers are known, are answered; and doubts."""
    found, _ = _later(model, source)
    series = [filled(one) for one in found.series]
    if isinstance(model, SequenceClassifier):
        if found.labels is None:
            raise BadInput(f"{source}: expected a class for each sequence, got none")
        return _of_classes(model, series, np.array(found.labels))
    assert isinstance(model, SequenceRegressor)
    if found.targets is None:
        raise BadInput(f"{source}: expected numbers for each sequence, got none")
    truth = found.targets.reshape(len(series), -1)
    given = model.predict(series).reshape(len(series), -1)
    if truth.shape != given.shape:
        raise BadInput(f"{source}: expected {given.shape[1]} numbers for each, got {truth.shape[1]}")
    told = {
        "MAE": metrics.mae(truth=truth[:, None], forecast=given[:, None]).value,
        "RMSE": metrics.rmse(truth=truth[:, None], forecast=given[:, None]).value,
        "R²": float(explained(torch.from_numpy(given), torch.from_numpy(truth))),
    }
    return told, ()


def of_layer(
    network: Answer, data: Described, reading: Reading, *, layer: str, width: int, depth: int, rate: float
) -> SequenceEstimator:
    """A layer that a comparison trained, as a model that is kept and answers in the units of the data."""
    model = _compared(data, reading, layer).set_params(width=width, depth=depth, rate=rate)
    steps = data.task.test().x.shape[1]
    model.network_ = Ended(copy.deepcopy(network.stack), steps).cpu().double().eval()
    return model


def of_simple(simple: Simplest, data: Described, reading: Reading) -> SequenceEstimator:
    """A simple answer that a comparison fitted, in the same form; it cannot be fitted again."""
    model = _compared(data, reading, simple.name)
    model.network_ = Simple(simple, data.task.test().x.shape[1])
    return model


def _compared(data: Described, reading: Reading, layer: str) -> SequenceEstimator:
    """What both have in common: how the data is read, its units and its classes."""
    task = data.task
    assert isinstance(task, Recorded)
    model: SequenceEstimator
    if task.names:
        model = SequenceClassifier(layer)
        model.classes_ = sortable(task.names)
    else:
        model = SequenceRegressor(layer)
        model.mean_, model.deviation_ = np.array(task.level), np.array(task.scale)
        model.single_ = len(model.mean_) == 1
    steps = task.test().x.shape[1]
    model.centre_, model.spread_ = np.array(data.centre), np.array(data.spread)
    model.history_, model.reading_, model.n_features_in_ = [], reading, steps
    model.held_, model.valid_score_ = len(task.valid().y), None
    return model


def _later(model: SequenceEstimator, source: Any) -> tuple[Labelled, list[str]]:
    if model.reading_ is None:
        raise BadInput("expected a model that was learned from a file or a table; this one was given arrays")
    if isinstance(source, str) and not source:
        raise BadInput("expected sequences to answer: a file, a folder, or - for standard input")
    found, _ = model.reading_.later(Path(source) if isinstance(source, str) and source != "-" else source)
    return found, list(found.names or map(str, range(len(found.series))))


def _of_classes(
    model: SequenceClassifier, series: list[np.ndarray], truth: np.ndarray
) -> tuple[dict[str, float], tuple[str, ...]]:
    shares = model.predict_proba(series)
    classes = model.classes_.astype(str)
    forecast = classes[shares.argmax(-1)]
    known = np.isin(truth, classes)
    strange = sorted(set(truth[~known]))
    doubts = (f"{', '.join(strange[:6])}: never seen in training, so never right",) if strange else ()
    told = [
        class_metrics.accuracy(truth=truth, forecast=forecast),
        class_metrics.balanced_accuracy(truth=truth, forecast=forecast),
        class_metrics.f1(truth=truth, forecast=forecast),
    ]
    if known.any():
        told.append(class_metrics.auroc(truth=truth[known], scores=shares[known], classes=classes))
    return {one.name: one.value for one in told}, doubts
