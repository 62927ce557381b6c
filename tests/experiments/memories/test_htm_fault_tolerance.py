"""Damage: what decides, and that a memory without cells tells nothing."""

from dataclasses import replace
from pathlib import Path

from tests.answers import answers
from wavetrain.experiments.memories import htm_fault_tolerance
from wavetrain.experiments.memories.htm_fault_tolerance import SHARES, claim, run, smoke
from wavetrain.train.lab import Lab


def test_what_was_known_must_still_be_known():
    assert answers(claim, {"accuracy_0": 1.0, "accuracy_30": 0.9}) == [True]
    assert answers(claim, {"accuracy_0": 1.0, "accuracy_30": 1.0}) == [True]
    assert answers(claim, {"accuracy_0": 1.0, "accuracy_30": 0.89}) == [False]
    assert answers(claim, {"accuracy_0": 0.8, "accuracy_30": 0.8}) == [None]
    assert answers(claim, {"accuracy_0": 0.1, "accuracy_30": 0.1}) == [None], "chance, of ten symbols"


def test_the_undamaged_memory_knows_most_and_a_dead_one_nothing(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(htm_fault_tolerance, "SHARES", (0.0, 1.0))
    figures = run(replace(smoke, learned=3000, columns=256, cells=8, after=400), Lab(tmp_path, 0))
    assert figures["accuracy_0"] > 0.5 > figures["accuracy_100"] and set(SHARES) >= {0.0, 0.3, 0.6}
    assert figures["frozen_100"] <= 0.5, "of the ten symbols the first is named"
