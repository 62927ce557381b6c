"""Two-step consolidation: importances by hand, quadratic tasks in closed form, and its limits."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.promises import normal
from wavetrain.core import CLASSES, Batch
from wavetrain.errors import BadInput
from wavetrain.networks.fast_slow import FastSlow
from wavetrain.parts.task_end import end_task
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.two_step import CUT, TwoStep, importance


def network(seed: int = 0) -> FastSlow:
    torch.manual_seed(seed)
    return FastSlow(nn.Sequential(nn.Flatten(), nn.Linear(6, 5)), 5, 4).double()


def batch(seed: int = 1) -> Batch:
    return Batch(normal(12, 2, 3, seed=seed), torch.arange(12) % 4)


def flat(part: nn.Module) -> Tensor:
    return nn.utils.parameters_to_vector(part.parameters()).detach().clone()


def taught(one: FastSlow, rule: TwoStep | Backpropagation, tasks: int = 3, steps: int = 4) -> FastSlow:
    updates = torch.optim.SGD(one.parameters(), 0.05)
    for task in range(tasks):
        for _ in range(steps):
            updates.zero_grad()
            rule.learn(one, batch(task), CLASSES.loss)
            updates.step()
        end_task(rule, one, batch(task).x)
    return one


def test_importance_by_hand():
    """Of a linear body and head: d log p(y | x) / d W = V' (1[y] - q) x'."""
    one, (x, y) = network(), batch()
    error = nn.functional.one_hot(y, 4) - one(x).softmax(-1).detach()
    back = error @ one.head.weight.detach()
    weight = (back[:, :, None] * x.flatten(1)[:, None]).square().sum(0)
    bias = back.square().sum(0)
    most = torch.cat([weight.flatten(), bias]).quantile(CUT)
    found = importance(one, batch(), CLASSES.loss)
    assert torch.allclose(found["1.weight"], weight.clamp(max=most) / 12, rtol=1e-12)
    assert torch.allclose(found["1.bias"], bias.clamp(max=most) / 12, rtol=1e-12)
    assert (weight > most).sum() + (bias > most).sum() == 1  # of 35


class Point(nn.Module):
    """A body of one weight, whose features are that weight."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1, dtype=torch.double))

    def forward(self, x: Tensor) -> Tensor:
        return self.w.expand(len(x), 1)


def quadratic(h: float, a: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda output, y: 0.5 * h * (output.mean() - a) ** 2


def point() -> FastSlow:
    one = FastSlow(Point(), 1, 1).double()
    nn.init.ones_(one.head.weight)
    nn.init.zeros_(one.head.bias)
    one.head.requires_grad_(False)
    return one


def test_quadratic_tasks_in_turn_end_at_their_joint_optimum():
    """With the true curvatures as importances, a penalty of 1 and one copy, after each of 20 tasks."""
    one, rule = point(), TwoStep(rho=1.0, eps=0.1, strength=1.0)
    heights = [0.5 + normal(1, seed=task).abs().item() for task in range(20)]
    goals = [normal(1, seed=50 + task).item() for task in range(20)]
    x = Batch(torch.zeros(1, 1, 1, dtype=torch.double), torch.zeros(1))
    slow = 0.0
    for task, (h, a) in enumerate(zip(heights, goals, strict=True)):
        stiff = sum(heights[: task + 1])
        updates = torch.optim.SGD(one.parameters(), 1 / stiff)  # one step of which is all of the way
        rule.learn(one, x, quadratic(h, a))
        updates.step()
        updates.zero_grad()
        best = sum(h * a for h, a in zip(heights[: task + 1], goals, strict=False)) / stiff
        assert float(one.body.w.detach()) == pytest.approx(best, abs=1e-12)
        rule.remember(one)
        rule.omega = {"w": torch.tensor([stiff], dtype=torch.double)}  # in place of squared slopes
        slow += 0.1 * (best - slow)
        assert float(one.slow.w) == pytest.approx(slow, abs=1e-12)


def test_a_step_and_a_slow_step_are_a_smaller_step():
    one, rule = network(), TwoStep(eps=0.3)
    before = flat(one.body)
    rule.learn(one, batch(), CLASSES.loss)
    slope = torch.cat([each.grad.flatten() for each in one.body.parameters() if each.grad is not None])
    torch.optim.SGD(one.parameters(), 0.1).step()
    rule.remember(one)
    assert torch.allclose(flat(one.slow), before - 0.3 * 0.1 * slope, rtol=0, atol=1e-14)


def test_without_a_penalty_and_unmixed_it_is_learning_in_turn():
    one, other = taught(network(), TwoStep(1.0, 0.1, 0.0)), taught(network(), Backpropagation())
    assert torch.equal(flat(one.body), flat(other.body)) and torch.equal(flat(one.head), flat(other.head))
    assert not torch.equal(flat(one.slow), flat(network().slow))


def test_the_first_task_is_free_and_mixing_begins_with_the_second():
    one, other = network(), network()
    for each in (one, other):
        with torch.no_grad():
            each.slow[1].weight.zero_()  # as if the base phase had not been settled
    taught(one, TwoStep(0.5, 0.0, 1e6), tasks=1)
    assert torch.equal(flat(one.body), flat(taught(other, Backpropagation(), tasks=1).body))
    rule = TwoStep(0.5, 0.0, 0.0)
    taught(other, rule, tasks=1)
    half = (other.body[1].weight / 2).detach().clone()
    rule.learn(other, batch(), CLASSES.loss)
    assert torch.allclose(other.body[1].weight, half, rtol=1e-12)


def test_slow_weights_stay_at_eps_0_and_follow_at_once_at_eps_1():
    start = flat(network().slow)
    assert torch.equal(flat(taught(network(), TwoStep(eps=0.0)).slow), start)
    one = taught(network(), TwoStep(eps=1.0))
    assert torch.equal(flat(one.slow), flat(one.body)) and not torch.equal(flat(one.slow), start)


def test_the_penalty_pulls_back_by_its_importances():
    rule, one = TwoStep(1.0, 0.1, 7.0), network()
    taught(one, rule, tasks=1)
    rule.learn(one, batch(5), CLASSES.loss)  # begins the second task
    with torch.no_grad():
        one.body[1].weight.add_(0.25)
    one.zero_grad()
    rule.learn(one, batch(5), CLASSES.loss)
    found = one.body[1].weight.grad.clone()
    one.zero_grad()
    Backpropagation().learn(one, batch(5), CLASSES.loss)
    by_hand = one.body[1].weight.grad + 7 * 0.25 * rule.omega["1.weight"]
    assert torch.allclose(found, by_hand, rtol=0, atol=1e-12)


def test_what_cannot_be_is_refused_in_one_line():
    for wrong in (dict(rho=1.5), dict(eps=-0.1), dict(strength=-1.0), dict(strength=float("inf"))):
        with pytest.raises(BadInput) as caught:
            TwoStep(**wrong)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="expected a FastSlow, got Linear"):
        TwoStep().learn(nn.Linear(3, 2), batch(), CLASSES.loss)
    with pytest.raises(BadInput, match="end of none"):
        TwoStep().remember(network())
