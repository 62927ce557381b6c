"""Answers to whole sequences of a source and their scores, held against answers that are given by hand."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.estimators import SequenceClassifier, SequenceRegressor
from wavetrain.estimators.answering import answers, learn, of_layer, of_simple, scores
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.tables.class_baselines import Majority
from wavetrain.tables.load import load
from wavetrain.tables.read.answered import Reading
from wavetrain.tables.value_baselines import Mean

DICE = np.random.default_rng(0)
KINDS = "abcab"  # of the sequences below
SHARES = np.array([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.9, 0.1, 0.0], [0.2, 0.5, 0.3]])


def walks(kinds: str, steps: int = 3) -> pd.DataFrame:
    """A sequence of one channel for each letter, which is its class."""
    who = np.repeat(np.arange(len(kinds)), steps)
    return pd.DataFrame({"who": who, "x": DICE.normal(size=len(who)), "kind": [kinds[one] for one in who]})


@pytest.fixture
def classifier(monkeypatch: pytest.MonkeyPatch) -> SequenceClassifier:
    """One that gives the shares above."""
    reading = Reading(classes="kind", id=("who",))
    found, _ = reading.first(walks("abc" * 3))
    model = learn(SequenceClassifier("elman", width=2, depth=1, steps=0), found, reading)
    monkeypatch.setattr(model, "predict_proba", lambda series: SHARES[: len(series)])
    return model


def regressor(folder: Path, monkeypatch: pytest.MonkeyPatch, given: np.ndarray) -> SequenceRegressor:
    """One that gives these numbers, whatever the sequence."""
    first = np.ones(len(given)) if given.ndim == 1 else np.ones((9, given.shape[1]))
    np.savez(folder / "first.npz", x=DICE.normal(size=(len(first), 4)), y=first)
    found, _ = Reading().first(folder / "first.npz")
    model = learn(SequenceRegressor("elman", width=2, depth=1, steps=0), found, Reading())
    monkeypatch.setattr(model, "predict", lambda series: given[: len(series)])
    return model


def test_the_likeliest_class_stands_beside_what_was_measured(classifier: SequenceClassifier):
    found = answers(classifier, walks(KINDS))
    assert list(found) == [
        *("sequence", "measured", "forecast", "probability of a", "probability of b", "probability of c")
    ]
    assert found["sequence"].tolist() == list("01234") and found["measured"].tolist() == list(KINDS)
    assert found["forecast"].tolist() == list("aacab")
    assert (found[["probability of a", "probability of b", "probability of c"]].to_numpy() == SHARES).all()
    alone = answers(classifier, walks(KINDS).drop(columns="kind"))
    assert list(alone) == [name for name in found if name != "measured"]


def test_scores_of_classes_by_hand(classifier: SequenceClassifier):
    told, doubts = scores(classifier, walks(KINDS))
    assert doubts == () and told["accuracy"] == pytest.approx(4 / 5)
    assert told["balanced accuracy"] == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert list(told) == ["accuracy", "balanced accuracy", "F1 (mean over classes)", "AUROC"]


def test_classes_that_training_never_saw_are_doubted_and_wrong(classifier: SequenceClassifier):
    told, doubts = scores(classifier, walks("azcyb"))
    assert doubts == ("y, z: never seen in training, so never right",)
    assert told["accuracy"] == pytest.approx(3 / 5) and told["AUROC"] == 1.0  # of the others
    told, doubts = scores(classifier, walks("vwxyz"))
    assert told["accuracy"] == 0 and "AUROC" not in told
    monkey = np.tile(SHARES, (2, 1))
    classifier.predict_proba = lambda series: monkey[: len(series)]  # type: ignore[method-assign]
    assert scores(classifier, walks("zyxwvut"))[1] == (
        "t, u, v, w, x, y: never seen in training, so never right",  # six of seven
    )


@pytest.mark.parametrize("width", [0, 1, 2])
def test_numbers_and_their_scores_by_hand(width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One number for each sequence, with and without an axis of its own, or two."""
    shape = (9, width) if width else (9,)
    given, truth = DICE.normal(size=shape), DICE.normal(size=shape)
    model = regressor(tmp_path, monkeypatch, given)
    np.savez(tmp_path / "later.npz", x=DICE.normal(size=(9, 4)), y=truth)
    found = answers(model, str(tmp_path / "later.npz"))
    names = (
        ["measured", "forecast"] if width < 2 else ["measured 1", "measured 2", "forecast 1", "forecast 2"]
    )
    assert list(found) == ["sequence", *names] and found["sequence"].tolist() == list("012345678")
    both = np.concatenate([truth.reshape(9, -1), given.reshape(9, -1)], 1)
    np.testing.assert_array_equal(found[names].to_numpy(), both)
    told, doubts = scores(model, tmp_path / "later.npz")
    apart, around = (truth - given).reshape(9, -1), (truth - truth.mean(0)).reshape(9, -1)
    assert doubts == () and list(told) == ["MAE", "RMSE", "R²"]
    assert told["MAE"] == pytest.approx(np.abs(apart).mean(0).mean())
    assert told["RMSE"] == pytest.approx(np.sqrt((apart**2).mean()))
    assert told["R²"] == pytest.approx(1 - (apart**2).sum() / (around**2).sum())
    np.savez(tmp_path / "bare.npz", x=DICE.normal(size=(5, 4)))
    alone = answers(model, tmp_path / "bare.npz")
    assert list(alone) == [name for name in found if not name.startswith("measured")]
    with pytest.raises(BadInput, match=r"bare\.npz: expected numbers for each sequence, got none"):
        scores(model, tmp_path / "bare.npz")
    np.savez(tmp_path / "wide.npz", x=DICE.normal(size=(9, 4)), y=np.ones((9, 3)))
    with pytest.raises(BadInput, match=rf"wide\.npz: expected {max(width, 1)} numbers for each, got 3"):
        scores(model, tmp_path / "wide.npz")


