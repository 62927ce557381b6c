"""Actor-critic: one step by hand, the gradient that it climbs, and a way across a grid."""

import pytest
import torch

from wavetrain.networks.actor_critic import ActorCritic
from wavetrain.parts.errands import Errand
from wavetrain.parts.worlds import square
from wavetrain.testing.tools import refused


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def built(**others: float) -> ActorCritic:
    network = ActorCritic(3, 2, **others).double()
    with torch.no_grad():
        network.preference.copy_(torch.tensor([[0.2, -0.3], [1.0, 0.0], [0.0, 0.0]]))
        network.value.copy_(torch.tensor([0.5, 1.0, 0.0]))
    return network


def test_a_step_by_hand():
    network = built(rate=0.1, actor=0.5, discount=0.9, steep=2.0)
    likely = torch.softmax(2.0 * network.preference.data[0], 0)
    assert network.learn(0, 1, 0.25, 1) == pytest.approx(0.25 + 0.9 - 0.5)
    torch.testing.assert_close(network.value.data, torch.tensor([0.5 + 0.1 * 0.65, 1.0, 0.0]).double())
    expected = torch.tensor([0.2, -0.3]).double() + 0.5 * 0.65 * (torch.tensor([0.0, 1.0]) - likely)
    torch.testing.assert_close(network.preference.data[0], expected)
    torch.testing.assert_close(network.preference.data[1], torch.tensor([1.0, 0.0]).double())
    assert network.learn(1, 0, 2.0) == pytest.approx(2 - 1)  # an end is worth nothing


def test_the_actor_climbs_the_gradient_of_its_choice():
    network = built(actor=1.0, steep=2.0)
    network(torch.tensor([[0]]))[0, 0, 1].backward()  # log pi of the second action
    gradient, before = network.preference.grad.clone(), network.preference.detach().clone()
    network.teach(0, 1, error=0.7)
    torch.testing.assert_close(network.preference - before, 0.7 * gradient / 2.0)


def test_of_two_actions_the_choice_is_logistic():
    network = built(steep=3.0)
    found = network(torch.tensor([[0, 1]])).exp()[0].detach()
    torch.testing.assert_close(found[:, 0], torch.sigmoid(3.0 * torch.tensor([0.5, 1.0]).double()))
    torch.testing.assert_close(found.sum(-1), torch.ones(2).double())
    generator = dice()
    drawn = sum(network.choose(0, generator) == 0 for _ in range(2000)) / 2000
    assert drawn == pytest.approx(float(found[0, 0]), abs=0.04)


def test_an_errand_is_lived_and_learned():
    errand, generator = Errand(square(3), 0, 8), dice()
    network = ActorCritic(9, 4)
    first = network.live(errand, generator)
    assert first.nodes[0] == 0 and first.nodes[-1] == 8 and 8 not in first.nodes[:-1]
    assert first.steps == len(first.errors) == len(first.nodes) - 1
    for here, action, after in zip(first.nodes[:-1], first.actions, first.nodes[1:], strict=True):
        assert errand.after(here, action)[0] == after
    assert first.errors[-1] == 1.0 and not any(first.errors[:-1])  # the first reward is a surprise
    assert float(network.value.data[8]) == 0
    steps = [network.live(errand, generator).steps for _ in range(100)]
    assert sum(steps[-20:]) / 20 <= 1.3 * 4


def test_who_does_not_learn_wanders_as_long_as_is_known():
    errand, generator, network = Errand(square(3), 0, 8), dice(), ActorCritic(9, 4)
    lived = [network.live(errand, generator, learn=False) for _ in range(300)]
    assert not network.preference.any() and not lived[0].errors
    known = float(errand.wandering()[0])
    assert sum(one.steps for one in lived) / 300 == pytest.approx(known, rel=0.15)


def test_who_is_cut_off_stops():
    lived = ActorCritic(9, 4).live(Errand(square(3), 0, 8), dice(), most=3)
    assert lived.steps == 3 and lived.nodes[-1] != 8 and lived.errors == [0.0] * 3


def test_bad_input_is_refused():
    for others, said in (
        (dict(rate=-1.0), "rate of the critic"),
        (dict(actor=-1.0), "rate of the actor"),
        (dict(steep=-1.0), "steepness"),
        (dict(discount=1.5), "discount from 0 to 1"),
    ):
        with refused(said):
            ActorCritic(3, 2, **others)
    network = ActorCritic(3, 2)
    with refused("states from 0 to 2, got 0 to 3"):
        network(torch.tensor([[0, 3]]))
    with refused(r"states \(batch, time\), got \(2,\)"):
        network(torch.tensor([0, 1]))
    with refused("3 nodes and 2 actions, got 9 and 4"):
        network.live(Errand(square(3), 0, 8), dice())
