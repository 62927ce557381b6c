"""The claim of expectiles: the predicates, the closed forms, and that trials are the same for all units."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules.distributional_dopamine import (
    ARMS,
    claim,
    exact,
    known_of,
    learned,
    rewards_of,
    small,
    smoke,
)
from wavetrain.train.lab import Lab


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True]),
        ({"off_expectiles": 0.031}, [False, True, True]),
        ({"off_quantiles": 0.031}, [True, False, True]),
        ({"off_alike": 0.031}, [True, True, False]),
        ({"spread_alike": 0.01}, [True, True, False]),
        ({"spread_expectiles": 0.59}, [True, True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool], tmp_path: Path):
    assert answers(claim, exact(small, Lab(tmp_path, 0)) | changed) == parts


def test_where_units_end():
    known = {arm: known_of(arm, 19) for arm in ARMS}  # tau is 0.05, 0.1 ... 0.95
    assert float(known["expectiles"][9]) == pytest.approx(0.3) and (known["alike"] == 0.3).all()
    tau = ARMS["quantiles"].taus(19)
    torch.testing.assert_close(known["quantiles"], tau)
    value = known["expectiles"]
    torch.testing.assert_close(tau * 0.3 * (1 - value), (1 - tau) * 0.7 * value)


def test_rewards_are_drawn_by_the_seed(tmp_path: Path):
    one, two = Lab(tmp_path, 0), Lab(tmp_path, 1)
    rewards = rewards_of("expectiles", small, one)
    assert set(rewards.tolist()) == {0.0, 1.0} and float(rewards.mean()) == pytest.approx(0.3, abs=0.02)
    assert torch.equal(rewards, rewards_of("alike", small, one))
    assert not torch.equal(rewards, rewards_of("expectiles", small, two))
    assert float(rewards_of("quantiles", small, one).mean()) == pytest.approx(0.5, abs=0.02)


def test_a_value_is_the_mean_of_the_second_half():
    """Two trials of 1, units alike: w = 0, then half of 0.02, then 0.01 + 0.01 (1 - 0.01)."""
    found = learned(ARMS["alike"], torch.ones(2).double(), smoke.units)
    torch.testing.assert_close(found, torch.full((3,), 0.01 + 0.01 * 0.99).double())
