"""aeon's own checks, where it is installed, and its contract by hand on our estimators, where it is not.

aeon up to 1.6 wants an older numba than `constraints.txt` pins, so it is never beside the pins.
"""

import ast
import importlib
import importlib.util
import pickle
import sys

import numpy as np
import pytest

from wavetrain import find
from wavetrain.errors import BadInput
from wavetrain.estimators import SequenceClassifier, SequenceRegressor, steps_first

THERE = importlib.util.find_spec("aeon") is not None
DICE = np.random.default_rng(0)
CASES = DICE.normal(size=(24, 2, 10))  # of aeon: channels before steps
CASES[::2, 0] += 3.0
LABELS = np.where(np.arange(24) % 2, "Low", "high")  # in capitals and not
LISTED = [one[:, : DICE.integers(6, 11)] for one in CASES]  # of unequal length
SIZES = {"width": 6, "depth": 1, "steps": 60, "rate": 2e-2}

if THERE:
    from aeon.testing.estimator_checking import parametrize_with_checks

    from wavetrain.estimators.in_aeon import AeonClassifier, AeonRegressor

    @pytest.mark.filterwarnings("ignore")
    @parametrize_with_checks([AeonClassifier, AeonRegressor])
    def test_aeon_takes_it_for_its_own(check) -> None:
        check()

    def test_in_aeon_it_answers_as_it_does_here() -> None:
        for X in (CASES, LISTED):
            theirs = AeonClassifier(**SIZES).fit(X, LABELS)
            ours = SequenceClassifier(**SIZES).fit(steps_first(X), LABELS)
            np.testing.assert_array_equal(theirs.predict_proba(X), ours.predict_proba(steps_first(X)))
        numbers = CASES[:, 0].mean(1)
        theirs = AeonRegressor(**SIZES).fit(CASES, numbers)
        ours = SequenceRegressor(**SIZES).fit(steps_first(CASES), numbers)
        np.testing.assert_array_equal(theirs.predict(CASES), ours.predict(steps_first(CASES)))

else:

    def test_without_aeon_that_is_one_line() -> None:
        sys.modules.pop("wavetrain.estimators.in_aeon", None)
        with pytest.raises(BadInput, match=r"need the package aeon: pip install 'wavetrain\[aeon\]'"):
            importlib.import_module("wavetrain.estimators.in_aeon")


@pytest.mark.parametrize("X", [CASES, LISTED], ids=["array", "unequal"])
def test_a_collection_of_aeon_is_classified(X: np.ndarray | list[np.ndarray]):
    before = [one.copy() for one in X]
    x = steps_first(X)
    model = SequenceClassifier(**SIZES).fit(x, LABELS)
    assert all((one == other).all() for one, other in zip(X, before, strict=True)), "the data was changed"
    told, share = model.predict(x), model.predict_proba(x)
    assert model.classes_.tolist() == ["Low", "high"] and told.dtype == LABELS.dtype
    assert told.shape == (24,) and share.shape == (24, 2) and (told == LABELS).all()
    np.testing.assert_allclose(share.sum(1), 1.0)
    assert (model.classes_[share.argmax(1)] == told).all()
    np.testing.assert_allclose(model.predict_proba(x[3:7]), share[3:7], rtol=1e-9)  # a part, in its company
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(x), share)


@pytest.mark.parametrize("X", [CASES, LISTED], ids=["array", "unequal"])
def test_a_collection_of_aeon_has_its_numbers(X: np.ndarray | list[np.ndarray]):
    numbers = 100 + 50 * CASES[:, 0].mean(1)
    model = SequenceRegressor(**{**SIZES, "steps": 200}).fit(steps_first(X), numbers)
    told = model.predict(steps_first(X))
    assert told.shape == (24,) and told.dtype == np.float64
    assert model.score(steps_first(X), numbers) > 0.8


def test_a_list_of_equal_lengths_is_the_array():
    model = SequenceClassifier(**SIZES).fit(steps_first(CASES), LABELS)
    listed = SequenceClassifier(**SIZES).fit(steps_first(list(CASES)), LABELS)
    share = model.predict_proba(steps_first(CASES))
    np.testing.assert_array_equal(listed.predict_proba(steps_first(CASES)), share)
    np.testing.assert_array_equal(model.predict_proba(steps_first(list(CASES))), share)


def test_one_channel_with_and_without_its_axis_is_the_same():
    one = SequenceClassifier(**SIZES).fit(steps_first(CASES[:, :1]), LABELS)
    flat = SequenceClassifier(**SIZES).fit(steps_first(CASES[:, 0]), LABELS)
    share = one.predict_proba(steps_first(CASES[:, :1]))
    np.testing.assert_array_equal(share, flat.predict_proba(CASES[:, 0]))


def test_what_is_no_collection_is_refused():
    with pytest.raises(
        BadInput, match=r"expected X \(cases, channels, steps\) or \(cases, steps\), got \(4,\)"
    ):
        steps_first(np.zeros(4))
    with pytest.raises(BadInput, match=r"expected cases \(channels, steps\), got \[\(7,\)\]"):
        steps_first([np.zeros((2, 5)), np.zeros(7)])


@pytest.mark.parametrize(
    ("adapter", "ours"), [("AeonClassifier", SequenceClassifier), ("AeonRegressor", SequenceRegressor)]
)
def test_an_adapter_begins_as_what_it_adapts(adapter: str, ours: type):
    """The same settings with the same values, read off the text, since the module itself asks for aeon."""
    text = (find.ROOT / "estimators/in_aeon.py").read_text(encoding="utf-8")
    (found,) = (
        node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == adapter
    )
    (begin,) = (node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    names = [one.arg for one in begin.args.args[1:]]
    settings = dict(zip(names, map(ast.literal_eval, begin.args.defaults), strict=True))
    assert settings == ours().get_params()
