"""High-order sequences in a stream: what decides, and when a rival counts as recovered."""

import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.evidence.claims import Measured, every
from wavetrain.experiments.memories import htm_high_order
from wavetrain.experiments.memories.htm_high_order import LATEST, _figures, claim, small

RIVALS = ("lstm_updated", "lstm_1000", "lstm_3000", "esn")


def figures(**changed: float) -> dict[str, float]:
    told = {f"before_{name}": 0.95 for name in RIVALS} | {f"recovery_{name}": 3000.0 for name in RIVALS}
    return told | {"before_htm": 1.0, "before_one_cell": 0.3, "recovery_htm": 2000.0} | changed


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True, True, True]),
        ({"before_htm": 0.98}, [False, None, True, True, True]),
        ({"before_one_cell": 0.6}, [True, False, True, True, True]),
        ({"recovery_lstm_updated": 2000.0}, [True, True, False, True, True]),
        ({"recovery_lstm_1000": 2000.0}, [True, True, True, False, True]),
        ({"recovery_lstm_3000": 2000.0}, [True, True, True, False, True]),
        ({"recovery_esn": 2000.0}, [True, True, True, True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, figures(**changed), small) == parts
    assert claim.holds(Measured(figures(**changed), small)) is every(parts)


def test_recovery_is_not_decided_where_no_lstm_learned():
    none = {f"before_{name}": 0.8 for name in RIVALS}
    assert answers(claim, figures(**none), small) == [True, True, None, None, None]
    assert answers(claim, figures(**none | {"before_lstm_1000": 0.9}), small) == [True] * 5


def test_chance_fulfils_no_part():
    """Of ten symbols, one; nobody ever gets back to 90%."""
    names = ("htm", "one_cell", *RIVALS)
    chance = {f"before_{name}": 0.1 for name in names} | {f"recovery_{name}": 10_000.0 for name in names}
    assert answers(claim, chance, small) == [False, None, None, None, None]


def test_recovery_counts_records_until_nine_in_ten_of_the_latest_are_right():
    when = torch.arange(5, small.length, 8)
    since = int((when < small.length // 2).sum())  # the first symbol after the exchange
    right = torch.ones(len(when), dtype=torch.bool)
    right[since : since + 60] = False
    told = _figures({"a": right, "b": torch.zeros_like(right)}, when, small)
    newest = when[since + 60 + 9 * LATEST // 10 - 1]  # 45 right of the 50 up to it
    assert told["recovery_a"] == newest - small.length // 2 + 1
    assert told["before_a"] == 1 and told["after_a"] == 1
    assert told["dip_a"] == pytest.approx(1 - 60 / int(((when >= 10_000) & (when < 11_000)).sum()))
    assert told["before_b"] == 0 and told["recovery_b"] == 10_000, "never, which reads as all that is left"


def test_a_table_of_sequences_meets_the_limits_and_a_short_one_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("htm_high_order") == [True, True, None, None, None]
    monkeypatch.setattr(htm_high_order, "LONGEST", 4)  # too short to know how a sequence began
    assert exact_answers("htm_high_order") == [False, None, None, None, None]
