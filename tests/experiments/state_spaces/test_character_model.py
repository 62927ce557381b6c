"""The character model's claim: its predicate, and that all rivals have as many parameters as they may."""

import math

import pytest

from wavetrain.experiments.state_spaces import character_model as experiment


def test_predicate() -> None:
    holds = experiment.claim.holds
    assert holds({"mamba": 1.6, "transformer": 1.7}) is True
    assert holds({"mamba": 1.7, "transformer": 1.7}) is True
    assert holds({"mamba": 1.71, "transformer": 1.7}) is False
    assert holds({"mamba": math.nan, "transformer": 1.7}) is False


def test_at_chance_nobody_can_tell() -> None:
    """At the entropy of single characters, or of 65 characters that are drawn alike."""
    holds, chance = experiment.claim.holds, experiment.CHANCE
    assert holds({"mamba": chance, "transformer": chance}) is None
    assert holds({"mamba": math.log(65), "transformer": math.log(66)}) is None
    assert holds({"mamba": chance - 1e-3, "transformer": chance}) is True
    assert holds({"mamba": chance, "transformer": chance - 1e-3}) is False
    assert holds({"mamba": math.nan, "transformer": math.nan}) is None


@pytest.mark.parametrize("make", experiment.RIVALS, ids=lambda make: make.__name__)
def test_rivals_fill_the_budget(make: experiment.Make) -> None:
    """At the small scale all have between nine tenths of the parameters and all of them."""
    width = experiment.fitting(make, 65, experiment.small.parameters)
    count = sum(p.numel() for p in experiment._model(make, width, 65).parameters())
    assert 0.9 * experiment.small.parameters <= count <= experiment.small.parameters
