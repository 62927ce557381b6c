"""Simple answers to whole sequences: what a baseline is handed over, and what is kept of it, by hand."""

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.estimators import _simply
from wavetrain.estimators._sequences import learned
from wavetrain.estimators._simply import learn_simply
from wavetrain.estimators.classifier import SequenceClassifier
from wavetrain.estimators.regressor import SequenceRegressor
from wavetrain.tables.class_baselines import Majority
from wavetrain.tables.read.answered import Reading
from wavetrain.tables.read.labelled import Labelled
from wavetrain.tables.value_baselines import Mean

DICE = np.random.default_rng(0)
LENGTHS = (3, 5, 2, 4)
SERIES = tuple(
    np.stack([DICE.normal(size=size), 1000 + 1e-3 * DICE.normal(size=size), np.full(size, 7.0)], 1)
    for size in LENGTHS * 12
)
HELD = np.sort(np.random.default_rng(0).permutation(48)[:7])  # round(0.15 * 48) of them
NUMBERS = np.stack([50 + 3 * DICE.normal(size=48), np.full(48, -2.0)], 1)


def handed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, np.ndarray]]:
    """What the most frequent class and the mean are fitted to from now on."""
    told: list[tuple[np.ndarray, np.ndarray]] = []

    class Class(Majority):
        @classmethod
        def fit(cls, x, y, *, seed=0):  # type: ignore[no-untyped-def]
            told.append((x, y))
            return super().fit(x, y, seed=seed)

    class Number(Mean):
        @classmethod
        def fit(cls, x, y):  # type: ignore[no-untyped-def]
            told.append((x, y))
            return super().fit(x, y)

    monkeypatch.setitem(_simply.CLASSES, "most_frequent_class", Class)
    monkeypatch.setitem(_simply.NUMBERS, "mean", Number)
    return told


