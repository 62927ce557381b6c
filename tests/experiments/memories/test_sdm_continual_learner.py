"""The SDM perceptron as a continual learner: the predicate, the measures, and an SDM that is constrained."""

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.answers import answers
from wavetrain.experiments.memories.sdm_continual_learner import (
    End,
    Perceptron,
    _dead,
    _learn,
    claim,
    smoke,
    split_digits,
)
from wavetrain.layers.attention.sdm_perceptron import SdmPerceptron
from wavetrain.train.lab import Lab

RIGHT = {"mlp": 0.2, "mlp_ewc": 0.5, "sdm": 0.45, "sdm_ewc": 0.6}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True]),
        ({"sdm": 0.44}, [False, True, True]),  # 25 points above the MLP
        ({"sdm_ewc": 0.44, "mlp_ewc": 0.4}, [True, False, True]),  # consolidation must not harm
        ({"mlp_ewc": 0.6}, [True, True, False]),  # nor the MLP with it be as good
        ({"sdm": 1.0, "sdm_ewc": 1.0}, [True, True, True]),  # nothing forgotten
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts
    assert claim.holds(RIGHT | changed) is all(parts)


@pytest.mark.parametrize("right", [0.1, 0.2])
def test_nothing_is_decided_where_nobody_remembers(right: float):
    """Guessing among ten digits, and knowing the last two alone."""
    assert answers(claim, dict.fromkeys(RIGHT, right)) == [None, None, None]
    assert answers(claim, dict.fromkeys(RIGHT, right) | {"mlp_ewc": 0.3}) == [False, None, False]


def test_what_is_lost_is_counted_over_all_tasks_but_the_last():
    end = End(nn.Identity(), [[1.0], [0.5, 0.9], [0.2, 0.7, 0.8]])
    assert end.score == pytest.approx(1.7 / 3)
    assert end.lost == pytest.approx((0.8 + 0.2) / 2)


def test_split_digits_are_five_pairs():
    pairs = [set(split_digits(part, 3).test().y.tolist()) for part in range(5)]
    assert set.union(*pairs) == set(range(10)) and all(len(pair) == 2 for pair in pairs)


def test_learning_keeps_the_constraints_and_closes_the_switch(tmp_path: Path):
    tasks = [split_digits(part, 0) for part in range(5)]

    def make() -> nn.Module:
        return Perceptron(SdmPerceptron(10, 64, 20, 3, smoke.switch))

    end = _learn(Lab(tmp_path, 0), "one", make, "adam_0.001", tasks, smoke)
    assert isinstance(end.network, Perceptron)
    layer = end.network.layer
    assert (layer.address >= 0).all() and (layer.store >= 0).all()
    torch.testing.assert_close(layer.address.norm(dim=1), torch.ones(20))
    assert layer.wins.max() >= smoke.switch
    assert [len(row) for row in end.after] == [1, 2, 3, 4, 5]
    again = _learn(Lab(tmp_path, 0), "one", make, "adam_0.001", tasks, smoke)
    assert again.after == end.after
    torch.testing.assert_close(again.network.state_dict(), end.network.state_dict(), rtol=0, atol=0)


def test_dead_neurons_are_those_that_nothing_wakes():
    network = Perceptron(SdmPerceptron(10, 64, 20, winners=20))
    with torch.no_grad():
        network.layer.address[:5] = 0.0
    assert _dead(network.eval(), [split_digits(0, 0)]) == pytest.approx(0.25)
