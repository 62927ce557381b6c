"""Counter-current learning of digits: the predicates, and that arms differ in what they say alone."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.core import Batch
from wavetrain.data.images.digits import digits
from wavetrain.experiments.rules.counter_current_digits import (
    ARMS,
    CONTROLS,
    Shuffled,
    claim,
    likeness,
    network,
    rule,
    run,
    small,
    smoke,
)
from wavetrain.rules.counter_current import CounterCurrent
from wavetrain.train.lab import Lab

RIGHT = {
    "accuracy_counter": 0.93,
    "accuracy_backpropagation": 0.975,
    "accuracy_still_slow": 0.85,
    "accuracy_still_fast": 0.5,
    "accuracy_hidden": 0.87,
    "accuracy_shuffled": 0.86,
    "later_counter": 0.965,
    "later_backpropagation": 0.974,
    "rise_counter": 0.15,
    "rise_still_slow": 0.1,
    "rise_still_fast": -0.1,
    "rise_shuffled": -0.05,
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, []),
        ({"accuracy_counter": 0.924}, [0]),
        ({"accuracy_hidden": 0.891}, [1]),
        ({"accuracy_shuffled": 0.891}, [1]),
        ({"accuracy_still_slow": 0.881}, [1]),
        ({"accuracy_still_fast": 0.881}, [1]),
        ({"accuracy_backpropagation": 0.991}, [2]),
        ({"later_counter": 0.959, "later_backpropagation": 0.96}, [3]),
        ({"rise_counter": 0.099}, [4]),
        *(({f"rise_{arm}": 0.101}, [4]) for arm in CONTROLS),
        ({"later_backpropagation": 0.976}, [5]),
        (dict.fromkeys(RIGHT, math.nan), [0, 1, 3, 4]),
    ],
)
def test_predicates(changed: dict[str, float], wrong: list[int]):
    said = answers(claim, RIGHT | changed)
    assert [place for place, one in enumerate(said) if one is False] == wrong
    assert said.count(True) == 6 - len(wrong) or math.isnan((RIGHT | changed)["later_counter"])


def test_nothing_is_compared_with_backpropagation_that_has_not_learned():
    assert [answers(claim, RIGHT | {"accuracy_backpropagation": 0.1})[part] for part in (2, 5)] == [
        None,
        None,
    ]


def test_all_arms_start_alike():
    task = digits()
    batch = Batch(task.test().x[:20], task.test().y[:20])
    starts, feedback = [], []
    for arm in ARMS:
        torch.manual_seed(5)
        made, teacher = network(arm, 64, smoke), rule(arm, smoke, seed=5)
        starts.append(torch.cat([one.detach().flatten() for one in made.parameters()]))
        if isinstance(teacher, CounterCurrent):
            teacher.meet(made, batch)
            feedback.append(torch.cat([one.detach().flatten() for one in teacher.back]))
            assert -1 <= likeness(made, teacher, batch) <= 1
    assert all(torch.equal(one, starts[0]) for one in starts)
    assert len(feedback) == 4 and all(torch.equal(one, feedback[0]) for one in feedback)


def test_rates_and_what_learns():
    rates = {arm: one.rate for arm in ARMS if isinstance(one := rule(arm, small, 0), CounterCurrent)}
    assert rates == {"counter": 0.8, "still_slow": 0.0, "still_fast": 0.0, "shuffled": 0.8}
    learning = {arm: [one.requires_grad for one in network(arm, 64, smoke).parameters()] for arm in ARMS}
    assert learning.pop("hidden") == [False, False, True]
    assert all(all(one) for one in learning.values())


def test_shuffled_classes_are_those_of_the_batch():
    torch.manual_seed(0)
    y = torch.arange(300) % 10
    asked = Shuffled().asked(y)
    assert torch.equal(asked.bincount(), y.bincount())
    assert 0.02 < float((asked == y).double().mean()) < 0.2


def test_all_arms_run_and_are_read_back(tmp_path: Path):
    scale = replace(smoke, steps=1)
    figures = run(scale, Lab(tmp_path, seed=0))
    assert all(math.isfinite(one) for one in figures.values())
    assert {f"accuracy_{arm}" for arm in ARMS} <= set(figures)
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {"accuracy", "alike"}
    assert run(scale, Lab(tmp_path, seed=0)) == figures
