"""Rewards and values: returns by hand, errors that add up, and a loss that knows rewards alone."""

import pytest
import torch

from tests.promises import normal
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.rewards import (
    Bootstrapped,
    OnReturns,
    critic,
    firing_rates,
    prediction_errors,
    returns,
    rewards_of,
)
from wavetrain.parts.stimuli import SerialCompound
from wavetrain.testing.tools import refused

REWARDS, VALUES = normal(3, 7, 2), normal(3, 7, 2, seed=2)


@pytest.mark.parametrize("discount", [0.0, 0.9, 1.0])
def test_returns_are_an_upper_triangular_matrix_of_rewards(discount: float):
    step = torch.arange(7)
    ahead = step - step[:, None] - 1  # of reward s from step t
    matrix = torch.where(ahead >= 0, torch.tensor(discount, dtype=torch.float64) ** ahead.clamp(min=0), 0.0)
    found = returns(REWARDS, discount)
    torch.testing.assert_close(found, matrix @ REWARDS)
    torch.testing.assert_close(rewards_of(found, discount)[:, 1:], REWARDS[:, 1:])
    assert not rewards_of(found, discount)[:, 0].any()


@pytest.mark.parametrize("discount", [0.0, 0.9, 1.0])
def test_errors_by_hand(discount: float):
    found = prediction_errors(VALUES, REWARDS, discount)
    torch.testing.assert_close(found[:, 0], REWARDS[:, 0] + discount * VALUES[:, 0])
    for t in range(1, 7):
        expected = REWARDS[:, t] + discount * VALUES[:, t] - VALUES[:, t - 1]
        torch.testing.assert_close(found[:, t], expected)


def test_true_values_have_no_error_but_at_the_start():
    found = prediction_errors(returns(REWARDS, 0.9), REWARDS, 0.9)
    assert float(found[:, 1:].abs().max()) < 1e-12
    torch.testing.assert_close(found[:, 0], REWARDS[:, 0] + 0.9 * returns(REWARDS, 0.9)[:, 0])


def test_errors_add_up_to_rewards_and_what_is_still_expected():
    found = prediction_errors(VALUES, REWARDS).sum(1)
    torch.testing.assert_close(found, REWARDS.sum(1) + VALUES[:, -1])


def test_the_gradient_of_the_loss_is_minus_the_error_of_the_next_step():
    values = VALUES.clone().requires_grad_()
    Bootstrapped(0.9)(values, REWARDS).backward()
    expected = -prediction_errors(VALUES, REWARDS, 0.9)[:, 1:] / 3  # the mean over three sequences
    torch.testing.assert_close(values.grad[:, :-1], expected)
    assert not values.grad[:, -1].any()


def test_the_loss_by_hand():
    values, rewards = torch.tensor([[[1.0], [3.0]], [[0.0], [0.0]]]), torch.tensor([[[9.0], [2.0]]] * 2)
    assert Bootstrapped(0.5)(values, rewards).item() == pytest.approx(0.5 * (2.5**2 + 2**2) / 2)


def test_of_returns_only_rewards_are_taken():
    """What is added to all later returns as if it came after the end changes nothing but the last target."""
    loss, given = OnReturns(0.5), returns(REWARDS, 0.5)
    more = 0.5 ** (6 - torch.arange(7.0).double())[:, None]  # a homogeneous solution: y_t = y_{t+1} / 2
    assert float(loss(VALUES, given)) == pytest.approx(float(Bootstrapped(0.5)(VALUES, REWARDS)))
    assert float(loss(VALUES, given + more)) == pytest.approx(float(loss(VALUES, given)))
    assert float(loss(VALUES, given + 1)) != pytest.approx(float(loss(VALUES, given)))


def test_sampled_targets_are_values_of_some_output():
    values = torch.zeros(500, 3, 4)
    values[:, 1] = torch.tensor([1.0, 2.0, 4.0, 8.0])
    values.requires_grad_()
    torch.manual_seed(0)
    Bootstrapped(sampled=True)(values, torch.zeros(500, 3, 4)).backward()
    told = (-500 * values.grad[:, 0]).round()
    assert set(told.flatten().tolist()) == {1.0, 2.0, 4.0, 8.0}
    assert float(told.mean()) == pytest.approx(3.75, abs=0.2)
    assert not torch.equal(told[:, 0], told[:, 1])


def test_a_critic_says_nothing_at_first_and_has_no_bias():
    network = critic(SerialCompound(6, inputs=2), outputs=3)
    assert network.read.bias is None and not network.read.weight.any()
    assert network(torch.ones(2, 5, 2)).shape == (2, 5, 3)
    assert critic(Elman(4)).read.weight.shape == (1, 4)


@pytest.mark.parametrize("discount", [-0.1, 1.1, float("nan")])
def test_a_discount_is_from_0_to_1(discount: float):
    for use in (Bootstrapped, OnReturns, lambda one: returns(REWARDS, one)):
        with refused("discount from 0 to 1", "got"):
            use(discount)


def test_values_and_rewards_have_one_shape():
    for one, two in ((VALUES, REWARDS[..., :1]), (VALUES[0], REWARDS[0]), (VALUES, REWARDS[:, 1:])):
        for use in (Bootstrapped(), prediction_errors):
            with refused("values and rewards .batch, time, outputs. of one shape"):
                use(one, two)


def test_a_neuron_that_is_silent_cannot_fire_less():
    errors = torch.tensor([2.0, 0.0, -0.4, -0.5, -0.6])
    assert firing_rates(errors, usual=4.0, gain=8.0).tolist() == pytest.approx([20, 4, 0.8, 0, 0])
