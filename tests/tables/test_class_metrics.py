"""Metrics of classes are scikit-learn's, and say what each sequence adds."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score

from wavetrain.errors import BadInput
from wavetrain.tables import class_metrics as metrics

DICE = np.random.default_rng(0)
TRUTH = np.array(["b", "a", "c", "c", "c", "a", "c", "c"] * 5)
FORECAST = DICE.permutation(TRUTH)
CLASSES = np.array(["a", "b", "c"])


def test_they_agree_with_those_of_scikit_learn():
    both = {"truth": TRUTH, "forecast": FORECAST}
    assert metrics.accuracy(**both).value == pytest.approx(accuracy_score(TRUTH, FORECAST))
    assert metrics.balanced_accuracy(**both).value == pytest.approx(balanced_accuracy_score(TRUTH, FORECAST))
    assert metrics.f1(**both).value == pytest.approx(f1_score(TRUTH, FORECAST, average="macro"))
    shares = DICE.dirichlet(np.ones(3), len(TRUTH))
    wanted = roc_auc_score(TRUTH, shares, multi_class="ovr", labels=CLASSES)
    assert metrics.auroc(truth=TRUTH, scores=shares, classes=CLASSES).value == pytest.approx(wanted)


@pytest.mark.parametrize("metric", [metrics.accuracy, metrics.balanced_accuracy])
def test_sequences_add_up_to_the_score(metric):
    found = metric(truth=TRUTH, forecast=FORECAST)
    assert found.parts.sum() == pytest.approx(found.value) and found.shares.sum() == pytest.approx(1.0)
    assert found.windows == 40


def test_a_class_that_does_not_occur_is_no_part_of_the_mean():
    found = metrics.balanced_accuracy(truth=np.array([0, 0, 1, 1]), forecast=np.array([0, 2, 1, 1]))
    assert found.value == 0.75
    assert np.isnan(metrics.auroc(truth=np.zeros(3, int), scores=np.ones((3, 2)), classes=np.arange(2)).value)
    scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]])
    one = metrics.auroc(truth=np.array([0, 1]), scores=scores, classes=np.arange(3))
    assert one.value == 1.0 and one.undefined == 1


def test_a_missing_score_is_no_better_auroc():
    scores = np.array([[0.8, 0.2], [np.nan, np.nan], [0.2, 0.8]])
    found = metrics.auroc(truth=np.array([0, 0, 1]), scores=scores, classes=np.arange(2))
    assert np.isnan(found.value) and found.missing == 1


def test_nats_leave_out_what_is_no_token():
    shares = np.array([[[0.5, 0.5], [0.25, 0.75]], [[0.1, 0.9], [1.0, 0.0]]])
    truth = np.array([[0, 0], [1, -1]])
    with np.errstate(divide="ignore"):
        found = metrics.nats(truth=truth, log_shares=np.log(shares))
    assert found.value == pytest.approx(-np.log([0.5, 0.25, 0.9]).mean()) and found.points == 3
    assert metrics.bits_per_byte(found, size=3) == pytest.approx(found.value / np.log(2))
    hole = metrics.nats(truth=truth, log_shares=np.where(shares == 0.5, np.nan, 0.0))
    assert np.isnan(hole.value) and hole.missing == 1


@pytest.mark.parametrize(
    ("truth", "forecast", "message"),
    [
        (np.zeros(3), np.zeros(2), r"got \(3,\), \(2,\)"),
        (np.zeros(0), np.zeros(0), r"got \(0,\), \(0,\)"),
        (np.array(["1"]), np.array([1]), "labels of one kind"),
        (np.zeros(2), np.array([0.0, np.nan]), "1 that are NaN"),
    ],
)
def test_what_cannot_be_scored_is_refused(truth: np.ndarray, forecast: np.ndarray, message: str):
    for metric in (metrics.accuracy, metrics.balanced_accuracy, metrics.f1):
        with pytest.raises(BadInput, match=message):
            metric(truth=truth, forecast=forecast)


def test_scores_of_other_shapes_are_refused():
    with pytest.raises(BadInput, match=r"scores \(2, 2\), got \(2, 3\)"):
        metrics.auroc(truth=np.arange(2), scores=np.zeros((2, 3)), classes=np.arange(2))
    with pytest.raises(BadInput, match="the labels 0, 1; got 5"):
        metrics.auroc(truth=np.array([0, 5]), scores=np.zeros((2, 2)), classes=np.arange(2))
    with pytest.raises(BadInput, match="tokens below 2, got 2"):
        metrics.nats(truth=np.array([[2]]), log_shares=np.zeros((1, 1, 2)))
    with pytest.raises(BadInput, match="nats: expected tokens"):
        metrics.nats(truth=np.array([2]), log_shares=np.zeros((1, 1, 2)))
    with pytest.raises(BadInput, match=r"nats: expected tokens .* got \(1,\), \(1, 2\)"):
        metrics.nats(truth=np.zeros(1, int), log_shares=np.zeros((1, 2)))
    with pytest.raises(BadInput, match=r"the labels 0, 1, 2, 3, 4, 5, \.\.\.; got 9"):
        metrics.auroc(truth=np.array([9]), scores=np.zeros((1, 7)), classes=np.arange(7))
    with pytest.raises(BadInput, match="the labels 0, 1, 2, 3, 4, 5; got 9"):
        metrics.auroc(truth=np.array([9]), scores=np.zeros((1, 6)), classes=np.arange(6))
    found = metrics.nats(truth=np.array([[0]]), log_shares=np.zeros((1, 1, 2)))
    assert metrics.bits_per_byte(found, size=1) == 0.0
    with pytest.raises(BadInput, match="at least one byte, got 0"):
        metrics.bits_per_byte(found, size=0)
