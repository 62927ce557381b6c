"""Held weights: what is added to the loss, when, and that old tasks stay where nothing moves."""

import copy
import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Batch
from wavetrain.errors import BadInput
from wavetrain.networks._weight_generators import Chunked, Generator, Recurrent
from wavetrain.networks.hypernetwork import Hypernetwork
from wavetrain.rules.held_weights import HeldWeights

BOTH = pytest.mark.parametrize("make", [Chunked, Recurrent])


def built(make: type[Generator] = Chunked, tasks: int = 3) -> Hypernetwork:
    torch.manual_seed(3)
    sizes = {"hidden": (7, 5)} if make is Chunked else {"width": 5}
    return Hypernetwork((6, 5, 2), tasks, partial(make, chunk=10, places=3, **sizes), embedding=4).double()


def batch(seed: int = 0, task: int = 0) -> Batch:
    x = torch.randn(8, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return Batch(x, torch.arange(8) % 2 + 2 * task)


def loss(outputs: Tensor, y: Tensor) -> Tensor:
    """Among the outputs of the task of each label, as it is told."""
    return F.cross_entropy(outputs.view(len(y), -1, 2)[torch.arange(len(y)), y // 2], y % 2)


def grads(network: nn.Module) -> dict[str, Tensor]:
    return {name: one.grad.clone() for name, one in network.named_parameters() if one.grad is not None}


def alike(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=0, atol=0, msg=name)


@BOTH
def test_in_the_first_task_nothing_is_held(make: type[Generator]):
    network = built(make)
    value = HeldWeights(beta=5.0).learn(network, batch(), loss)
    found = grads(network)
    network.zero_grad()
    plain = loss(network(batch().x), batch().y)
    plain.backward()
    expected = {name: one for name, one in grads(network).items() if name in found}
    torch.testing.assert_close(value, plain.detach())
    for name, one in found.items():
        torch.testing.assert_close(one, expected[name], msg=name)


@BOTH
def test_at_the_first_step_of_a_task_nothing_has_moved(make: type[Generator]):
    """Not looking ahead, both what is added and its gradient are exactly 0."""
    network, rule, free = built(make), HeldWeights(beta=5.0), HeldWeights(beta=0.0)
    rule.remember(network, batch().x)
    assert float(rule.moved(network).detach()) == 0
    rule.learn(network, batch(task=1), loss)
    found = grads(network)
    network.zero_grad()
    free.learn(network, batch(task=1), loss)
    alike(found, grads(network))


@BOTH
def test_what_is_added_in_closed_form(make: type[Generator]):
    """beta / (T - 1) times the squares of what all old weights have moved by."""
    network, rule = built(make), HeldWeights(beta=3.0)
    rule.remember(network, batch().x)
    rule.remember(network, batch().x)
    held = network.weights(torch.arange(2)).detach()
    with torch.no_grad():
        for one in network.generator.parameters():
            one.add_(0.05 * torch.randn_like(one))
    away = (network.weights(torch.arange(2)) - held).square().sum()
    torch.testing.assert_close(rule.moved(network), away / 2)
    rule.learn(network, batch(task=2), loss)
    found = grads(network)
    network.zero_grad()
    (loss(network.learning(batch(task=2).x), batch(task=2).y) + 3.0 * away / 2).backward()
    expected = grads(network)
    for name, one in found.items():
        torch.testing.assert_close(one, expected[name], msg=name)
    assert network.embeddings[0].grad is None and network.embeddings[1].grad is None


def test_targets_are_those_of_the_end_of_the_task_before():
    network, rule = built(), HeldWeights()
    rule.remember(network, batch().x)
    with torch.no_grad():
        network.generator.head.bias.add_(1.0)
    assert float(rule.moved(network).detach()) > 0
    rule.remember(network, batch().x)
    assert float(rule.moved(network).detach()) == 0 and len(rule.held) == 2


@pytest.mark.parametrize("kind", [partial(torch.optim.SGD, lr=0.1), partial(torch.optim.Adam, lr=0.01)])
def test_looking_ahead_is_the_harm_of_the_step_that_is_not_taken(kind: partial):
    """At the first step of a task it is above 0 already, and leaves optimiser and weights as they were."""
    network, rule = built(), HeldWeights(beta=2.0, ahead=True)
    updates = rule.follow(kind(network.parameters()))
    for _ in range(3):
        updates.zero_grad()
        rule.learn(network, batch(), loss)
        updates.step()
    rule.remember(network, batch().x)
    weights = copy.deepcopy(network.state_dict())
    kept = copy.deepcopy(updates.state_dict())
    updates.zero_grad()
    rule.learn(network, batch(task=1), loss)
    found = grads(network)
    torch.testing.assert_close(network.state_dict(), weights, rtol=0, atol=0)
    torch.testing.assert_close(updates.state_dict()["state"], kept["state"], rtol=0, atol=0)
    twin = copy.deepcopy(network)
    twin.zero_grad()
    alone = loss(twin.learning(batch(task=1).x), batch(task=1).y)
    alone.backward()
    first = grads(twin)
    moved = kind(twin.parameters())
    moved.load_state_dict(kept)
    moved.step()
    twin.zero_grad()
    harm = rule.moved(twin)
    assert float(harm.detach()) > 0
    (2.0 * harm).backward()
    for name, one in found.items():
        other = dict(twin.named_parameters())[name].grad
        expected = first[name] if other is None else first[name] + other
        torch.testing.assert_close(one, expected, msg=name)


@BOTH
def test_a_task_that_does_not_move_stays_right_to_the_last_bit(make: type[Generator]):
    network, rule = built(make), HeldWeights()
    before = network(batch().x)[:, :2]
    rule.remember(network, batch().x)
    with torch.no_grad():
        network.embeddings[1].add_(1.0)  # what is new may move
    assert float(rule.moved(network).detach()) == 0
    assert torch.equal(network(batch().x)[:, :2], before)


@BOTH
def test_old_tasks_are_kept_where_they_are_held_and_lost_where_not(make: type[Generator]):
    lost = {}
    for beta in (0.0, 1.0):
        network, rule = built(make, tasks=2), HeldWeights(beta)
        for task in range(2):
            updates = torch.optim.Adam(network.parameters(), 1e-2)
            for _ in range(100):
                updates.zero_grad()
                rule.learn(network, batch(task, task), loss)
                updates.step()
            if not task:
                rule.remember(network, batch().x)
        lost[beta] = float(rule.moved(network).detach())
        assert float(loss(network(batch(1).x), batch(1, 1).y).detach()) < 0.1
    assert lost[1.0] < 0.05 * lost[0.0]


def test_importance_is_the_square_of_the_slope_of_each_sequence():
    """Against one gradient at a time: of sequences that pull apart it is no square of a mean."""
    network, rule, x = built(), HeldWeights(important=True), batch().x
    weights = network.weights(torch.tensor([0]))[0].detach().requires_grad_()
    total = torch.zeros_like(weights)
    for one in x.split(1):
        chance = network.target(weights, one).log_softmax(-1).amax()
        (slope,) = torch.autograd.grad(chance, weights)
        total = total + slope.square()
    found = rule.importance(network, x)
    torch.testing.assert_close(found, total / total.mean())
    torch.testing.assert_close(rule.importance(network, torch.cat([x, x])), found)
    rule.remember(network, x)
    with torch.no_grad():
        network.generator.head.bias.add_(0.1)
    away = (network.weights(torch.tensor([0]))[0] - rule.held[0]).square()
    torch.testing.assert_close(rule.moved(network), (found * away).sum())


def test_some_old_tasks_stand_for_all():
    network, rule = built(tasks=5), HeldWeights(most=2)
    for _ in range(4):
        rule.remember(network, batch().x)
    with torch.no_grad():
        network.generator.head.weight.add_(torch.randn_like(network.generator.head.weight))
    every = (network.weights(torch.arange(4)) - rule.held).square().sum(-1).detach()
    torch.manual_seed(0)
    drawn = {round(float(rule.moved(network).detach()), 9) for _ in range(60)}
    pairs = {round(float((every[i] + every[j]) / 2), 9) for i in range(4) for j in range(i)}
    assert drawn == pairs


def test_it_grows_with_each_task():
    network, rule = built(Recurrent), HeldWeights(growth=2)
    before = network.weights(torch.tensor([0])).detach()
    rule.remember(network, batch().x)
    assert network.generator.head.in_features == 7
    torch.testing.assert_close(network.weights(torch.tensor([0])), before, rtol=1e-12, atol=1e-14)
    assert float(rule.moved(network).detach()) == 0
    rule.remember(network, batch().x)
    rule.remember(network, batch().x)  # the last task is over: nothing more comes
    assert network.generator.head.in_features == 9 and network.task == 2


def test_bad_input():
    for beta in (-1.0, math.nan, math.inf):
        with pytest.raises(BadInput, match="finite beta of at least 0"):
            HeldWeights(beta)
    with pytest.raises(BadInput, match="most must be"):
        HeldWeights(most=0)
    with pytest.raises(BadInput, match="growth of 0 units or more, got -1"):
        HeldWeights(growth=-1)
    with pytest.raises(BadInput, match="expected a Hypernetwork, got Linear"):
        HeldWeights().learn(nn.Linear(6, 2), batch(), loss)
    with pytest.raises(BadInput, match="an optimiser to follow"):
        HeldWeights(ahead=True).learn(built(), batch(), loss)
    with pytest.raises(BadInput, match="at least one sequence to remember"):
        HeldWeights(important=True).remember(built(), batch().x[:0])
    with pytest.raises(BadInput, match="LSTM units to grow"):
        HeldWeights(growth=1).remember(built(), batch().x)