def test_sources_that_are_none_are_refused(classifier: SequenceClassifier):
    with pytest.raises(BadInput, match="expected sequences to answer: a file, a folder, or - for standard"):
        answers(classifier, "")
    with pytest.raises(BadInput, match="expected a class for each sequence, got none"):
        scores(classifier, walks(KINDS).drop(columns="kind"))
    asked: list[Any] = []
    classifier.reading_ = SimpleNamespace(later=lambda one: asked.append(one) or 1 / 0)  # type: ignore[assignment]
    for source in ("-", "a.csv", Path("b.csv")):
        with pytest.raises(ZeroDivisionError):
            answers(classifier, source)
    assert asked == ["-", Path("a.csv"), Path("b.csv")]  # standard input is no path
    classifier.reading_ = None
    with pytest.raises(BadInput, match="was learned from a file or a table; this one was given arrays"):
        scores(classifier, walks(KINDS))


def data(folder: Path, y: np.ndarray) -> Any:
    """A file of forty sequences, as a comparison has it, and what training saw of it."""
    x = 5 + 3 * DICE.normal(size=(40, 9, 2))
    np.savez(folder / "mine.npz", x=x, y=y)
    return load(str(folder / "mine.npz"))


def test_a_layer_of_a_comparison_is_kept_as_it_stands(tmp_path: Path):
    found = data(tmp_path, np.array(["low", "high"] * 20))
    network = Answer(Stack([Elman(4)], 2, 2, MLP.PLAIN), every_step=False)
    model = of_layer(network, found, Reading(), layer="elman", width=4, depth=1, rate=0.5)
    assert isinstance(model, SequenceClassifier) and model.classes_.tolist() == ["high", "low"]
    assert (model.layer, model.width, model.depth, model.rate) == ("elman", 4, 1, 0.5)
    assert (model.centre_.tolist(), model.spread_.tolist()) == (list(found.centre), list(found.spread))
    assert model.history_ == [] and model.valid_score_ is None and model.reading_ == Reading()
    assert model.n_features_in_ == 9 and model.held_ == len(found.task.valid().y)
    part = found.task.test()
    with torch.no_grad():
        wanted = network(part.x).softmax(-1)
    given = model.predict_proba(part.x.numpy() * model.spread_ + model.centre_)
    np.testing.assert_allclose(given, wanted, rtol=1e-4)
    kept = next(model.network_.parameters())
    assert kept.dtype == torch.float64 and next(network.parameters()).dtype == torch.float32
    assert not model.network_.training and model.network_.outputs == 2 and model.network_.steps == 9
    model.save(tmp_path / "m")
    again = SequenceClassifier.load(tmp_path / "m")
    x = part.x.numpy() * model.spread_ + model.centre_
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))
    assert again.network_.steps == 9 and again.network_.outputs == 2 and again.reading_ == Reading()
    shorter = model.predict_proba([part.x[0, 2:].numpy() * model.spread_ + model.centre_])
    padded = torch.cat([torch.zeros(2, 2), part.x[0, 2:]])[None]
    with torch.no_grad():
        np.testing.assert_allclose(shorter, network(padded).softmax(-1), rtol=1e-4)


@pytest.mark.parametrize("width", [1, 2])
def test_a_simple_answer_of_a_comparison_is_in_the_units_of_the_file(width: int, tmp_path: Path):
    y = 1000 + 50 * DICE.normal(size=(40, width))
    found = data(tmp_path, y if width > 1 else y[:, 0])
    train = found.task.train
    simple = Mean.fit(train.x.numpy(), train.y.numpy().reshape(len(train.y), -1))
    model = of_simple(simple, found, Reading())
    assert isinstance(model, SequenceRegressor) and model.layer == "mean" and model.single_ == (width == 1)
    assert model.network_.steps == 9  # type: ignore[union-attr]
    told = model.predict(DICE.normal(size=(3, 9, 2)))
    assert told.shape == ((3,) if width == 1 else (3, 2))
    level, scale = np.array(found.task.level), np.array(found.task.scale)
    np.testing.assert_allclose(told.reshape(3, -1), np.tile(simple.mean * scale + level, (3, 1)))
    assert (np.abs(told - 1000) < 50).all()
    model.save(tmp_path / "m")
    again = SequenceRegressor.load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict(DICE.normal(size=(3, 9, 2))), told)
    assert again.layer == "mean" and again.network_.steps == 9  # type: ignore[union-attr]
    assert (again.single_, again.held_) == (width == 1, len(found.task.valid().y))


def test_the_most_frequent_class_of_a_comparison(tmp_path: Path):
    found = data(tmp_path, np.array(["low", "high", "low", "low"] * 10))
    train = found.task.train
    model = of_simple(Majority.fit(train.x.numpy(), train.y.numpy()), found, Reading())
    assert model.predict(DICE.normal(size=(3, 9, 2))).tolist() == ["low"] * 3
