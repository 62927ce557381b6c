"""The claim of drawn lines: the predicates, ataxia by hand, who is told what, and equal starts."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.core import Batch
from wavetrain.experiments.rules.cerebellar_line_drawing import (
    ARMS,
    Lesion,
    Lesioned,
    Shuffled,
    ataxia,
    claim,
    network,
    rule_of,
    smoke,
)
from wavetrain.layers import LSTM
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.decoupled import Decoupled
from wavetrain.rules.truncated_backpropagation import TruncatedBackpropagation
from wavetrain.tasks.dynamics.line_drawing import LineDrawing
from wavetrain.train.lab import Lab, Plan

GOOD = {
    "error_backpropagation": 0.6,
    "error_cerebellum": 3.3,
    "error_without": 5.5,
    "error_shuffled": 10.0,
    "error_random": 14.0,
    "area_without": 10.0,
    "area_shuffled": 11.5,
    "area_random": 14.0,
    "miss_cerebellum": 0.2,
    "miss_without": 0.3,
    "miss_lesioned": 0.25,
    "uneven_cerebellum": 0.4,
    "uneven_without": 0.5,
    "uneven_lesioned": 0.5,
    "cosine_cerebellum": 0.3,
}


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({}, None),
        ({"error_cerebellum": 4.96}, 0),
        ({"error_backpropagation": 3.31}, 0),
        ({"error_shuffled": 5.4}, 1),
        ({"area_shuffled": 10.9}, 1),
        ({"error_random": 5.4}, 2),
        ({"area_random": 10.9}, 2),
        ({"miss_without": 0.21}, 3),
        ({"uneven_without": 0.43}, 3),
        ({"miss_lesioned": 0.21}, 4),
        ({"uneven_lesioned": 0.43}, 4),
        ({"cosine_cerebellum": 0.19}, 5),
    ],
)
def test_predicates(changed: dict[str, float], part: int | None):
    assert answers(claim, GOOD | changed) == [index != part for index in range(6)]


def test_ataxia_by_hand():
    task = LineDrawing()
    lines = task.all().y
    assert ataxia(lines, task) == (0.0, pytest.approx(0.0, abs=1e-5))
    short = 0.7 * lines  # six lines end at 0.3 of a radius from where they should, the seventh stays
    assert ataxia(short, task) == (pytest.approx(0.3 * 6 / 7, rel=1e-5), pytest.approx(0.0, abs=1e-5))
    shaken = lines.clone()
    shaken[:, 1::2, 0] += 10 / 9  # back and forth by a step of an even line
    miss, uneven = ataxia(shaken, task)
    assert (miss, uneven) == (pytest.approx(1 / 9, rel=1e-5), pytest.approx(2.0, rel=1e-5))


def test_all_arms_start_alike():
    starts = []
    for arm in ARMS:
        torch.manual_seed(0)
        starts.append(network(arm, smoke))
    for one in starts[1:]:
        for name, value in starts[0].named_parameters():
            assert torch.equal(one.get_parameter(name), value)
    said = {arm: one.cerebellum for arm, one in zip(ARMS, starts, strict=True) if hasattr(one, "cerebellum")}
    assert set(said) == {"cerebellum", "lesioned", "shuffled", "random"}
    assert {arm for arm, one in said.items() if one[-1].weight.any()} == {"random"}
    assert not any(one.requires_grad for one in said["random"].parameters())
    assert said["random"][-1].weight.abs().max() <= 8**-0.5 / 50


def test_shuffled_feedback_is_that_of_the_sequence_before():
    guess = torch.arange(24.0).view(2, 4, 3)
    told = Shuffled(1, 0.1).injected(guess)
    assert torch.equal(told[:, 0], guess[:, 3]) and torch.equal(told[:, 1:], guess[:, :-1])


def taught(rule: Decoupled, seed: int = 0) -> Lesioned:
    torch.manual_seed(seed)
    one, task = Lesioned(5, (6,)), LineDrawing()
    optimiser, generator = torch.optim.Adam(one.parameters(), 1e-2), torch.Generator().manual_seed(0)
    for _ in range(6):
        optimiser.zero_grad()
        rule.learn(one, task.draw(8, generator), task.objective.loss)
        optimiser.step()
    return one


def test_a_lesion_at_the_start_is_truncated_backpropagation(tmp_path: Path):
    """The same curve, and a cerebellum as it began."""
    lab, task = Lab(tmp_path, 0), LineDrawing()
    plan = Plan(steps=6, batch=8, rate=1e-2, every=2)
    cut = lab.fit("cut", lambda: Lesioned(5, (6,)), task, plan, Lesion(0))
    plain = lab.fit("plain", lambda: Reader(LSTM(5, 1), 2, True), task, plan, TruncatedBackpropagation(1))
    assert [one.score for one in cut.marks] == [one.score for one in plain.marks]
    assert int(cut.network.batches) == 6 and not cut.network.cerebellum[-1].weight.any()


def test_a_lesion_half_way_ends_what_the_cerebellum_says_and_learns():
    whole, half = taught(Lesion(100)), taught(Lesion(3))
    never = taught(Lesion(6))
    assert torch.equal(whole.read.weight, never.read.weight)
    assert not torch.equal(whole.read.weight, half.read.weight)
    torch.manual_seed(0)
    one, task = Lesioned(5, (6,)), LineDrawing()
    rule, generator = Lesion(1), torch.Generator().manual_seed(0)
    for left in (True, False):
        one.zero_grad()
        rule.learn(one, task.draw(8, generator), task.objective.loss)
        assert (one.cerebellum[-1].weight.grad is not None) == left


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_has_its_rule(arm: str):
    one, task = network(arm, smoke), LineDrawing()
    x, y = task.all()
    rule_of(arm, 10).learn(one, Batch(x, y), task.objective.loss)
    assert one.layer.cell.weight_hh_l0.grad.any()
    through = Backpropagation() if arm == "backpropagation" else TruncatedBackpropagation(1)
    found = one.layer.cell.weight_hh_l0.grad.clone()
    one.zero_grad()
    through.learn(one, Batch(x, y), task.objective.loss)
    assert torch.allclose(one.layer.cell.weight_hh_l0.grad, found, rtol=1e-4) == (arm != "random")
