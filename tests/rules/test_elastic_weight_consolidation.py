"""Elastic weight consolidation: importances by hand, springs, and what is kept of an old task."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.promises import close, normal
from wavetrain.core import CLASSES, Batch
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.echo_state import EchoState
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.elastic_weight_consolidation import ElasticWeightConsolidation as EWC


def linear(seed: int = 0) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(4, 3).double()


def batch(seed: int = 1) -> Batch:
    return Batch(normal(12, 4, seed=seed), torch.arange(12) % 3)


def gradients(network: nn.Module) -> list[Tensor]:
    return [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]


def learned(rule: EWC | Backpropagation, network: nn.Module, data: Batch) -> list[Tensor]:
    network.zero_grad()
    rule.learn(network, data, CLASSES.loss)
    return gradients(network)


@pytest.mark.parametrize("sharpness", [1.0, 0.1])
def test_importance_by_hand(sharpness: float):
    """Of a linear map: d log q_a / d W_ci = sharpness (1[c = a] - q_c) x_i."""
    network, x = linear(), batch().x
    q = (sharpness * network(x)).softmax(-1).detach()
    error = sharpness * (nn.functional.one_hot(q.argmax(-1), 3) - q)
    importance = EWC(sharpness=sharpness).importance(network, x)
    close(importance["weight"], (error[:, :, None] * x[:, None]).square().mean(0), "importance, by hand")
    close(importance["bias"], error.square().mean(0), "importance of the bias, by hand")


def test_a_confident_network_is_held_only_by_a_blunt_one():
    network, x = linear(), batch().x
    with torch.no_grad():
        network.weight.mul_(1e4)
    sharp, blunt = (EWC(sharpness=one).importance(network, x)["weight"] for one in (1.0, 1e-4))
    assert sharp.max() < 1e-12 and blunt.min() > 1e-10


def test_before_any_memory_it_is_backpropagation():
    one, two = (learned(rule, linear(), batch()) for rule in (EWC(1e6), Backpropagation()))
    close(one, two, "gradient, of backpropagation")


def test_at_the_place_remembered_nothing_pulls():
    network, rule = linear(), EWC(1e6)
    rule.remember(network, batch().x)
    close(
        learned(rule, network, batch()), learned(Backpropagation(), network, batch()), "gradient, as without"
    )


def test_springs_pull_back_to_every_place():
    """lambda sum_k F^k (p - p^k), written out for two tasks."""
    network, rule, expected = linear(), EWC(30.0), []
    for seed in (1, 2):
        importance = rule.importance(network, batch(seed).x)
        expected.append(
            [(importance[name], one.detach().clone()) for name, one in network.named_parameters()]
        )
        rule.remember(network, batch(seed).x)
        with torch.no_grad():
            network.weight.add_(normal(3, 4, seed=5))
            network.bias.sub_(0.3)
    pull = [
        a - b
        for a, b in zip(
            learned(rule, network, batch(3)), learned(Backpropagation(), network, batch(3)), strict=True
        )
    ]
    by_hand = [
        30 * sum(task[place][0] * (parameter.detach() - task[place][1]) for task in expected)
        for place, parameter in enumerate(network.parameters())
    ]
    close(pull, by_hand, "pull, by hand")


def test_pull_is_the_gradient_of_half_a_square():
    network, rule = linear(), EWC(7.0)
    importance, place = rule.importance(network, batch().x)["weight"], network.weight.detach().clone()
    rule.remember(network, batch().x)
    with torch.no_grad():
        network.weight.add_(normal(3, 4, seed=6))
    pull = learned(rule, network, batch(2))[0] - learned(Backpropagation(), network, batch(2))[0]
    moved = network.weight.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(3.5 * (importance * (moved - place) ** 2).sum(), moved)
    close(pull, slope, "pull, derivative of lambda / 2 F (p - p*)^2")


def test_memory_does_not_grow_with_tasks():
    network, rule = linear(), EWC()
    for seed in range(5):
        rule.remember(network, batch(seed).x)
    assert {name: pair[0].shape for name, pair in rule.springs.items()} == {
        name: parameter.shape for name, parameter in network.named_parameters()
    }


def test_the_mode_of_the_network_is_left_as_it_was():
    network = nn.Sequential(nn.Dropout(0.5), linear()).train()
    one, two = (EWC().importance(network, batch().x)["1.weight"] for _ in range(2))
    close(one, two, "importance, a second time: nothing is dropped")
    assert network.training and network[0].training


class TwoHeads(nn.Module):
    """A body, and heads of two tasks, of which one is asked."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.heads = nn.Linear(4, 5), nn.ModuleList(nn.Linear(5, 3) for _ in range(2))
        self.asked = 0
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        return self.heads[self.asked](self.body(x).tanh())


def test_frozen_parts_have_no_springs_and_are_left_alone():
    whole, part = TwoHeads(), TwoHeads()
    part.body.requires_grad_(False)
    expected, rule = EWC().importance(whole, batch().x), EWC(30.0)
    got = rule.importance(part, batch().x)
    assert set(got) == {name for name in expected if not name.startswith("body")}
    close(got, {name: expected[name] for name in got}, "importance, as in the network that learns whole")
    rule.remember(whole, batch().x)
    with torch.no_grad():
        for parameter in part.parameters():
            parameter.add_(0.1)
    learned(rule, part, batch())  # frozen since it was remembered
    assert part.body.weight.grad is None and part.body.bias.grad is None
    part.requires_grad_(False)
    assert rule.importance(part, batch().x) == {}
    for one in (rule, Backpropagation()):
        with pytest.raises(BadInput, match="frozen parameters alone"):
            one.learn(part, batch(), CLASSES.loss)


