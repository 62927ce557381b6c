"""Settings of all estimators: what they are where nothing is said, and where they begin to make no sense."""

import math
from typing import Any

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import forecaster
from wavetrain.estimators._sequences import FEWEST, SequenceEstimator
from wavetrain.estimators.baseline import BaselineForecaster
from wavetrain.estimators.classifier import LEAST, SequenceClassifier
from wavetrain.estimators.detector import AnomalyDetector
from wavetrain.estimators.forecaster import Forecaster
from wavetrain.estimators.regressor import SequenceRegressor

DICE = np.random.default_rng(0)
NETWORK = {"layer": "gru", "width": 32, "depth": 2, "steps": 300, "random_state": 0}
FITTED = {"batch": 32, "rate": 0.003, "valid": 0.15}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (SequenceClassifier, {**NETWORK, **FITTED}),
        (SequenceRegressor, {**NETWORK, **FITTED}),
        (
            Forecaster,
            {
                **NETWORK,
                **FITTED,
                "horizon": 1,
                "context": None,
                "season": None,
                "origins": 16,
                "phases": True,
            },
        ),
        (
            BaselineForecaster,
            {"baseline": "ridge", "horizon": 1, "context": None, "season": None, "valid": 0.15},
        ),
        (
            AnomalyDetector,
            {
                **NETWORK,
                "rate": 0.01,
                "calibration": 0.3,
                "context": None,
                "season": None,
                "learning_rate": 0.003,
            },
        ),
    ],
    ids=lambda one: one.__name__ if isinstance(one, type) else "",
)
def test_what_is_not_said(kind: type, settings: dict[str, Any]):
    """All parts of a model, and each under its own name."""
    assert kind().get_params() == settings
    for name in settings:
        assert getattr(kind(**{name: name}), name) == name


COUNTS = ("horizon", "width", "depth", "batch", "origins", "context", "season")


@pytest.mark.parametrize(
    ("kind", "name", "least"),
    [
        *((Forecaster, name, 1) for name in COUNTS),
        (Forecaster, "steps", 0),
        *((BaselineForecaster, name, 1) for name in ("horizon", "context", "season")),
        *((AnomalyDetector, name, 1) for name in ("width", "depth", "context", "season")),
        (AnomalyDetector, "steps", 0),
    ],
)
def test_a_count_has_a_least_value(kind: type, name: str, least: int):
    kind(**{name: least}).check()
    with pytest.raises(
        BadInput, match=rf"^{kind.__name__}: expected {name} of at least {least}, got {least - 1}$"
    ):
        kind(**{name: least - 1}).check()


@pytest.mark.parametrize(
    ("kind", "name", "inside", "outside"),
    [
        (Forecaster, "rate", (1e-9, 1.0), (0.0, -0.1, 1.001, math.nan)),
        (Forecaster, "valid", (1e-9, 0.999), (0.0, 1.0, -0.1, math.nan)),
        (BaselineForecaster, "valid", (1e-9, 0.999), (0.0, 1.0, -0.1, math.nan)),
        (AnomalyDetector, "rate", (1e-9, 0.999), (0.0, 1.0, -0.1, math.nan)),
        (AnomalyDetector, "calibration", (1e-9, 0.999), (0.0, 1.0, -0.1, math.nan)),
    ],
)
def test_a_share_lies_between(kind: type, name: str, inside: tuple, outside: tuple):
    for value in inside:
        kind(**{name: value}).check()
    for value in outside:
        with pytest.raises(BadInput, match=rf"^{kind.__name__}: expected .*, got {value}$"):
            kind(**{name: value}).check()


@pytest.mark.parametrize(("batch", "steps", "right"), [(1, 0, True), (0, 0, False), (1, -1, False)])
@pytest.mark.parametrize("kind", [SequenceClassifier, SequenceRegressor])
def test_a_training_of_sequences_has_a_batch_and_steps(
    kind: type[SequenceEstimator], batch: int, steps: int, right: bool
):
    model = kind("elman", width=2, depth=1, batch=batch, steps=steps)
    if right:
        assert model.fit(np.zeros((4, 3)), [0, 1, 0, 1]).history_ == []
        return
    with pytest.raises(
        BadInput, match=rf"^expected a batch of at least 1 and steps of at least 0, got {batch}, {steps}$"
    ):
        model.fit(np.zeros((4, 3)), [0, 1, 0, 1])


def test_sequences_are_held_where_there_are_enough_of_each_class():
    """Forty, four of each class; the share of each, and one at least."""
    assert (FEWEST, LEAST) == (40, 4)
    model = SequenceClassifier()
    for counts, held in (
        ((20, 20), (3, 3)),
        ((20, 19), ()),
        ((36, 4), (5, 1)),
        ((37, 3), ()),
        ((57, 23), (9, 3)),
    ):
        labels = np.repeat([0, 1], counts)
        found = model._held(labels)
        assert tuple(np.bincount(labels[found]).tolist()) == held and (np.diff(found) > 0).all()
    assert (model._held(np.repeat([0, 1], (20, 20))) != np.arange(6)).any()  # shuffled


@pytest.mark.filterwarnings("ignore:R.2 score is not well-defined")  # of a single one
@pytest.mark.parametrize(("count", "held"), [(39, 0), (40, 6), (50, 8), (41, 6)])
def test_numbers_are_held_where_there_are_enough(count: int, held: int):
    model = SequenceRegressor("elman", width=2, depth=1, steps=0)
    model.fit(DICE.normal(size=(count, 3)), DICE.normal(size=count))
    assert model.held_ == held and (model.valid_score_ is None) == (held == 0)
    few = SequenceRegressor("elman", width=2, depth=1, steps=0, valid=1e-9)
    assert few.fit(np.zeros((40, 3)), np.arange(40.0)).held_ == 1


def test_windows_that_a_forecaster_chooses_by():
    assert (forecaster.FITTED, forecaster.LEAST, forecaster.VALUES) == (2000, 64, 2**24)


def test_a_detector_is_watched_with_rows_enough_in_each_series():
    """Eight of them, and a number in each column before the part that is calibrated on."""
    model = AnomalyDetector("last_value", rate=0.3, calibration=0.5)
    model.fit([np.arange(8.0), np.arange(9.0)])
    with pytest.raises(BadInput, match=r"^series '1': expected at least 8 rows, .*, got 7 samples$"):
        model.fit([np.arange(8.0), np.arange(7.0)])
    with pytest.raises(ValueError, match=r"^expected at least 8 rows, .*, got 1 sample$"):
        model.fit(np.arange(1.0)[:, None])
    late = np.stack([np.arange(12.0), np.full(12, np.nan)], 1)
    late[6, 1] = 1.0  # the first row of the part that is calibrated on
    with pytest.raises(BadInput, match="with numbers in each column to watch before calibration"):
        model.fit(late)
    late[5, 1] = 1.0
    assert model.fit(late).columns_ == ("y1", "y2")
