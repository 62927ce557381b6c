"""Features of replay: the predicates, the chain exactly, and that each switch does what it says alone."""

import math
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.answers import answers
from tests.promises import close
from wavetrain.core import CLASSES, Batch
from wavetrain.experiments.rules._digit_pairs import perceptron
from wavetrain.experiments.rules._replay_kinds import (
    Asleep,
    Dealt,
    Inner,
    Mixed,
    Partial,
    Selected,
    halves,
)
from wavetrain.experiments.rules.replay_features import _kinds, claim, run, small, smoke, sweeps
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.replay.experience_replay import ExperienceReplay
from wavetrain.train.lab import Lab

FEATURES = ("selected", "partial", "inner", "asleep", "shrunk")
RIGHT = {"states": 20.0, "sweeps_reverse": 1.0, "sweeps_forward": 20.0, "sweeps_random": 9.0}
RIGHT |= {f"gain_{name}": 0.021 for name in FEATURES} | {f"error_{name}": 0.01 for name in FEATURES}
RIGHT |= {"right_plain": 0.78, "right_mixed": 0.25}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True] * 6),
        ({"sweeps_reverse": 2.0}, [False] + [True] * 5),
        ({"sweeps_forward": 19.0}, [False] + [True] * 5),
        ({"sweeps_random": 20.0}, [False] + [True] * 5),
        ({"gain_selected": 0.02}, [True, False, True, True, True, True]),
        ({"gain_shrunk": -0.3}, [True] * 5 + [False]),
        ({"error_inner": 0.02}, [True, True, True, False, True, True]),
        ({"gain_partial": math.nan}, [True, True, False, True, True, True]),
        ({"right_mixed": 0.6}, [True] + [None] * 5),  # nothing is due to what is replayed
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, RIGHT | changed) == parts


@pytest.mark.parametrize("states", [1, 2, 7, 20])
def test_sweeps_of_a_chain(states: int):
    """A value moves one state a sweep in the order of time, and through all of them in reverse."""
    forward = np.arange(states)
    assert sweeps(repeat(forward)) == states
    assert sweeps(repeat(forward[::-1])) == 1
    middle = np.roll(forward[::-1], 1)  # the first state before all others
    assert sweeps(repeat(middle)) == (1 if states == 1 else 2)


def batch(start: int, many: int = 10) -> Batch:
    x = torch.rand(many, 1, 6, generator=torch.Generator().manual_seed(start))
    return Batch(x.double(), torch.arange(many) % 3)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return perceptron(6, 8, 3).double()


def test_halves():
    one = halves(torch.rand(50, 2, 5))
    assert one.shape == (50, 2, 5) and (one.flatten(1).sum(1) == 5).all()
    assert len({tuple(row) for row in one.flatten(1).tolist()}) > 20


def test_partial_replay_has_as_many_numbers():
    rule = Partial(40, 10, 0)
    for start in range(4):
        rule.learn(network(), batch(start), CLASSES.loss)
    old = rule.drawn(10)
    assert len(old.y) == 20 and (old.x != 0).sum() == 10 * 6


def test_what_is_new_and_what_is_partial_weigh_alike():
    rule, one, now = Partial(40, 10, 0), network(), batch(1)
    rule.learn(one, batch(0), CLASSES.loss)
    old = Batch(torch.rand(20, 1, 6).double(), torch.arange(20) % 3)
    rule.drawn = lambda many: old  # type: ignore[method-assign]
    one.zero_grad()
    rule.learn(one, now, CLASSES.loss)
    found = one[1].weight.grad.clone()
    one.zero_grad()
    ((CLASSES.loss(one(now.x), now.y) + CLASSES.loss(one(old.x), old.y)) / 2).backward()
    close(found, one[1].weight.grad, "gradient by hand")


def test_selected_replay_is_drawn_by_loss():
    rule, one = Selected(40, 10, 0), network()
    for start in range(4):
        rule.learn(one, batch(start), CLASSES.loss)
    x, y, losses = rule.kept.columns
    close(losses, nn.functional.cross_entropy(one(x), y, reduction="none").detach(), "losses, as they came")
    rule.kept.columns[2][:] = 1e-9
    rule.kept.columns[2][7] = 1e9
    counts = np.bincount(np.concatenate([rule.chosen(3) for _ in range(200)]), minlength=40)
    assert counts[7] == 200 and counts.sum() == 600
    rule.learn(one, batch(9), CLASSES.loss)
    assert rule.kept.columns[2].max() < 1e9  # what is replayed has the loss of now


