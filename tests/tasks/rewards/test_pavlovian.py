"""Pavlovian trials: what is to come is told, the loss knows rewards alone, and chance is counted."""

import pickle

import pytest
import torch

from wavetrain.core import Batch
from wavetrain.parts.rewards import Bootstrapped, critic, returns
from wavetrain.parts.stimuli import SerialCompound
from wavetrain.rules.reward.temporal_difference import TemporalDifference
from wavetrain.tasks.rewards.pavlovian import Pavlovian
from wavetrain.testing.tools import refused


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_return_is_there_from_the_cue_to_the_reward():
    x, y = Pavlovian(time=30, first=3, last=8, delay=10, lasting=2, discount=0.5).draw(50, generator())
    begins = x[..., 0].argmax(1)
    assert set(begins.tolist()) == set(range(3, 9)) and (x.sum((1, 2)) == 2).all()
    step = torch.arange(30)
    to = begins[:, None] + 10 - step  # steps to the reward
    expected = torch.where(to > 0, 0.5 ** (to - 1), 0.0)  # who knew when the cue comes
    torch.testing.assert_close(y[..., 0], expected)


def test_rewards_come_with_their_probability_and_may_be_felt():
    x, y = Pavlovian(probability=0.25, felt=True).draw(2000, generator())
    comes = y[:, 0, 0] > 0
    assert float(comes.float().mean()) == pytest.approx(0.25, abs=0.04)
    assert torch.equal(x[..., 1].sum(1) > 0, comes)
    at, begins = x[comes, :, 1].argmax(1), x[comes, :, 0].argmax(1)
    assert (at == begins + 30).all() and x.shape[-1] == 2
    assert not Pavlovian(probability=0.0).draw(9, generator()).y.any()


@pytest.mark.parametrize("others", [{}, {"probability": 0.4, "discount": 0.9}, {"first": 5, "last": 5}])
def test_chance_is_the_best_that_ignores_the_cue(others: dict[str, float]):
    task = Pavlovian(**others)
    y = task.draw(20_000, generator()).y
    score = float(task.objective.score(y.mean(0, keepdim=True).expand_as(y), y))
    assert score == pytest.approx(task.chance, abs=0.01)


def test_it_is_learned_by_temporal_differences():
    task = Pavlovian(time=20, first=2, last=4, delay=8)
    network, rule = critic(SerialCompound(20, inputs=1)), TemporalDifference(discount=task.discount)
    step = torch.optim.SGD(network.parameters(), 0.5)
    for _ in range(100):
        step.zero_grad()
        rule.learn(network, task.draw(10, generator()), task.objective.loss)
        step.step()
    x, y = task.test()
    value = network(x)
    known = x[..., 0].cumsum(1) > 0  # before the cue nobody can know
    torch.testing.assert_close(value[known], y[known], rtol=0, atol=1e-3)
    assert not value[~known].any()


def test_the_loss_is_that_of_the_rewards():
    task = Pavlovian(discount=0.9)
    y, values = task.draw(5, generator()).y, torch.randn(5, 60, 1, generator=generator())
    rewards = torch.zeros(5, 60, 1)
    rewards[torch.arange(5), (y[..., 0] == 1).long().argmax(1) + 1] = 1.0
    torch.testing.assert_close(returns(rewards, 0.9), y)
    torch.testing.assert_close(task.objective.loss(values, y), Bootstrapped(0.9)(values, rewards))
    assert isinstance(task.test(), Batch)


def test_what_lies_outside_is_refused():
    for others, said in (
        (dict(delay=45), "expected a reward within 60 steps, got one up to step 60"),
        (dict(probability=1.5), "probability from 0 to 1, got 1.5"),
        (dict(probability=-0.1), "probability from 0 to 1"),
        (dict(discount=1.5), "discount from 0 to 1"),
        (dict(first=9, last=8), "last must be a whole number of at least 9"),
        (dict(lasting=0), "lasting must be"),
        (dict(delay=0), "delay must be"),
    ):
        with refused("pavlovian", said):
            Pavlovian(**others)
    Pavlovian(delay=44)  # the last step of all


def test_it_goes_to_another_process():
    again = pickle.loads(pickle.dumps(Pavlovian(discount=0.5)))
    y = again.draw(2, generator()).y
    assert torch.equal(y, Pavlovian(discount=0.5).draw(2, generator()).y)
    assert float(again.objective.loss(y, y)) < 1e-9
