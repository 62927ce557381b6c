"""The predicate knows both answers and when there is none; a planted error in the losses is seen."""

import math
from types import SimpleNamespace

import numpy as np

from wavetrain.experiments.recurrences.para_rnn_newton import _gap, claim
from wavetrain.train.lab import Mark

SAME = {"chance": 0.2}
for cell in ("gru", "lstm"):
    SAME |= {f"gap_{cell}": 1e-12, f"accuracy_{cell}_walk": 0.9, f"accuracy_{cell}_newton": 0.9}


def test_predicate():
    assert claim.holds(SAME) is True
    assert claim.holds(SAME | {"gap_lstm": 2e-4}) is False
    assert claim.holds(SAME | {"accuracy_gru_newton": 0.899}) is False
    assert claim.holds(SAME | {"gap_gru": math.nan}) is False
    assert claim.holds(SAME | {"accuracy_gru_walk": 0.29}) is None


def training(*losses: float) -> SimpleNamespace:
    return SimpleNamespace(marks=[Mark(step, loss, 0.0) for step, loss in enumerate(losses, 1)])


def test_gap_is_relative_and_missing_where_one_stopped():
    gap = _gap(training(2.0, 1.1), training(2.0, 1.0, 0.5), 3)
    np.testing.assert_allclose(gap, [0, 0.1, math.nan])