def test_inner_replay_leaves_the_first_layer_to_what_is_new():
    rule, one = Inner(40, 10, 0), network()
    rule.learn(one, batch(0), CLASSES.loss)
    first, _ = rule.kept.columns
    assert first.shape == (40, 8)
    close(first[:10], one[:3](batch(0).x).detach(), "activity of the first layer")
    one.zero_grad()
    rule.learn(one, batch(1), CLASSES.loss)
    found = one[1].weight.grad.clone()
    one.zero_grad()
    Backpropagation().learn(one, batch(1), CLASSES.loss)
    close(2 * found, one[1].weight.grad, "half of the gradient of what is new")


def test_a_first_layer_that_is_held_learns_in_the_first_task_alone():
    rule, one = Inner(40, 10, 0, held=True), network()
    rule.learn(one, batch(0), CLASSES.loss)
    assert all(part.grad is not None and part.grad.any() for part in one.parameters())
    rule.remember()
    one.zero_grad()
    rule.learn(one, batch(1), CLASSES.loss)
    assert one[1].weight.grad is None and one[1].bias.grad is None and one[3].weight.grad.any()


def test_sleep_replays_what_was_owed():
    rule, one = Asleep(40, 10, 0, rate=0.1), network()
    plain = network()
    for start in range(4):
        one.zero_grad()
        rule.learn(one, batch(start), CLASSES.loss)
    plain.zero_grad()
    Backpropagation().learn(plain, batch(3), CLASSES.loss)
    close(one[1].weight.grad, plain[1].weight.grad, "awake it is backpropagation")
    calls, drawn = [], rule.drawn
    rule.drawn = lambda many: calls.append(many) or drawn(many)  # type: ignore[method-assign,func-returns-value]
    before = CLASSES.loss(one(drawn(40).x), drawn(40).y)
    rule.remember(one)
    assert calls == [10] * 4 and rule.steps == 0
    rule.remember(one)
    assert len(calls) == 4  # nothing is owed
    assert CLASSES.loss(one(rule.kept.columns[0]), rule.kept.columns[1]) != before


def test_shrinking_takes_a_share_of_each_weight():
    """Without a step of sleep; and of rectified units without biases it leaves the largest output."""
    rule, one = Asleep(40, 10, 0, rate=0.1, shrink=0.1), network()
    with torch.no_grad():
        for name, parameter in one.named_parameters():
            if "bias" in name:
                parameter.zero_()
    before, output = one[1].weight.clone(), one(batch(0).x)
    rule.remember(one)
    close(one[1].weight, 0.9 * before, "weights")
    close(one(batch(0).x), 0.9**3 * output, "outputs")


def test_controls_replay_the_same_with_labels_of_others():
    rules = [kind(size=60, replayed=60) for kind in (ExperienceReplay, Mixed, Dealt)]
    y = torch.arange(60)
    for rule in rules:
        rule.learn(torch.nn.Linear(1, 60), Batch(y[:, None].float(), y), CLASSES.loss)
    twice = []
    for _ in range(2):
        plain, mixed, dealt = (rule.drawn(60) for rule in rules)
        assert torch.equal(plain.x, mixed.x) and torch.equal(plain.x, dealt.x)
        for one in (mixed, dealt):
            assert (one.y == plain.y).float().mean() < 0.1
            assert torch.equal(one.y.sort().values, y)
        twice.append([one.y[one.x[:, 0].argsort()] for one in (mixed, dealt)])
    assert torch.equal(twice[0][0], twice[1][0])  # an image keeps its wrong label
    assert not torch.equal(twice[0][1], twice[1][1])


def test_no_kind_keeps_more_bytes():
    sizes = {}
    one = perceptron(784, 100, 10)
    for name, make in _kinds(small, 784, 0).items():
        rule = make()
        for start in range(0, 2000, 500) if name not in ("none", "dreamt") else ():
            x = torch.rand(500, 1, 784, generator=torch.Generator().manual_seed(start))
            rule.learn(one, Batch(x, torch.arange(500) % 10), CLASSES.loss)
        sizes[name] = rule.kept.bytes if name not in ("none", "dreamt") else 0
    assert max(sizes.values()) <= sizes["plain"] * 1.01
    assert sizes["inner"] > 0.99 * sizes["plain"]


def test_all_figures_are_there(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, 0))
    assert RIGHT.keys() <= figures.keys() and all(math.isfinite(one) for one in figures.values())
    assert figures["sweeps_forward"] == 6 and figures["sweeps_reverse"] == 1
    assert figures == run(smoke, Lab(tmp_path, 0))
    for name in FEATURES:
        beside = "asleep" if name == "shrunk" else "plain"
        gain = figures[f"right_{name}"] - figures[f"right_{beside}"]
        assert figures[f"gain_{name}"] == pytest.approx(gain)
