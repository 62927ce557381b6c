"""Reward and loop attention: the predicates, what is given, and which trial a reward is of."""

import math
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules.loop_attention_reward import (
    Late,
    _apart,
    _learn,
    asked,
    claim,
    exact,
    hard,
    loop,
    paid,
    small,
    smoke,
)
from wavetrain.train.lab import Lab

RIGHT = {
    "apart_window": 1e-15,
    "apart_full": 1e-15,
    "apart_average": 1e-15,
    "right_backpropagation": 1.0,
    "right_rewarded": 0.99,
    "right_shuffled": 0.13,
    "right_values": 0.2,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True] * 5),
        ({"apart_window": 2e-10}, [False, True, True, True, True]),
        ({"apart_full": 2e-10}, [False, True, True, True, True]),
        ({"apart_average": 2e-10}, [False, True, True, True, True]),
        ({"right_backpropagation": 0.97}, [True, False, True, True, True]),
        ({"right_rewarded": 0.94}, [True, True, False, True, True]),
        ({"right_shuffled": 0.26}, [True, True, True, False, True]),
        ({"right_values": 0.26}, [True, True, True, True, False]),
        (dict.fromkeys(RIGHT, math.nan), [False] * 5),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def test_the_circuit_is_right(tmp_path: Path):
    assert answers(claim, RIGHT | exact(small, Lab(tmp_path, 0))) == [True] * 5


def test_the_loop_is_attention_and_a_wrong_one_is_seen(monkeypatch: pytest.MonkeyPatch):
    assert max(_apart(torch.Generator().manual_seed(0)).values()) < 1e-10
    from wavetrain.layers.attention import loop_attention as module

    real = module.sliding_attention
    monkeypatch.setattr(module, "sliding_attention", lambda *parts: real(*parts).roll(1, 1))
    found = _apart(torch.Generator().manual_seed(0))
    assert found["apart_window"] > 0.1 and found["apart_average"] > 0.1


def test_what_is_given_reads_what_came_back():
    """Each place by itself: its value is read as one, and the query's own place as none."""
    task = asked(small, 0)
    network = loop(task, given=True)
    x, y = task.draw(20, torch.Generator().manual_seed(0))
    now, _, returns = network.layer.selection(x)
    right = torch.stack([paid(network.read(now + returns[:, place]), y) for place in range(9)], 1)
    assert right.sum(1).eq(1).all() and not right[:, -1].any()
    assert [name for name, one in network.named_parameters() if one.requires_grad] == [
        "layer.query.weight",
        "layer.key.weight",
    ]
    assert all(one.requires_grad for one in loop(task, given=False).parameters())


def test_a_reward_that_is_late_is_that_of_the_trial_before():
    late, outputs = Late(), torch.eye(2)
    given = [float(late(outputs[row : row + 1], torch.tensor([0]))) for row in (0, 1, 1, 0)]
    assert given == [0, 1, 0, 0] and float(late(outputs[:1], torch.tensor([1]))) == 1


def test_the_best_place_alone():
    task = asked(small, 0)
    network = loop(task, given=True)
    other = hard(network, task)
    x, _ = task.draw(5, torch.Generator().manual_seed(0))
    assert other.layer.temperature == 0 and network.layer.temperature == 1
    assert torch.equal(other.layer.operator(x).weight.argmax(-1), network.layer.operator(x).weight.argmax(-1))


def test_arms_begin_alike_and_are_read_back(tmp_path: Path):
    lab = Lab(tmp_path, 0)
    task = asked(smoke, 0)
    arms = ("rewarded", "shuffled", "values", "backpropagation")
    ends = {arm: _learn(arm, smoke, lab, task) for arm in arms}
    again, course = _learn("rewarded", smoke, lab, task)
    assert course == ends["rewarded"][1] and len(course) == 20
    assert all(
        torch.equal(one, other)
        for one, other in zip(again.parameters(), ends["rewarded"][0].parameters(), strict=True)
    )
    first = loop(task, given=True)
    moved = {arm: network.layer.query.weight for arm, (network, _) in ends.items()}
    assert len({tuple(weight.flatten().tolist()) for weight in moved.values()}) == 4, "arms learn alike"
    for arm in ("rewarded", "shuffled"):
        assert torch.equal(ends[arm][0].read.weight, first.read.weight), "the read-out is given"
    for arm in ("values", "backpropagation"):
        assert not torch.equal(ends[arm][0].layer.value.weight, first.layer.value.weight)
