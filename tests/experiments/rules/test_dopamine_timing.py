"""The claim of dopamine and time: the predicates, the law, and what would fail."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules import dopamine_timing
from wavetrain.experiments.rules._conditioned import CUE, REWARD, TIME, compound, law, learned, trial
from wavetrain.experiments.rules.dopamine_timing import KNOWN, claim, exact, small
from wavetrain.rules.reward.temporal_difference import TemporalDifference
from wavetrain.train.lab import Lab

RIGHT = {"second_order_known": 1.0, "second_order_new": 0.1, "between_whole": 0.0, "between_plain": 0.1}


def right(tmp_path: Path) -> dict[str, float]:
    return exact(small, Lab(tmp_path, 0)) | RIGHT


@pytest.mark.parametrize(
    ("changed", "fails"),
    [
        ({}, None),
        ({"law": 2e-9}, 0),
        ({"reward_traces": 0.02}, 1),
        ({"cue_plain": 0.98}, 1),
        ({"cue_discounted": 1.0}, 1),
        ({"omission_both": -0.97}, 1),
        ({"omission_plain": -1.03}, 1),
        ({"early_new": 0.97}, 2),
        ({"late_old": 0.0}, 2),
        ({"cleared_old": -0.3}, 2),
        ({"cleared_new": 0.0}, 2),
        ({"row_second": 0.02}, 3),
        ({"row_first": 0.9}, 3),
        ({"blocked": 1e-6}, 3),
        ({"second_order_known": 0.9}, 3),
        ({"second_order_new": 0.09}, 3),
        ({"chance_cue_25": 0.29}, 4),
        ({"chance_given_75": 0.21}, 4),
        ({"chance_not_50": -0.54}, 4),
        ({"sums": 1e-8}, 5),
        ({"between_whole": 1e-8}, 5),
        ({"between_plain": 0.09}, 5),
    ],
)
def test_predicates(changed: dict[str, float], fails: int | None, tmp_path: Path):
    assert answers(claim, right(tmp_path) | changed) == [part != fails for part in range(6)]


def test_nothing_holds_of_what_is_no_number(tmp_path: Path):
    assert answers(claim, dict.fromkeys(right(tmp_path), math.nan)) == [False] * 6


def test_the_law_is_a_distribution_that_walks():
    found = law(60)
    assert found.shape == (60, TIME) and np.allclose(found.sum(1), 1)
    assert found[0, REWARD] == 1 and not found[:, :CUE].any() and not found[:, REWARD + 1 :].any()
    place = found[:40] @ np.arange(TIME)
    assert np.allclose(place, REWARD - 0.3 * np.arange(40), atol=1e-6)


def test_the_law_is_not_met_by_another_rate_or_by_traces():
    for rule, rate in ((TemporalDifference(0.1), 0.3), (TemporalDifference(), 0.29)):
        course = learned(compound(), rule, [trial(KNOWN)] * 10, rate)[..., 0].numpy()
        assert np.abs(course - law(10)).max() > 1e-3


def test_learners_are_apart(tmp_path: Path):
    """Each of many outputs learns from its own rewards, as it would alone."""
    one, rule = trial(KNOWN), TemporalDifference()
    rewards = torch.cat([one.y, 0 * one.y], -1)
    both = learned(compound(outputs=2), rule, [one._replace(y=rewards)] * 9)
    torch.testing.assert_close(both[..., :1], learned(compound(), rule, [one] * 9))
    assert not both[..., 1].any()


def test_figures_of_a_small_run_are_those_that_the_claim_names(tmp_path: Path):
    lab = Lab(tmp_path, 0)
    figures = dopamine_timing.run(dopamine_timing.smoke, lab)
    assert set(right(tmp_path)) - set(figures) == set()
    assert figures["law"] < 1e-9 and figures["sums"] < 1e-9
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {
        "travel",
        "probes",
        "chances",
        "stimuli",
    }
