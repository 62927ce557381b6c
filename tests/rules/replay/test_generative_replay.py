"""Generative replay: weights of old and new, frozen copies, and a painter that learns what it is shown."""

import math

import pytest
import torch
from torch import nn

from tests.promises import close
from wavetrain.core import CLASSES, Batch
from wavetrain.errors import BadInput
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.replay.generative_replay import GenerativeReplay, Painter


def small() -> tuple[GenerativeReplay, nn.Module, Batch]:
    network, batch, _ = GenerativeReplay.lesson()
    return GenerativeReplay(latent=2, hidden=8), network, batch


def test_in_the_first_task_it_is_backpropagation():
    rule, network, batch = small()
    loss = rule.learn(network, batch, CLASSES.loss)
    found = [one.grad.clone() for one in network.parameters()]
    network.zero_grad()
    close(loss, Backpropagation().learn(network, batch, CLASSES.loss), "loss")
    close(found, [one.grad for one in network.parameters()], "gradient")


@pytest.mark.parametrize("tasks", [1, 3])
def test_all_tasks_weigh_alike(tasks: int):
    """In task k the batch counts 1 / k, and what is dreamt of the k - 1 before the rest."""
    rule, network, batch = small()
    rule.learn(network, batch, CLASSES.loss)
    for _ in range(tasks):
        rule.remember(network)
    state = rule.generator.get_state()
    dreamt = rule.dream(len(batch.x))
    rule.generator.set_state(state)
    network.zero_grad()
    rule.learn(network, batch, CLASSES.loss)
    found = [one.grad.clone() for one in network.parameters()]
    network.zero_grad()
    share = 1 / (tasks + 1)
    total = share * CLASSES.loss(network(batch.x), batch.y)
    (total + (1 - share) * CLASSES.loss(network(dreamt.x), dreamt.y)).backward()
    close(found, [one.grad for one in network.parameters()], "gradient by hand")


def test_copies_are_frozen_when_a_task_ends():
    rule, network, batch = small()
    rule.learn(network, batch, CLASSES.loss)
    rule.remember(network)
    state = rule.generator.get_state()
    before = rule.dream(20)
    with torch.no_grad():
        for one in network.parameters():
            one.normal_()
    for _ in range(3):
        rule.learn(network, batch, CLASSES.loss)
    rule.generator.set_state(state)
    assert torch.equal(rule.dream(20).x, before.x)


def test_dreams_have_the_classes_that_the_copy_gives_them():
    rule, network, batch = small()
    rule.learn(network, batch, CLASSES.loss)
    rule.remember(network)
    dreamt = rule.dream(30)
    assert dreamt.x.shape == (30, 1, 6) and dreamt.x.min() >= 0 and dreamt.x.max() <= 1
    assert torch.equal(dreamt.y, network(dreamt.x).argmax(-1)) and not dreamt.x.requires_grad


def test_the_price_by_hand():
    """Zero weights: each pixel is 0.5, and z is a normal deviate, at no price."""
    painter = Painter(pixels=6, hidden=4, latent=3)
    with torch.no_grad():
        for one in painter.parameters():
            one.zero_()
    x = torch.rand(5, 6)
    assert painter.price(x, torch.Generator()).item() == pytest.approx(6 * math.log(2), abs=1e-5)
    with torch.no_grad():
        painter.told.bias[:3] = 2.0  # mean 2 in each of three
        painter.told.bias[3:] = math.log(0.5)
    apart = 3 * (4 + 0.5 - math.log(0.5) - 1) / 2
    assert painter.price(x, torch.Generator()).item() == pytest.approx(6 * math.log(2) + apart, abs=1e-4)


def test_the_painter_learns_what_it_is_shown():
    """Two patterns, one mirrored: what is drawn afterwards is one of them, and both come."""
    torch.manual_seed(0)
    rule, network = (
        GenerativeReplay(latent=2, hidden=16, rate=0.01),
        nn.Sequential(nn.Flatten(), nn.Linear(6, 2)),
    )
    patterns = torch.tensor([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    updates = torch.optim.SGD(network.parameters(), 0.5)
    for _ in range(300):
        y = torch.randint(2, (16,))
        updates.zero_grad()
        rule.learn(network, Batch(patterns[y].unsqueeze(1), y), CLASSES.loss)
        updates.step()
    rule.remember(network)
    dreamt = rule.dream(200)
    near = (dreamt.x.flatten(1)[:, None] - patterns).abs().mean(-1).min(1)
    assert (near.values < 0.15).float().mean() > 0.8
    share = near.indices.float().mean()
    assert 0.2 < share < 0.8
    sure = near.values < 0.15
    assert torch.equal(near.indices[sure], dreamt.y[sure])


def test_draws_are_its_own():
    ends = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(ends))
        network, batch, _ = GenerativeReplay.lesson()
        rule = GenerativeReplay(latent=2, hidden=8, seed=seed)
        rule.learn(network, batch, CLASSES.loss)
        rule.remember(network)
        ends.append(rule.dream(9).x)
    assert torch.equal(ends[0], ends[1]) and not torch.equal(ends[0], ends[2])


def test_bad_input_in_one_line():
    rule, network, batch = small()
    for wrong, said in (
        (Batch(batch.x - 1, batch.y), "inputs from -1 to 0"),
        (Batch(2 * batch.x, batch.y), "inputs from 0 to 2"),
        (Batch(batch.x, batch.y.float()), "answers of type torch.float32"),
    ):
        with pytest.raises(BadInput, match=said):
            rule.learn(network, wrong, CLASSES.loss)
    with pytest.raises(BadInput, match="expected a task that was learned before it is remembered"):
        rule.remember(network)
    with pytest.raises(BadInput, match="expected a task that is over, to dream of it"):
        rule.dream(3)
    rule.learn(network, batch, CLASSES.loss)
    with pytest.raises(BadInput, match=r"sequences of shape \(1, 6\) as before, got \(2, 3\)"):
        rule.learn(network, Batch(batch.x.view(8, 2, 3), batch.y), CLASSES.loss)
    for wrong in ({"latent": 0}, {"hidden": 0}, {"rate": -1.0}, {"replayed": 0}):
        with pytest.raises(BadInput, match=r"expected a rate of at least 0|must be a whole number"):
            GenerativeReplay(**wrong)
