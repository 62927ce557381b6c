"""A simple answer to whole sequences, fitted, kept and used like a classifier or a regressor.

It is fitted twice: to all but a part of the sequences, on which it is scored, and then to all. Sequences are
brought together as comparisons have them: in deviations of each channel, ending at one step.
"""

from collections.abc import Callable

import numpy as np
import torch

from wavetrain.errors import BadInput, unknown
from wavetrain.estimators._sequences import SequenceEstimator, Simple, learned, together
from wavetrain.estimators.classifier import SequenceClassifier
from wavetrain.estimators.regressor import SequenceRegressor
from wavetrain.tables.cases import filled, sortable
from wavetrain.tables.class_baselines import ClassBaseline, Majority, RandomKernels
from wavetrain.tables.read.answered import Reading
from wavetrain.tables.read.labelled import Labelled
from wavetrain.tables.value_baselines import KernelRidge, Mean, Summaries, ValueBaseline

CLASSES: dict[str, type[ClassBaseline]] = {
    "most_frequent_class": Majority,
    "random_kernels": RandomKernels,
}
NUMBERS: dict[str, type[ValueBaseline]] = {
    "mean": Mean,
    "ridge_on_summaries": Summaries,
    "ridge_on_random_kernels": KernelRidge,
}


def check(baseline: str) -> None:
    """Raise BadInput for a name that is none, before anything is read."""
    if baseline not in CLASSES and baseline not in NUMBERS:
        raise unknown("baseline of whole sequences", baseline, (*CLASSES, *NUMBERS))


def learn_simply(baseline: str, found: Labelled, reading: Reading) -> SequenceEstimator:
    """A classifier or a regressor that answers by a baseline; it has no layer and cannot be fitted again.

    Of classes `baseline` is most_frequent_class or random_kernels; of numbers it is mean, ridge_on_summaries
    or ridge_on_random_kernels.

    >>> import pandas as pd
    >>> from wavetrain.estimators._simply import learn_simply
    >>> rows = pd.DataFrame({"who": np.repeat(np.arange(20), 5), "x": np.tile([1.0, 2, 3, 4, 5], 20)})
    >>> rows["kind"] = np.where(rows["who"] % 4, "odd", "even")
    >>> reading = Reading(classes="kind", id=("who",))
    >>> model = learn_simply("most_frequent_class", reading.first(rows)[0], reading)
    >>> model.predict(np.zeros((2, 5, 1))).tolist()
    ['odd', 'odd']
    """
    check(baseline)
    known = NUMBERS if found.labels is None else CLASSES
    if baseline not in known:
        what = "numbers" if found.labels is None else "a class"
        raise BadInput(f"expected a baseline of {what}, one of {', '.join(known)}; got {baseline}")
    series = [filled(one) for one in found.series]
    if found.labels is None:
        return _regressor(NUMBERS[baseline], series, np.asarray(found.targets), reading.like(found))
    return _classifier(CLASSES[baseline], series, sortable(found.labels), reading.like(found))


def _classifier(
    kind: type[ClassBaseline], series: list[np.ndarray], labels: np.ndarray, reading: Reading
) -> SequenceClassifier:
    model = SequenceClassifier(str(kind.name))
    model.classes_, y = np.unique(labels, return_inverse=True)
    if len(model.classes_) < 2:
        raise BadInput(
            f"expected at least two classes to tell apart, got 1 class, {model.classes_.tolist()[0]!r}"
        )

    def fit(rows: np.ndarray) -> None:
        x = _scaled(model, series, rows)
        model.network_ = Simple(kind.fit(x, y[rows]), x.shape[1])

    _twice(model, series, labels, torch.from_numpy(y), model._held(y), fit, reading)
    return model


def _regressor(
    kind: type[ValueBaseline], series: list[np.ndarray], targets: np.ndarray, reading: Reading
) -> SequenceRegressor:
    model = SequenceRegressor(str(kind.name))
    model.single_ = targets.ndim == 1 or targets.shape[1] == 1
    y = targets.reshape(len(series), -1).astype(np.float64)

    def fit(rows: np.ndarray) -> None:
        deviation = y[rows].std(0)
        model.mean_, model.deviation_ = y[rows].mean(0), np.where(deviation > 0, deviation, 1.0)
        x = _scaled(model, series, rows)
        model.network_ = Simple(kind.fit(x, (y[rows] - model.mean_) / model.deviation_), x.shape[1])

    answers = y[:, 0] if model.single_ else y
    _twice(model, series, answers, torch.from_numpy(y), model._held(y), fit, reading)
    return model


def _twice(
    model: SequenceEstimator,
    series: list[np.ndarray],
    answers: np.ndarray,
    y: torch.Tensor,
    held: np.ndarray,
    fit: Callable[[np.ndarray], None],
    reading: Reading,
) -> None:
    """Fit to all but the sequences that are held, judge by these, and fit to all."""
    model.history_, model.reading_, model.n_features_in_ = [], reading, len(series[0])
    every = np.arange(len(series))
    if len(held):
        fit(np.setdiff1d(every, held))
    model._judge(series, answers, held)
    fit(every)
    model.learned_ = learned(series, y)


def _scaled(model: SequenceEstimator, series: list[np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Some sequences (N, T, C) together, in units that are theirs from now on."""
    mine = [series[row] for row in rows]
    whole = np.concatenate(mine)
    spread = whole.std(0)
    model.centre_, model.spread_ = whole.mean(0), np.where(spread > 0, spread, 1.0)
    taken = model._sequences(mine)
    return together(taken, int(taken.lengths.max())).numpy()