def units(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sequences in deviations of each channel, ending together; the centre and the spread."""
    whole = np.concatenate([SERIES[row] for row in rows])
    centre, spread = whole.mean(0), np.r_[whole.std(0)[:2], 1.0]
    x = np.zeros((len(rows), 5, 3))
    for place, row in enumerate(rows):
        x[place, 5 - len(SERIES[row]) :] = (SERIES[row] - centre) / spread
    return x, centre, spread


@pytest.mark.parametrize("axes", [0, 1, 2])
def test_numbers_are_fitted_without_those_held_and_then_with_all(axes: int, monkeypatch: pytest.MonkeyPatch):
    """Both in deviations of their own rows; one number each has no axis, whichever way it is given."""
    told, given = handed(monkeypatch), (NUMBERS[:, 0], NUMBERS[:, :1], NUMBERS)[axes]
    model = learn_simply("mean", Labelled(SERIES, None, given), Reading())
    y = NUMBERS[:, : max(axes, 1)]
    for (x, target), rows in zip(told, (np.setdiff1d(np.arange(48), HELD), np.arange(48)), strict=True):
        mean, deviation = y[rows].mean(0), np.where(y[rows].std(0) > 0, y[rows].std(0), 1.0)
        np.testing.assert_allclose(x, units(rows)[0], atol=1e-9)
        np.testing.assert_allclose(target, (y[rows] - mean) / deviation, atol=1e-9)
    assert isinstance(model, SequenceRegressor) and model.single_ == (axes < 2) and model.layer == "mean"
    np.testing.assert_allclose(model.centre_, units(np.arange(48))[1], rtol=1e-12)
    np.testing.assert_allclose(model.spread_, units(np.arange(48))[2], rtol=1e-9)
    np.testing.assert_allclose(model.mean_, y.mean(0), rtol=1e-12)
    np.testing.assert_allclose(model.deviation_, [y[:, 0].std(), 1.0][: y.shape[1]], rtol=1e-12)
    assert model.predict(list(SERIES[:2])) == pytest.approx(
        y.mean(0)[0] if axes < 2 else np.tile(y.mean(0), (2, 1))
    )
    assert model.network_.steps == 5 and model.n_features_in_ == 3  # type: ignore[union-attr]
    assert (model.history_, model.held_, model.reading_) == ([], 7, Reading().like(Labelled(SERIES, None)))
    held, early = y[HELD], y[np.setdiff1d(np.arange(48), HELD)].mean(0)
    if axes < 2:  # R² of the first fit, which has not seen them
        around = ((held - held.mean(0)) ** 2).sum()
        assert model.valid_score_ == pytest.approx(1 - ((held - early) ** 2).sum() / around)
    assert model.learned_ == learned(SERIES, torch.from_numpy(np.ascontiguousarray(y)))


def test_classes_are_fitted_without_those_held_and_then_with_all(monkeypatch: pytest.MonkeyPatch):
    told, names = handed(monkeypatch), ["10", "9", "9", "10", "9"] * 9 + ["9"] * 3
    model = learn_simply("most_frequent_class", Labelled(SERIES, tuple(names)), Reading())
    assert isinstance(model, SequenceClassifier) and model.layer == "most frequent class"
    assert model.classes_.tolist() == [9, 10]  # numbers, in their order
    labels = np.array([int(one == "10") for one in names])
    held = model._held(labels)
    early = np.setdiff1d(np.arange(48), held)
    for (x, y), rows in zip(told, (early, np.arange(48)), strict=True):
        np.testing.assert_allclose(x, units(rows)[0], atol=1e-9)
        np.testing.assert_array_equal(y, labels[rows])
    assert model.held_ == len(held) == 5 + 3 - 1 and model.history_ == [] and model.n_features_in_ == 3
    assert model.valid_score_ == pytest.approx((labels[held] == 0).mean())
    assert model.predict(list(SERIES[:2])).tolist() == [9, 9]
    assert model.network_.steps == 5  # type: ignore[union-attr]


def test_two_classes_are_enough_and_few_sequences_are_fitted_once(monkeypatch: pytest.MonkeyPatch):
    told = handed(monkeypatch)
    model = learn_simply("most_frequent_class", Labelled(SERIES[:3], ("b", "a", "b")), Reading())
    assert [len(x) for x, _ in told] == [3] and model.held_ == 0 and model.valid_score_ is None
    with pytest.raises(BadInput, match=r"^expected at least two classes to tell apart, got 1 class, 'b'$"):
        learn_simply("most_frequent_class", Labelled(SERIES[:3], ("b", "b", "b")), Reading())
    with pytest.raises(BadInput, match=r"^expected at least two classes to tell apart, got 1 class, 'b'$"):
        SequenceClassifier("elman").fit(list(SERIES[:3]), ["b", "b", "b"])


def test_what_was_not_measured_is_the_value_before(monkeypatch: pytest.MonkeyPatch):
    told = handed(monkeypatch)
    holed = np.array([[np.nan], [2.0], [np.nan], [4.0]])
    learn_simply("mean", Labelled((holed, np.full((4, 1), 3.0)), None, np.array([1.0, 2.0])), Reading())
    rows = np.array([2.0, 2, 2, 4, 3, 3, 3, 3])
    np.testing.assert_allclose(told[0][0].ravel(), (rows - rows.mean()) / rows.std(), atol=1e-12)


@pytest.mark.parametrize(
    ("name", "found", "message"),
    [
        ("maen", Labelled(SERIES, None, NUMBERS), "no baseline of whole sequences is called 'maen'; did you"),
        (
            "mean",
            Labelled(SERIES, ("a",) * 48),
            r"^expected a baseline of a class, one of most_frequent_class, random_kernels; got mean$",
        ),
        (
            "random_kernels",
            Labelled(SERIES, None, NUMBERS),
            r"^expected a baseline of numbers, one of mean, ridge_on_summaries, ridge_on_random_kernels; ",
        ),
    ],
)
def test_baselines_that_do_not_fit_are_refused(name: str, found: Labelled, message: str):
    with pytest.raises(BadInput, match=message):
        learn_simply(name, found, Reading())
