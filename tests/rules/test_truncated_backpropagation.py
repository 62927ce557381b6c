"""Truncated backpropagation: what each error reaches, in blocks and sliding; all of it is the whole."""

import pytest
import torch
from torch import nn

from tests.promises import normal
from tests.rules.grads import grads, off
from wavetrain.core import Batch
from wavetrain.layers import LSTM, Elman, IdentityRNN
from wavetrain.parts.reader import Reader
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.truncated_backpropagation import TruncatedBackpropagation
from wavetrain.spiking import RecurrentLIF
from wavetrain.testing.tools import refused

X, Y = normal(3, 12, 4), normal(3, 12, 2, seed=2)


@pytest.mark.parametrize("sliding", [False, True])
@pytest.mark.parametrize("kind", [Elman, LSTM, RecurrentLIF])
def test_as_many_steps_as_there_are_give_the_whole_gradient(kind: type, sliding: bool):
    torch.manual_seed(0)
    for every_step in (True, False):
        network = Reader(kind(4, inputs=4), 2, every_step).double()
        batch = Batch(2 * X, Y if every_step else Y[:, -1])
        exact = grads(Backpropagation(), network, batch)
        for steps in (12, 50):
            assert off(grads(TruncatedBackpropagation(steps, sliding), network, batch), exact) < 1e-12


def test_blocks_are_backpropagation_with_the_state_cut():
    torch.manual_seed(0)
    network = Reader(LSTM(4, inputs=4), 2, True).double()
    found = grads(TruncatedBackpropagation(5), network, Batch(X, Y))
    network.zero_grad()
    state, outputs = network.layer.begin(3), []
    for part in X.split(5, 1):
        y, state = network.layer(part, tuple(one.detach() for one in state))
        outputs.append(network.read(y))
    nn.functional.mse_loss(torch.cat(outputs, 1), Y).backward()
    assert off(found, torch.cat([one.grad.flatten() for one in network.parameters()])) < 1e-12


def test_windows_that_slide_are_one_backpropagation_for_each_error():
    torch.manual_seed(0)
    network = Reader(Elman(4, inputs=4), 2, True).double()
    found = grads(TruncatedBackpropagation(3, sliding=True), network, Batch(X, Y))
    network.zero_grad()
    for end in range(12):
        begin = max(0, end - 2)
        with torch.no_grad():
            state = network.layer(X[:, :begin])[1] if begin else network.layer.begin(3)
        last = network.read(network.layer(X[:, begin : end + 1], state)[0][:, -1])
        ((last - Y[:, end]).square().sum() / Y.numel()).backward()
    assert off(found, torch.cat([one.grad.flatten() for one in network.parameters()])) < 1e-12


def test_the_linear_unit_by_hand():
    """h_t = a h_{t-1} + x_t: K steps keep the K last partials, the sum over s > T - K of a^(T-s) h_{s-1}."""
    layer = IdentityRNN(1, inputs=1)
    network = Reader(layer, 1, every_step=False).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for weight, value in ((layer.encode, 1.0), (layer.recur, 0.7), (network.read, 1.0)):
            weight.weight.fill_(value)
    x = normal(1, 12, 1).abs()
    h = layer(x)[0][0, :, 0].detach()
    for steps in (1, 3, 5):
        network.zero_grad()
        rule = TruncatedBackpropagation(steps, sliding=True)
        rule.learn(network, Batch(x, x[:, 0]), lambda output, _: output.sum())
        by_hand = sum(0.7 ** (12 - s) * h[s - 2] for s in range(12 - steps + 1, 13))
        torch.testing.assert_close(layer.recur.weight.grad[0, 0], by_hand)


def test_both_are_one_for_a_last_error_where_blocks_end_there():
    torch.manual_seed(0)
    network = Reader(Elman(4, inputs=4), 2, False).double()
    batch = Batch(X, Y[:, -1])
    one, other = (grads(TruncatedBackpropagation(4, sliding), network, batch) for sliding in (False, True))
    assert off(one, other) < 1e-12
    one, other = (grads(TruncatedBackpropagation(5, sliding), network, batch) for sliding in (False, True))
    assert off(one, other) > 1e-3


def test_a_stack_is_cut_too():
    torch.manual_seed(0)
    network = Answer(Stack([Elman(4), Elman(4)], 4, 2, MLP.NONE), every_step=True).double()
    exact = grads(Backpropagation(), network, Batch(X, Y))
    assert off(grads(TruncatedBackpropagation(12), network, Batch(X, Y)), exact) < 1e-12
    assert off(grads(TruncatedBackpropagation(2), network, Batch(X, Y)), exact) > 1e-3


def test_what_is_refused():
    with refused("expected a Reader of one layer or a stack", "got Linear"):
        TruncatedBackpropagation().learn(nn.Linear(4, 2).double(), Batch(X, Y), nn.functional.mse_loss)
    with refused("steps"):
        TruncatedBackpropagation(0)
    network = Reader(Elman(4, inputs=4), 2, True).double().requires_grad_(False)
    with refused("frozen parameters"):
        TruncatedBackpropagation().learn(network, Batch(X, Y), nn.functional.mse_loss)
