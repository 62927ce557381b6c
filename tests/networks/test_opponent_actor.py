"""Opponent actor: both paths by hand, and what more or less dopamine makes of good and bad options."""

import pytest
import torch

from wavetrain.networks.opponent_actor import OpponentActor
from wavetrain.testing.tools import refused


def test_both_paths_by_hand():
    network = OpponentActor(2, 2, rate=0.5, go=0.2, stop=0.4).double()
    assert network.learn(0, 1, 1.0) == 1.0
    assert network.learn(0, 1, 0.0) == -0.5
    torch.testing.assert_close(network.for_it.data[0], torch.tensor([1.0, 1.2 * 0.9]).double())
    torch.testing.assert_close(network.against.data[0], torch.tensor([1.0, 0.6 * 1.2]).double())
    assert float(network.value.data[0]) == 0.25 and (network.for_it.data[1] == 1).all()
    assert network.learn(0, 0, 0.0, 1) == pytest.approx(-0.25)  # the next state is worth nothing yet


def test_the_choice_is_a_softmax_of_the_difference():
    network = OpponentActor(1, 3, gains=2.0, losses=0.5).double()
    with torch.no_grad():
        network.for_it.copy_(torch.tensor([[1.0, 2.0, 0.5]]))
        network.against.copy_(torch.tensor([[2.0, 1.0, 1.0]]))
    expected = torch.tensor([[[2 - 1, 4 - 0.5, 1 - 0.5]]]).double().log_softmax(-1)
    torch.testing.assert_close(network(torch.tensor([[0]])), expected)


def test_without_news_all_is_as_likely():
    torch.testing.assert_close(OpponentActor(1, 4)(torch.tensor([[0]])).exp(), torch.full((1, 1, 4), 0.25))


def paths(chance: float) -> tuple[float, float]:
    """G and N of an option that is rewarded in a share of 100 trials and punished in the others."""
    network = OpponentActor(1, 1, rate=0.0, go=0.1, stop=0.1).double()
    for trial in range(100):
        network.learn(0, 0, 1.0 if trial < round(100 * chance) else -1.0)
    return float(network.for_it.data), float(network.against.data)


def test_gains_tell_good_options_apart_and_losses_bad_ones():
    good, better, bad, worse = (paths(chance) for chance in (0.7, 0.8, 0.3, 0.2))
    assert better[0] - good[0] > 10 * (bad[0] - worse[0])  # in the path for it
    assert worse[1] - bad[1] > 10 * (good[1] - better[1])  # in the path against it
    assert good[0] == pytest.approx(1.1**70 * 0.9**30) and good[1] == pytest.approx(0.9**70 * 1.1**30)


def test_bad_constants_are_refused():
    for others in (dict(go=-0.1), dict(stop=-0.1), dict(gains=-1.0), dict(losses=-1.0)):
        with refused("rates and weights of 0 or more"):
            OpponentActor(1, 2, **others)
    with refused("discount from 0 to 1"):
        OpponentActor(1, 2, discount=1.1)
