"""High-order sequences in a stream: what decides, and when a rival counts as recovered."""

import pytest
import torch

from wavetrain.experiments.memories.htm_high_order import LATEST, _figures, _holds, small

RIVALS = ("lstm_updated", "lstm_1000", "lstm_3000", "esn")


def figures(**changed: float) -> dict[str, float]:
    told = {f"before_{name}": 0.95 for name in RIVALS} | {f"recovery_{name}": 3000.0 for name in RIVALS}
    return told | {"before_htm": 1.0, "before_one_cell": 0.3, "recovery_htm": 2000.0} | changed


def test_the_memory_must_have_learned_and_be_back_first():
    assert _holds(figures()) is True
    assert _holds(figures(before_htm=0.98)) is False
    assert _holds(figures(before_one_cell=0.6)) is False
    for name in RIVALS:
        assert _holds(figures(**{f"recovery_{name}": 2000.0})) is False


def test_nothing_is_told_where_no_lstm_learned():
    none = {f"before_{name}": 0.8 for name in RIVALS}
    assert _holds(figures(**none)) is None
    assert _holds(figures(**none | {"before_lstm_1000": 0.9})) is True


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
