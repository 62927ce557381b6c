"""Distributional: expectiles and quantiles of known rewards, and a distribution that is passed on."""

import pytest
import torch
from torch import Tensor

from tests.promises import normal
from tests.rules.grads import grads
from wavetrain.core import Batch
from wavetrain.parts.rewards import Bootstrapped, critic
from wavetrain.parts.stimuli import Presence
from wavetrain.rules.reward.distributional import Distributional
from wavetrain.rules.reward.temporal_difference import TemporalDifference
from wavetrain.testing.tools import refused


def learned(rule: Distributional, rewards: Tensor, units: int, many: int, rate: float) -> Tensor:
    """The values of a cue behind which rewards are equally likely: all of them are learned at once."""
    network = critic(Presence(1, level=1.0), units).double()
    step, told = torch.optim.SGD(network.parameters(), rate), torch.zeros(len(rewards), 2, units).double()
    told[:, 1] = rewards[:, None]
    x = torch.tensor([1.0, 0.0]).double().expand(len(rewards), 2)[..., None]
    for _ in range(many):
        step.zero_grad()
        rule.learn(network, Batch(x, told), Bootstrapped())
        step.step()
    return network.read.weight.data[:, 0]


def test_expectiles_of_a_coin_in_closed_form():
    rule, rewards = Distributional(), (torch.arange(10) < 3).double()
    tau = rule.taus(20)
    expected = tau * 0.3 / (tau * 0.3 + (1 - tau) * 0.7)
    torch.testing.assert_close(learned(rule, rewards, 20, 400, 0.5), expected, rtol=0, atol=1e-9)


def test_expectiles_solve_their_equation():
    rule, rewards = Distributional(0.1, 0.9), torch.tensor([0.1, 0.3, 1.2, 2.5, 5, 10, 20]).double()
    found, tau = learned(rule, rewards, 9, 600, 0.5), rule.taus(9)
    above = (rewards - found[:, None]).clamp(min=0).mean(1)
    below = (found[:, None] - rewards).clamp(min=0).mean(1)
    torch.testing.assert_close(tau * above, (1 - tau) * below, rtol=0, atol=1e-8)
    assert float(found[4]) == pytest.approx(float(rewards.mean())) and (found.diff() > 0).all()


def test_signs_alone_end_at_quantiles():
    rule, rewards = Distributional(0.1, 0.9, signs=True), torch.arange(1.0, 101).double() / 100
    found = learned(rule, rewards, 5, 2000, 0.01)
    torch.testing.assert_close(found, rule.taus(5), rtol=0, atol=0.02)


def test_equal_shares_are_half_of_temporal_differences():
    batch, network = Batch(normal(3, 6, 4), normal(3, 6, 2, seed=2)), critic(Presence(4), 2).double()
    plain, trace = TemporalDifference(0.5), Distributional(0.5, 0.5, kept=0.5)
    expected = grads(plain, network, batch, plain.loss) / 2
    torch.testing.assert_close(grads(trace, network, batch, plain.loss), expected)


def test_one_update_by_hand():
    network = critic(Presence(1, level=1.0), 2).double()
    x, loss = torch.tensor([[[1.0], [0.0]]]).double(), Bootstrapped()
    for reward, expected in ((1.0, [-0.1, -0.8]), (-2.0, [1.8, 0.4])):
        rewards = torch.zeros(1, 2, 2).double()
        rewards[:, 1] = reward
        found = grads(Distributional(0.1, 0.8), network, Batch(x, rewards), loss)
        torch.testing.assert_close(found, torch.tensor(expected).double())
        signs = grads(Distributional(0.1, 0.8, signs=True), network, Batch(x, rewards), loss)
        torch.testing.assert_close(signs, torch.tensor(expected).double() / abs(reward))


def test_a_distribution_is_passed_on_by_samples():
    """Two states, a coin behind the second: quantiles of both are those of the coin, 0 and 1."""
    torch.manual_seed(0)
    network = critic(Presence(2, level=1.0), 10).double()
    x = torch.eye(3, 2).double().expand(20, 3, 2)
    rewards = torch.zeros(20, 3, 10).double()
    rewards[:6, 2] = 1.0  # 30% of trials
    rule, step = Distributional(0.05, 0.95, signs=True), torch.optim.SGD(network.parameters(), 0.02)
    for _ in range(1500):
        step.zero_grad()
        rule.learn(network, Batch(x, rewards), Bootstrapped(sampled=True))
        step.step()
    weight = network.read.weight.data
    for state in (0, 1):  # tau is 0.05, 0.15 ... 0.95; the coin is 1 from tau = 0.7 on
        torch.testing.assert_close(weight[:6, state], torch.zeros(6).double(), rtol=0, atol=0.15)
        torch.testing.assert_close(weight[8:, state], torch.ones(2).double(), rtol=0, atol=0.15)


def test_shares():
    torch.testing.assert_close(Distributional(0.1, 0.9).taus(3), torch.tensor([0.1, 0.5, 0.9]).double())
    torch.testing.assert_close(Distributional(0.2, 0.9).taus(1), torch.tensor([0.55]).double())
    for low, high in ((0.0, 0.5), (0.5, 1.0), (0.6, 0.5)):
        with refused("rise between 0 and 1"):
            Distributional(low, high)
    with refused("kept of a trace from 0 to 1"):
        Distributional(kept=1.5)
