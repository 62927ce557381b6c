"""Credit assignment: the predicates, the tasks, the networks, and what is the same in all arms."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules._credit_tasks import LaggedCopy, Pattern, error
from wavetrain.experiments.rules.credit_assignment import (
    ARMS,
    PATTERNS,
    RULES,
    claim,
    core,
    cosine,
    run,
    small,
    smoke,
    spiking,
)
from wavetrain.train.lab import Lab

RIGHT = {
    "loss_backpropagation": 0.01,
    "loss_truncated": 0.9,
    "loss_snap": 1.6,
    "loss_frozen": 0.7,
    "cosine_truncated": 0.4,
    "most_snap": 0.1,
    "cosine_e_prop": -0.1,
    "most_e_prop": 0.1,
    "error_e_prop": 0.2,
    "error_read": 0.7,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True] * 6),
        ({"loss_backpropagation": 0.05}, [False, True, True, True, True, True]),
        ({"loss_truncated": 0.79}, [True, False, True, True, True, True]),
        ({"loss_truncated": 1.31}, [True, False, True, True, True, True]),
        ({"loss_snap": 1.81}, [True, True, False, True, True, True]),
        ({"loss_frozen": 1.61}, [True, True, True, False, True, True]),  # not below SnAp-1
        ({"loss_frozen": 0.59}, [True, True, True, False, True, True]),
        ({"cosine_truncated": 0.29}, [True, True, True, True, False, True]),
        ({"most_snap": 0.36}, [True, True, True, True, False, True]),
        ({"most_snap": 0.34, "cosine_truncated": 0.33}, [True, True, True, True, False, True]),
        ({"cosine_e_prop": -0.31}, [True, True, True, True, False, True]),
        ({"error_e_prop": 0.35}, [True, True, True, True, True, False]),
        ({"error_read": 0.5}, [True, True, True, True, True, False]),
        (dict.fromkeys(RIGHT, math.nan), [False] * 6),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, RIGHT | changed) == parts


def test_the_copy_asks_for_what_came_ten_steps_before():
    x, y = LaggedCopy().draw(6, torch.Generator().manual_seed(0))
    assert x.shape == (6, 15, 9) and y.shape == (6, 15)
    assert torch.equal(x[:, :5, :8].argmax(-1), y[:, 10:])
    assert torch.equal(x[0, :, 8], (torch.arange(15) >= 10).float())  # the cue is there during the recall
    assert not x[:, 5:, :8].any()
    task = LaggedCopy()
    assert float(task.nats(torch.zeros(6, 15, 8), y)) == pytest.approx(math.log(8)) == task.chance


def test_only_the_recall_counts():
    task = LaggedCopy()
    _, y = task.draw(6, torch.Generator().manual_seed(0))
    outputs = torch.randn(6, 15, 8)
    other = outputs.clone()
    other[:, :10] = 9.0
    assert torch.equal(task.nats(outputs, y), task.nats(other, y))


def test_the_pattern_is_one_and_reaches_one():
    x, y = Pattern(3).draw(1, torch.Generator().manual_seed(0))
    again, same = Pattern(3).draw(1, torch.Generator().manual_seed(9))
    assert torch.equal(x, again) and torch.equal(y, same) and not torch.equal(x, Pattern(4).test().x)
    assert float(y.abs().max()) == pytest.approx(1.0)
    assert float(x.mean()) == pytest.approx(0.05, abs=0.005)  # 50 Hz in steps of 1 ms
    assert float(error(torch.zeros_like(y), y)) == pytest.approx(1.0)


def test_the_core_is_orthogonal_and_frozen_where_it_is_told():
    torch.manual_seed(0)
    network = core(8, LaggedCopy(), frozen=True)
    weight = network.layer.recur.weight
    torch.testing.assert_close(weight @ weight.mT, torch.eye(8))
    assert {name for name, one in network.named_parameters() if one.requires_grad} == {
        "read.weight",
        "read.bias",
    }
    assert all(one.requires_grad for one in core(8, LaggedCopy()).parameters())


def test_units_that_fire_do_at_a_rate_of_tens_of_hertz():
    torch.manual_seed(0)
    network = spiking(small, frozen=False)
    assert not network.layer.recur.weight.diagonal().any()
    rate = float(network.layer(Pattern(0).test().x)[0].detach().mean())
    assert 0.005 < rate < 0.15
    frozen = spiking(small, frozen=True)
    assert {name for name, one in frozen.named_parameters() if one.requires_grad} == {"read.weight"}


def test_the_read_out_learns_by_its_gradient_in_every_arm():
    torch.manual_seed(0)
    task = LaggedCopy()
    batch, network = task.draw(4, torch.Generator().manual_seed(0)), core(8, task)
    found = {}
    for name, rule in RULES.items():
        network.zero_grad()
        rule().learn(network, batch, task.objective.loss)
        found[name] = network.read.weight.grad
    for one in found.values():
        torch.testing.assert_close(one, found["backpropagation"])
    assert cosine(RULES["backpropagation"](), network, batch, task) == pytest.approx(1.0)


def test_all_arms_run(tmp_path: Path):
    figures = run(replace(smoke, steps=2), Lab(tmp_path, seed=0))
    assert {f"loss_{arm}" for arm in ARMS} <= set(figures)
    assert {f"error_{arm.removeprefix('pattern_')}" for arm in PATTERNS} <= set(figures)
    assert all(math.isfinite(one) for one in figures.values())
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {"copy", "credit", "pattern"}
