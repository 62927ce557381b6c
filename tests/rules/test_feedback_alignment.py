"""Feedback alignment: with forward weights it would be backpropagation; by hand with others."""

import pytest
import torch
from torch import nn

from tests.promises import normal
from tests.rules.grads import cosine, grads, off
from wavetrain.core import Batch
from wavetrain.layers import LRU, Elman
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.feedback_alignment import Feedback, FeedbackAlignment
from wavetrain.testing.tools import refused

X, Y = normal(3, 12, 4), normal(3, 12, 4, seed=2)


class Forward(FeedbackAlignment):
    """With the forward weights themselves."""

    def matrix(self, name, weight, outputs=None):
        return weight.detach()


def perceptron(bias: bool) -> nn.Sequential:
    torch.manual_seed(0)
    sizes = [nn.Linear(4, 4, bias=bias) for _ in range(3)]
    return nn.Sequential(sizes[0], nn.Tanh(), sizes[1], nn.Tanh(), sizes[2]).double()


@pytest.mark.parametrize("bias", [True, False])
def test_with_forward_weights_it_is_backpropagation(bias: bool):
    """Square layers, where a gradient that is put in another's place goes unseen."""
    network = perceptron(bias)
    exact = grads(Backpropagation(), network, Batch(X, Y))
    assert torch.equal(grads(Forward(), network, Batch(X, Y)), exact)


def test_so_it_is_through_time():
    torch.manual_seed(0)
    network = Reader(Elman(4, inputs=4), 4, True).double()
    exact = grads(Backpropagation(), network, Batch(X, Y))
    assert off(grads(Forward(), network, Batch(X, Y)), exact) < 1e-12
    assert off(grads(FeedbackAlignment(), network, Batch(X, Y)), exact) > 0.1


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("feedback", list(Feedback))
def test_the_gradients_by_hand(feedback: Feedback, bias: bool):
    network, rule = perceptron(bias), FeedbackAlignment(feedback, seed=3)
    grads(rule, network, Batch(X, Y))
    with torch.no_grad():
        one = network[0](X).tanh()
        two = network[2](one).tanh()
        error = 2 * (network[4](two) - Y) / Y.numel()
        direct = 4 if feedback is Feedback.DIRECT else None
        back = {
            name: rule.matrix(name, network.get_parameter(name), direct) for name in ("4.weight", "2.weight")
        }
        upper = (1 - two**2) * (error @ back["4.weight"])
        lower = (1 - one**2) * ((error if direct else upper) @ back["2.weight"])
    for name, error_of, seen in (("4", error, two), ("2", upper, one), ("0", lower, X)):
        by_hand = torch.einsum("bto,bti->oi", error_of, seen)
        torch.testing.assert_close(network.get_parameter(f"{name}.weight").grad, by_hand)
        if bias:
            torch.testing.assert_close(network.get_parameter(f"{name}.bias").grad, error_of.sum((0, 1)))


def test_signs_are_those_of_the_forward_weights_and_sizes_stay():
    rule, weight = FeedbackAlignment(Feedback.SIGNS), normal(3, 5)
    matrix = rule.matrix("w", weight)
    assert torch.equal(matrix.sign(), weight.sign())
    assert torch.equal(rule.matrix("w", -3 * weight), -matrix)
    network = perceptron(True)
    exact = grads(Backpropagation(), network, Batch(X, Y))
    assert cosine(grads(rule, network, Batch(X, Y)), exact) > 0.5


def test_the_way_back_stays_whatever_the_optimiser_does():
    """100 steps with weight decay; a network that is read back meets the same matrix."""
    network, rule = perceptron(True), FeedbackAlignment(seed=1)
    before = rule.matrix("2.weight", network[2].weight)
    step = torch.optim.SGD(network.parameters(), lr=0.05, weight_decay=0.1)
    first = nn.functional.mse_loss(network(X), Y).detach()
    for _ in range(100):
        step.zero_grad()
        last = rule.learn(network, Batch(X, Y), nn.functional.mse_loss)
        step.step()
    assert last < first
    again = perceptron(True)
    again.load_state_dict(network.state_dict())
    assert torch.equal(before, rule.matrix("2.weight", network[2].weight))
    here, there = (grads(FeedbackAlignment(seed=1), one, Batch(X, Y)) for one in (network, again))
    assert torch.equal(here, there)
    assert {name for name, _ in network.named_parameters()} == set(network.state_dict())  # no matrix in it


def test_another_name_or_seed_has_another_matrix():
    weight = normal(4, 4)
    one = FeedbackAlignment(seed=1)
    assert not torch.equal(one.matrix("a", weight), one.matrix("b", weight))
    assert not torch.equal(one.matrix("a", weight), FeedbackAlignment(seed=2).matrix("a", weight))
    assert one.matrix("a", normal(400, 300)).std() == pytest.approx((3 * 300) ** -0.5, rel=0.02)


def test_what_is_refused():
    torch.manual_seed(0)
    normed = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)).double()
    with refused("linear maps alone", "1.weight"):
        FeedbackAlignment().learn(normed, Batch(X, Y), nn.functional.mse_loss)
    with refused("linear maps alone", "got Reader"):
        FeedbackAlignment().learn(Reader(LRU(4), 4, True).double(), Batch(X, Y), nn.functional.mse_loss)
    with refused("an output for each row"):
        elman = Reader(Elman(4), 4, True).double()
        FeedbackAlignment(Feedback.DIRECT).learn(elman, Batch(X, Y), nn.functional.mse_loss)
    with refused("frozen parameters"):
        FeedbackAlignment().learn(perceptron(True).requires_grad_(False), Batch(X, Y), nn.functional.mse_loss)