def test_the_head_of_another_task_has_importance_0_and_its_springs_pull_while_it_rests():
    network, rule = TwoHeads(), EWC(30.0)
    first = rule.importance(network, batch().x)
    assert not first["heads.1.weight"].any() and first["heads.0.weight"].all()
    rule.remember(network, batch().x)
    network.asked = 1
    learned(rule, network, batch())
    close(network.heads[0].weight.grad, torch.zeros(3, 5).double(), "gradient, at the place remembered")
    with torch.no_grad():
        network.heads[0].weight.add_(0.1)
    learned(rule, network, batch())
    close(network.heads[0].weight.grad, 30 * 0.1 * first["heads.0.weight"], "pull, by hand")
    fresh = TwoHeads()
    rule = EWC(30.0)
    rule.remember(fresh, batch().x)
    learned(rule, fresh, batch())
    assert fresh.heads[1].weight.grad is None, "nothing holds it, so no optimiser may move it"


def test_a_head_that_grows_is_held_at_the_front_and_free_behind():
    network, rule = TwoHeads(), EWC(30.0)
    first, place = rule.importance(network, batch().x), network.heads[0].weight.detach().clone()
    rule.remember(network, batch().x)
    network.heads[0] = nn.Linear(5, 6).double()
    pull = [
        a - b
        for a, b in zip(*(learned(one, network, batch()) for one in (rule, Backpropagation())), strict=True)
    ][2]
    now = network.heads[0].weight.detach()
    close(pull[:3], 30 * first["heads.0.weight"] * (now[:3] - place), "pull of what was there, by hand")
    assert pull.shape == (6, 5) and not pull[3:].any()
    second = rule.importance(network, batch(2).x)["heads.0.weight"]
    rule.remember(network, batch(2).x)
    stiffness, pulls = rule.springs["heads.0.weight"]
    close(stiffness[:3], first["heads.0.weight"] + second[:3], "stiffness of both tasks")
    close(stiffness[3:], second[3:], "stiffness of what is new")
    close(pulls[3:], second[3:] * now[3:], "pull of what is new")
    network.heads[0] = nn.Linear(5, 4).double()
    for act in (rule.remember, lambda network, x: rule.learn(network, batch(), CLASSES.loss)):
        with pytest.raises(BadInput, match=r"heads\.0\.weight as it was or grown, \(6, 5\) .* got \(4, 5\)"):
            act(network, batch().x)


def test_layers_with_parts_that_never_learn():
    """An echo state network's weights are drawn and stay: its read-out alone is held."""
    torch.manual_seed(0)
    network = Reader(EchoState(6, inputs=4), 3, every_step=False)
    importance = EWC().importance(network, normal(5, 7, 4).float())
    assert set(importance) == {name for name, one in network.named_parameters() if one.requires_grad}
    assert set(importance) < {name for name, _ in network.named_parameters()} and importance


def test_complex_parameters_are_held_as_pairs_of_real_ones():
    class Turned(nn.Module):
        """Scores from the real part of complex weights, or the same from two matrices."""

        def __init__(self, whole: bool):
            super().__init__()
            real, imaginary = normal(3, 4, seed=7), normal(3, 4, seed=8)
            self.w = nn.Parameter(torch.complex(real, imaginary)) if whole else None
            self.parts = None if whole else nn.ParameterList([real, imaginary])

        def forward(self, x: Tensor) -> Tensor:
            real, imaginary = (self.w.real, self.w.imag) if self.parts is None else self.parts
            return x @ real.T - (x @ imaginary.T).square()

    one, two = Turned(True), Turned(False)
    rules = EWC(30.0), EWC(30.0)
    for rule, network in zip(rules, (one, two), strict=True):
        rule.remember(network, batch().x)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.2 + 0.2j if parameter.is_complex() else 0.2)
    ours, (real, imaginary) = learned(rules[0], one, batch())[0], learned(rules[1], two, batch())
    close(ours, torch.complex(real, imaginary), "gradient, with that of two matrices")


def test_each_part_keeps_its_mode():
    network = nn.Sequential(nn.Dropout(0.5), linear()).train()
    network[0].eval()
    EWC().remember(network, batch().x)
    assert network.training and not network[0].training and network[1].training


def test_an_old_task_is_kept():
    """Two tasks of two classes each: with springs less of the first is lost, and the second is learned."""

    def losses(strength: float) -> list[float]:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4)).double()
        x = normal(200, 8)
        tasks = [Batch(x[:100], (x[:100, 0] > 0).long()), Batch(x[100:], 2 + (x[100:, 1] > 0).long())]
        rule, optimiser = EWC(strength, 0.5), torch.optim.Adam(network.parameters(), 0.01)
        for task in tasks:
            for _ in range(100):
                optimiser.zero_grad()
                rule.learn(network, task, CLASSES.loss)
                optimiser.step()
            rule.remember(network, task.x)
        with torch.no_grad():
            return [CLASSES.loss(network(task.x), task.y).item() for task in tasks]

    forgotten, kept = losses(0.0), losses(100.0)
    assert kept[0] < 0.7 * forgotten[0] and kept[1] < math.log(4)


def test_bad_input_is_refused():
    for strength, sharpness in ((-1, 1), (1, 0), (float("nan"), 1)):
        with pytest.raises(BadInput, match="expected a strength of at least 0"):
            EWC(strength, sharpness)
    with pytest.raises(BadInput, match="at least one example"):
        EWC().remember(linear(), normal(0, 4))
