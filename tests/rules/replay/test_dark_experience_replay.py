"""Dark experience replay: its three terms by hand, and what it comes to without one of them."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.promises import close, normal
from wavetrain.core import CLASSES, Batch
from wavetrain.errors import BadInput
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.replay.dark_experience_replay import DarkExperienceReplay


def linear(seed: int = 0) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(4, 3).double()


def batch(seed: int, many: int = 6) -> Batch:
    return Batch(normal(many, 4, seed=seed), torch.arange(many) % 3)


def gradient(rule: DarkExperienceReplay | Backpropagation, network: nn.Linear, data: Batch) -> Tensor:
    network.zero_grad()
    rule.learn(network, data, CLASSES.loss)
    assert network.weight.grad is not None
    return network.weight.grad.clone()


@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.7), (0.3, 0.0), (0.0, 0.7), (0.0, 0.0)])
def test_three_terms_by_hand(alpha: float, beta: float):
    """With all that is kept drawn, both samples are the first batch."""
    rule, then, now = DarkExperienceReplay(alpha, beta, size=50), linear(0), linear(1)
    first, second = batch(1), batch(2)
    gradient(rule, then, first)
    outputs = then(first.x).detach()
    update = gradient(rule, now, second)
    now.zero_grad()
    total = CLASSES.loss(now(second.x), second.y) + alpha * ((now(first.x) - outputs) ** 2).mean()
    (total + beta * CLASSES.loss(now(first.x), first.y)).backward()
    close(update, now.weight.grad, "gradient by hand")
    assert rule.terms(now).passes == 1 + (alpha > 0) + (beta > 0)


def test_with_nothing_kept_it_is_backpropagation():
    one = gradient(DarkExperienceReplay(), linear(), batch(1))
    close(one, gradient(Backpropagation(), linear(), batch(1)), "gradient")


def test_outputs_of_then_are_from_before_the_update():
    rule, network, data = DarkExperienceReplay(size=50), linear(), batch(1)
    before = network(data.x).detach()
    gradient(rule, network, data)
    torch.optim.SGD(network.parameters(), 0.5).step()
    x, _, outputs = rule.kept.draw(50)
    order = [int((data.x == row).all(1).nonzero()) for row in x]
    assert torch.equal(outputs, before[order])
    assert F.mse_loss(network(x), outputs) > 0


def test_before_any_update_what_is_kept_costs_nothing():
    rule, network = DarkExperienceReplay(alpha=1.0, beta=0.0, size=50), linear()
    gradient(rule, network, batch(1))
    x, _, outputs = rule.kept.draw(50)
    assert F.mse_loss(network(x), outputs) == 0
    close(
        gradient(rule, network, batch(2)), gradient(Backpropagation(), network, batch(2)), "gradient, alone"
    )


def test_both_samples_are_drawn_by_themselves():
    rule, seen = DarkExperienceReplay(size=50, replayed=5), []

    class Watched(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return super().forward(x)

    network = Watched(4, 3).double()
    rule.learn(network, batch(1, 50), CLASSES.loss)
    seen.clear()
    rule.learn(network, batch(2), CLASSES.loss)
    _, one, two = seen
    assert len(one) == len(two) == 5 and not torch.equal(one.sort(0).values, two.sort(0).values)


def test_the_loss_is_that_of_the_batch():
    rule, network = DarkExperienceReplay(), linear()
    rule.learn(network, batch(1), CLASSES.loss)
    found = rule.learn(network, batch(2), CLASSES.loss)
    close(found, CLASSES.loss(network(batch(2).x), batch(2).y).detach(), "loss")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"alpha": -1.0}, "alpha and beta of at least 0, got -1.0 and 1.0"),
        ({"beta": float("nan")}, "alpha and beta of at least 0, got 0.5 and nan"),
        ({"size": 0}, "size must be a whole number"),
        ({"replayed": -1}, "replayed must be a whole number"),
    ],
)
def test_bad_numbers_are_refused(wrong: dict[str, float], said: str):
    with pytest.raises(BadInput, match=said):
        DarkExperienceReplay(**wrong)
