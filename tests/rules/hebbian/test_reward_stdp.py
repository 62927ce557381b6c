"""Reward-modulated STDP: when a reward counts and how much, and a choice that is learned from it."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.promises import close
from tests.rules.hebbian.spikes import DOUBLE, fires, noise
from wavetrain.core import Batch
from wavetrain.errors import BadInput
from wavetrain.parts.bounds import Bounds
from wavetrain.rules.hebbian.pair_stdp import PairSTDP
from wavetrain.rules.hebbian.reward_stdp import RewardSTDP

FREE = Bounds(-math.inf, math.inf)
HALF = torch.full((1, 1), 0.5, dtype=DOUBLE)


def rewards(at: dict[int, float], time: int) -> Tensor:
    found = torch.zeros(1, time, dtype=DOUBLE)
    for step, reward in at.items():
        found[:, step] = reward
    return found


@pytest.mark.parametrize("dt", [1.0, 0.5])
@pytest.mark.parametrize("late", [2, 3, 12])
def test_a_reward_that_comes_late(late: int, dt: float):
    """A pair at steps 0 and 2, a reward of 1 later; with none in the step of the pair it is not too late."""
    rule = RewardSTDP(0.01, 0.02, tau_e=25.0, dt=dt, bounds=FREE)
    weight, _ = rule.rewarded(HALF, fires([0], 20), fires([2], 20), rewards({late: 1.0}, 20))
    pair = 0.01 * math.exp(-2 * dt / 20)
    expected = dt / 25 * pair * math.exp(-(late - 2) * dt / 25)
    assert float(weight) - 0.5 == pytest.approx(expected, abs=1e-13)


def test_a_reward_before_the_pair_is_complete_counts_nothing():
    rule = RewardSTDP(0.01, 0.02)
    weight, _ = rule.rewarded(HALF, fires([0], 20), fires([2], 20), rewards({0: 5.0, 1: 5.0}, 20))
    assert float(weight) == 0.5


def test_a_punishment_weakens_as_a_reward_strengthens():
    rule, pair = RewardSTDP(0.01, 0.02, bounds=FREE), (fires([0], 9), fires([2], 9))
    up, down = (rule.rewarded(HALF, *pair, rewards({5: sign}, 9))[0] - HALF for sign in (1.0, -1.0))
    close(down, -up, "change")
    assert float(up) > 0


def test_under_a_constant_reward_it_is_the_pair_rule():
    """Times dt / tau / (1 - exp(-dt / tau)), once all eligibility is spent."""
    pre, post = noise(2, 40, 3, 1), noise(2, 40, 2, 2)
    quiet = torch.zeros(2, 1500, 5, dtype=DOUBLE)
    weight = torch.zeros(2, 3, dtype=DOUBLE)
    rule = RewardSTDP(0.02, 0.03, tau_e=25.0, bounds=FREE)
    long = torch.cat([pre, quiet[:, :, :3]], 1), torch.cat([post, quiet[:, :, :2]], 1)
    changes, _ = rule.total(weight, *long)
    pairs, _ = PairSTDP(0.02, 0.03, bounds=FREE).total(weight, pre, post)
    close(changes, pairs * (1 / 25) / (1 - math.exp(-1 / 25)), "change under a reward of 1")
    ones = torch.ones(2, 1540, dtype=DOUBLE)
    close(rule.rewarded(weight, *long, ones)[0], rule.run(weight, *long)[0], "weights")


def test_a_run_may_be_cut_anywhere():
    """Between a pair and its reward too."""
    pre, post, weight = noise(2, 20, 3, 1), noise(2, 20, 2, 2), torch.full((2, 3), 0.5, dtype=DOUBLE)
    given = noise(2, 20, 1, 3)[..., 0] - 0.3
    rule = RewardSTDP()
    whole = rule.rewarded(weight, pre, post, given)
    for cut in (1, 13):
        part, state = rule.rewarded(weight, pre[:, :cut], post[:, :cut], given[:, :cut])
        again = rule.rewarded(part, pre[:, cut:], post[:, cut:], given[:, cut:], state)
        torch.testing.assert_close(again, whole, rtol=0, atol=0)


def test_rewards_are_of_their_own_sequence():
    """Two equal sequences, one rewarded and one punished; then one alone."""
    pre, post = (fires([at], 9).expand(2, -1, -1) for at in (0, 2))
    rule = RewardSTDP(bounds=FREE)
    both = torch.cat([rewards({5: 1.0}, 9), rewards({5: -1.0}, 9)])
    assert torch.equal(rule.rewarded(HALF, pre, post, both)[0], HALF)
    one = torch.cat([rewards({5: 1.0}, 9), rewards({}, 9)])
    close(rule.rewarded(HALF, pre, post, one)[0], rule.rewarded(HALF, pre[:1], post[:1], one[:1])[0], "one")


def test_weights_stay_in_bounds_at_every_step():
    pre, post, weight = noise(4, 300, 3, 1), noise(4, 300, 2, 2), torch.full((2, 3), 0.5, dtype=DOUBLE)
    given, rule, state = 50 * (noise(4, 300, 1, 3)[..., 0] - 0.3), RewardSTDP(), None
    for t in range(300):
        now = slice(t, t + 1)
        weight, state = rule.rewarded(weight, pre[:, now], post[:, now], given[:, now], state)
        assert (weight >= 0).all() and (weight <= 1).all()


def test_what_is_usual():
    """Minus the losses less their mean, which then moves a tenth of the way."""
    rule, y = RewardSTDP(), torch.zeros(2)
    outputs = [torch.tensor([[1.0], [3.0]]), torch.tensor([[2.0], [6.0]]), torch.tensor([[0.0], [0.0]])]

    def loss(output: Tensor, answer: Tensor) -> Tensor:
        return (output - answer).mean()

    told = [rule.rewards(one, Batch(one, y), loss).tolist() for one in outputs]
    assert told[0] == pytest.approx([1, -1])  # usual is -2
    assert told[1] == pytest.approx([0, -4])
    assert told[2] == pytest.approx([2.2, 2.2])  # usual is -2 + 0.1 (-4 + 2)


def test_a_reward_of_ones_own_is_taken_as_it_is():
    network, batch, loss = RewardSTDP.lesson()
    grads = []
    for reward in (1.0, -2.0, 0.0):
        network.zero_grad()
        rule = RewardSTDP(
            reward=lambda outputs, y, reward=reward: outputs.new_full((len(y),), reward), bounds=FREE
        )
        rule.learn(network, batch, loss)
        grads.append(network.layer.encode.weight.grad.clone())
    assert grads[0].any() and not grads[2].any()
    torch.testing.assert_close(grads[1], -2 * grads[0], rtol=1e-3, atol=1e-7)


def test_bad_input_is_refused():
    rule, weight = RewardSTDP(), torch.zeros(2, 3)
    with pytest.raises(BadInput, match=r"expected rewards \(batch, time\) \(4, 5\), got \(4,\)"):
        rule.rewarded(weight, noise(4, 5, 3, 1), noise(4, 5, 2, 2), torch.zeros(4))
    with pytest.raises(BadInput, match="expected tau above 0 ms, got 0"):
        RewardSTDP(tau_e=0)
    with pytest.raises(BadInput, match="as a Reader of LIF, got Linear"):
        rule.learn(nn.Linear(3, 2), Batch(torch.zeros(1, 1, 3), torch.zeros(1, 1, 2)), nn.functional.mse_loss)
