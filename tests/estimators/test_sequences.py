"""Classifiers and regressors of sequences keep scikit-learn's contract, and ours on labels and company."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from wavetrain.errors import BadInput
from wavetrain.estimators import SequenceClassifier, SequenceRegressor

DICE = np.random.default_rng(0)
SIDE = DICE.integers(0, 2, 80)
X = DICE.normal(size=(80, 12, 2)) * 0.3 + (2.0 * SIDE - 1)[:, None, None] * np.linspace(0, 1, 12)[:, None]


def classifier(**words: object) -> SequenceClassifier:
    return SequenceClassifier("elman", **{"width": 6, "depth": 1, "steps": 60, "rate": 1e-2, **words})


ASK_WHAT_WAS_LEARNED = {"check_classifiers_train", "check_regressors_train", "check_classifiers_classes"}


@pytest.mark.slow
@parametrize_with_checks(
    [
        SequenceClassifier("gru", width=8, depth=1, steps=60, rate=3e-2),
        SequenceRegressor("elman", width=32, depth=1, steps=100, rate=1e-2),
    ]
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_takes_it_for_its_own(estimator: object, check: object) -> None:
    """Most checks ask nothing of what was learned, so few steps do for them."""
    if check.func.__name__ not in ASK_WHAT_WAS_LEARNED:  # type: ignore[attr-defined]
        estimator = clone(estimator).set_params(steps=3)
    check(estimator)  # type: ignore[operator]


@pytest.mark.parametrize(
    "names", [(5, 7), (-1, 1), ("b", "a"), (True, False), (2.0, 1.0)], ids=lambda names: str(names[0])
)
def test_labels_come_back_as_they_were(names: tuple):
    y = np.array(names)[SIDE]
    model = classifier().fit(X, y)
    assert model.classes_.tolist() == sorted(set(names))
    told = model.predict(X)
    assert told.dtype == y.dtype and (told == y).all()
    share = model.predict_proba(X)
    np.testing.assert_allclose(share.sum(1), 1.0)
    assert (model.classes_[share.argmax(1)] == told).all()
    only = SIDE == 1
    assert (model.predict(X[only]) == y[only]).all()  # of one class alone


def test_twelve_classes_stand_in_the_order_of_numbers():
    y = np.arange(120) % 12
    x = np.zeros((120, 3, 12))
    x[np.arange(120), :, y] = 1.0
    model = classifier(width=12, steps=200).fit(x, y)
    assert model.classes_.tolist() == list(range(12)) and model.score(x, y) == 1.0


def test_a_sequence_is_answered_alike_in_any_company():
    """Alone, beside others, and beside a longer one."""
    model = classifier().fit(X, SIDE)
    together = model.predict_proba([*X, np.tile(X[0], (9, 1))])
    for row in (0, 33):
        np.testing.assert_allclose(model.predict_proba([X[row]])[0], together[row], rtol=1e-9)


def test_unequal_lengths_are_learned_from():
    x = [one[: DICE.integers(6, 13)] for one in X]
    model = classifier().fit(x, SIDE)
    assert model.score(x, SIDE) == 1.0
    with pytest.raises(BadInput, match="sequences of 2 channels, got 3"):
        model.predict([np.zeros((4, 3))])


def test_the_order_of_labels_and_ids_tells_nothing():
    """Noise with sorted labels: half is right, by chance, on what was not learned."""
    x, y = DICE.normal(size=(100, 8, 1)), np.repeat([0, 1], 50)
    assert abs(cross_val_score(classifier(steps=30), x, y, cv=5).mean() - 0.5) < 0.2


def test_it_works_in_scikit_learns_tools():
    flat = X[..., 0]
    search = GridSearchCV(classifier(steps=20), {"width": [2, 4]}, cv=2).fit(flat, SIDE)
    assert search.best_params_["width"] in (2, 4)
    assert make_pipeline(StandardScaler(), classifier()).fit(flat, SIDE).score(flat, SIDE) > 0.9


def test_the_same_seed_gives_the_same_answers_and_a_copy_too():
    one, other = classifier().fit(X, SIDE), classifier().fit(X, SIDE)
    assert (one.predict_proba(X) == other.predict_proba(X)).all()
    assert (pickle.loads(pickle.dumps(one)).predict_proba(X) == one.predict_proba(X)).all()
    assert clone(one).get_params() == one.get_params() and not hasattr(clone(one), "classes_")


def test_units_of_the_inputs_change_nothing():
    one, other = classifier().fit(X, SIDE), classifier().fit(1e6 * X + 1e8, SIDE)
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(1e6 * X + 1e8), atol=1e-4)


def test_a_channel_that_never_changes_tells_nothing():
    """It is neither divided by its spread of 0, nor does its level matter."""
    shares = []
    for level in (5.0, -300.0):
        x = np.concatenate([X, np.full((80, 12, 1), level)], 2)
        shares.append(classifier().fit(x, SIDE).predict_proba(x))
    assert np.isfinite(shares).all() and ((shares[0][:, 1] > 0.5) == SIDE).mean() > 0.9
    np.testing.assert_array_equal(*shares)


@pytest.mark.parametrize(
    ("steps", "looks"), [(60, range(3, 61, 3)), (7, range(1, 8)), (41, [*range(2, 41, 2), 41])]
)
def test_what_is_kept_is_looked_at_twenty_times(steps: int, looks: object):
    history = classifier(steps=steps).fit(X, SIDE).history_
    assert [step for step, _ in history] == list(looks)


def test_numbers_are_given_in_their_units_and_shape():
    mean = X.mean((1, 2))
    model = SequenceRegressor("elman", width=6, depth=1, steps=150, rate=1e-2).fit(X, 1e6 * mean + 1e7)
    told = model.predict(X)
    assert told.shape == (80,) and model.score(X, 1e6 * mean + 1e7) > 0.9
    both = SequenceRegressor("elman", width=6, depth=1, steps=5).fit(X, np.stack([mean, -mean], 1))
    assert both.predict(X).shape == (80, 2)


def test_what_is_kept_to_choose_by_is_not_learned_from():
    model = classifier()
    held = model._held(SIDE)
    shares = [(SIDE[held] == label).sum() / (label == SIDE).sum() for label in (0, 1)]
    assert all(0.1 < share < 0.2 for share in shares)
    model.fit(X, SIDE)
    rows = np.concatenate([X[row] for row in np.setdiff1d(np.arange(80), held)])
    np.testing.assert_allclose(model.centre_, rows.mean(0))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, None, "requires y to be passed"),
        (X, SIDE[:-1], "inconsistent numbers of samples"),
        (list(X), SIDE[:-1], "an answer for each of 80 sequences, got 79"),
        (X, np.zeros(80), "at least two classes to tell apart, got 1 class"),
        (X[:0], SIDE[:0], "0 sample"),
        (np.where(np.arange(80)[:, None, None] == 3, np.nan, X), SIDE, "NaN"),
        ([*X[:-1], np.full((3, 2), np.inf)], SIDE, "finite numbers"),
        ([*X[:-1], np.zeros((3, 1))], SIDE, "of the same channels"),
        (X[..., None], SIDE, "sequences, steps"),
    ],
)
def test_what_cannot_be_learned_is_refused(x: object, y: object, message: str):
    with pytest.raises(ValueError, match=message):
        classifier().fit(x, y)


def test_numbers_that_are_none_are_refused():
    with pytest.raises(BadInput, match="expected numbers"):
        SequenceRegressor().fit(X, np.array(["a"] * 80))


def test_a_card_lies_beside_and_says_what_was_learned(tmp_path: Path):
    """So many sequences, of such lengths, by their digest; classes, sizes, and what was held to choose by."""
    model = classifier(steps=4).fit(list(X), np.where(SIDE, "right", "left"))
    model.save(tmp_path)
    told = dict(
        line.removeprefix("- ").split(": ", 1)
        for line in (tmp_path / "card.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("- ")
    )
    assert told["sequences"] == str(80 - model.held_) and told["steps"] == "12" and told["channels"] == "2"
    assert told["classes"] == "2: left, right" and told["layers"] == "1, 6 wide"
    count = sum(one.numel() for one in model.network_.parameters())
    assert told["parameters"] == f"{count:,}" and told["answers by"] == "elman"
    assert (
        told["accuracy"]
        == f"{model.valid_score_:.3f} on {model.held_} sequences, held out to choose the step by"
    )
    again = classifier(steps=1).fit(X[:30, :9], SIDE[:30])
    other = classifier(steps=1).fit(X[:30, :9], 1 - SIDE[:30])
    assert again.learned_["steps"] == "9" and again.learned_["sequences"] == "30"
    assert again.learned_["sha256"] != other.learned_["sha256"]  # of the answers too
    whole = hashlib.sha256(np.asarray(SIDE[:30], np.int64).tobytes())
    for one in X[:30, :9]:
        whole.update(b"(9, 2)" + np.ascontiguousarray(one).tobytes())
    assert again.learned_["sha256"] == whole.hexdigest()
    (tmp_path / "card.md").unlink()
    assert SequenceClassifier.load(tmp_path).learned_ == model.learned_  # nothing is read from the card


def test_a_card_names_few_of_many_and_no_validation_where_there_was_none(tmp_path: Path):
    model = SequenceRegressor("elman", width=4, depth=1, steps=1)
    model.fit([one[:length] for one, length in zip(X, range(3, 9), strict=False)], np.arange(6.0)).save(
        tmp_path
    )
    page = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert page.startswith("# A regressor of sequences") and "- steps: 3 to 8\n" in page
    assert "## Validation" not in page and "wavetrain predict" not in page and "wt.load" in page
