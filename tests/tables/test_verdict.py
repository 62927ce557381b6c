"""The verdict names what to use, chosen by one part and tested on another."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.metrics import mae
from wavetrain.tables.score import Score
from wavetrain.tables.verdict import Candidate, verdict

DICE = np.random.default_rng(0)
NOISE = DICE.normal(size=40)
OF = {"window": np.arange(40)}


def errors(size: float, noise: float = 0.1) -> Score:
    return mae(truth=np.zeros((40, 1)), forecast=(size + noise * NOISE)[:, None])


def tried(name: str, valid: float, *test: float, baseline: bool = False, noise: float = 0.1) -> Candidate:
    return Candidate(
        name=name, baseline=baseline, valid=(errors(valid),), test=tuple(errors(one, noise) for one in test)
    )


NAIVE = tried("the seasonal naive forecast", 2.0, 2.0, baseline=True)
RIDGE = tried("ridge on lags", 1.5, 2.5, baseline=True)


def test_a_layer_that_is_better_by_more_than_chance_earns_its_keep():
    found = verdict([NAIVE, tried("gru", 1.0, 1.0, 1.01, 0.99, noise=0.2)], OF)
    assert found.earns and found.advice == "gru"
    assert str(found).startswith("gru earns its keep over the seasonal naive forecast: MAE")
    assert str(found).endswith("Both were chosen on the validation part")
    assert "interval -" in str(found) and "40 windows, 3 seeds" in str(found)


def test_a_layer_that_is_worse_does_not():
    found = verdict([NAIVE, tried("gru", 1.0, 3.0, noise=0.2)], OF)
    assert not found.earns and found.advice == "the seasonal naive forecast"
    assert str(found).startswith("No layer earns its keep here: use the seasonal naive forecast. gru ")
    assert "is worse: MAE 2.99 against 1.99 (difference +0.994" in str(found)


def test_a_layer_that_may_be_better_by_chance_does_not():
    found = verdict([NAIVE, tried("gru", 1.0, 1.9, noise=0.7)], OF)
    assert found.difference.value < 0 and not found.earns
    assert "use the seasonal naive forecast" in str(found) and "is not told apart from it" in str(found)


def test_seeds_that_disagree_are_no_proof():
    found = verdict([NAIVE, tried("gru", 1.0, 0.5, 1.7, 2.6, noise=0.2)], OF)
    assert found.difference.value < 0 and not found.earns


def test_few_windows_are_no_proof():
    found = verdict([NAIVE, tried("gru", 1.0, 0.5, noise=0.2)], {"block": np.arange(40) // 20})
    assert not found.earns and "cannot be told apart" in str(found) and "2 blocks" in str(found)


def test_the_best_are_chosen_by_the_part_to_choose_by():
    """Ridge is the better baseline there, whatever the test part says; so for layers."""
    found = verdict([NAIVE, RIDGE, tried("gru", 1.2, 1.0), tried("lstm", 1.1, 2.4)], OF)
    assert found.baseline is RIDGE and found.layer.name == "lstm"


def test_a_missing_forecast_wins_nothing():
    hole = Score(
        name="MAE", value=np.nan, series=np.zeros(1), targets=np.zeros(1), windows=39, points=39, missing=1
    )
    holed = Candidate(name="gru", baseline=False, valid=(errors(0.1),), test=(hole,))
    found = verdict([NAIVE, holed], OF)
    assert found.layer is None and not found.earns
    assert str(found) == (
        "No layer earns its keep here: use the seasonal naive forecast. "
        "gru does not forecast each window and is not ranked"
    )


def test_more_may_be_better():
    found = verdict([NAIVE, tried("gru", 3.0, 3.0, noise=0.2)], OF, more=True)
    assert found.earns and found.difference.value > 0
    worse = verdict([NAIVE, tried("gru", 3.0, 1.0, noise=0.2)], OF, more=True)
    assert not worse.earns and "is worse" in str(worse)


def test_less_is_better_at_95_percent_where_nothing_is_said():
    found = verdict([NAIVE, tried("gru", 1.0, 1.0)], OF)
    assert not found.more and found.difference.level == 0.95 and found.unscored == ()
    assert verdict([NAIVE, tried("gru", 1.0, 1.0)], OF, level=0.8).difference.level == 0.8


def test_where_more_is_better_the_best_layer_has_most():
    tried_twice = [
        tried("gru", 1.0, 3.0),
        tried("lstm", 3.0, 3.0),
        NAIVE,
        tried("mean", 1.0, 2.0, baseline=True),
    ]
    found = verdict(tried_twice, OF, more=True)
    assert (found.layer.name, found.baseline.name) == ("lstm", NAIVE.name)


def test_a_baseline_of_several_seeds_counts_by_its_mean():
    several = tried("ridge on lags", 1.0, 1.0, 2.0, baseline=True)
    found = verdict([several, tried("gru", 1.0, 1.0)], OF)
    assert found.difference.value == pytest.approx(-0.5)


def test_a_verdict_needs_a_baseline_and_scores():
    with pytest.raises(BadInput, match="expected a baseline"):
        verdict([tried("gru", 1.0, 1.0)], OF)
    with pytest.raises(BadInput, match="gru: expected a score"):
        verdict([NAIVE, Candidate(name="gru", baseline=False, valid=(errors(1),), test=())], OF)
