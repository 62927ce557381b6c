"""The predicate knows both answers and when there is none; a planted error in the losses is seen."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from tests.answers import answers
from wavetrain.experiments.recurrences.para_rnn_newton import _gap, claim
from wavetrain.train.lab import Mark

SAME = {"chance": 0.2}
for cell in ("gru", "lstm"):
    SAME |= {f"gap_{cell}": 1e-12, f"accuracy_{cell}_walk": 0.9, f"accuracy_{cell}_newton": 0.9}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"gap_gru": 2e-4}, 0),
        ({"gap_gru": math.nan}, 0),
        ({"gap_lstm": 2e-4}, 1),
        ({"accuracy_gru_newton": 0.8998}, 2),
        ({"accuracy_lstm_newton": 0.9002}, 3),
    ],
)
def test_predicates(changed: dict[str, float], wrong: int):
    assert answers(claim, SAME) == [True] * 4 and claim.holds(SAME) is True
    assert answers(claim, SAME | changed) == [part != wrong for part in range(4)]
    assert claim.holds(SAME | changed) is False


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_nothing_is_decided_where_a_cell_learned_nothing(cell: str):
    assert answers(claim, SAME | {f"accuracy_{cell}_walk": 0.29}) == [None] * 4
    assert answers(claim, SAME | {f"accuracy_{cell}_walk": 0.31, f"gap_{cell}": 1.0}) != [None] * 4


def training(*losses: float) -> SimpleNamespace:
    return SimpleNamespace(marks=[Mark(step, loss, 0.0) for step, loss in enumerate(losses, 1)])


def test_gap_is_relative_and_missing_where_one_stopped():
    gap = _gap(training(2.0, 1.1), training(2.0, 1.0, 0.5), 3)
    np.testing.assert_allclose(gap, [0, 0.1, math.nan])
