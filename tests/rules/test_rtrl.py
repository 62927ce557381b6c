"""Real-time recurrent learning: backpropagation through time to 1e-10, whatever the layer, and forward."""

import pytest
import torch
from torch import nn

from tests.promises import normal
from tests.rules.grads import grads, off
from wavetrain.core import Batch
from wavetrain.layers import GRU, LRU, LSTM, Elman, IdentityRNN, LeakyRNN, WaveRNN
from wavetrain.parts.leaky_reader import LeakyReader
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.rtrl import RTRL
from wavetrain.spiking import ALIF, LIF, RecurrentLIF
from wavetrain.testing.tools import refused

LAYERS = (Elman, LeakyRNN, GRU, LSTM, IdentityRNN, LRU, WaveRNN, LIF, ALIF, RecurrentLIF)


@pytest.mark.parametrize("kind", LAYERS)
def test_it_is_backpropagation_through_time(kind: type):
    torch.manual_seed(0)
    x, y = 2 * normal(3, 9, 4), normal(3, 9, 2, seed=2)
    for network, answers in (
        (Reader(kind(4, inputs=4), 2, every_step=True), y),
        (Reader(kind(4, inputs=4), 2, every_step=False), y[:, -1]),
        (LeakyReader(kind(4, inputs=4), 2, tau=5.0), y),
    ):
        network.double()
        with torch.no_grad():
            for parameter in network.parameters():  # a start at zero hides mistakes
                parameter.add_(0.2 * torch.randn_like(parameter))
        exact = grads(Backpropagation(), network, Batch(x, answers))
        assert off(grads(RTRL(chunk=4), network, Batch(x, answers)), exact) < 1e-10


def test_the_gradient_of_a_linear_unit_by_hand():
    """h_t = a h_{t-1} + x_t and a loss of the last step: dh_T / da is the sum of k a^(k-1) x_{T-k}."""
    torch.manual_seed(0)
    layer = IdentityRNN(1, inputs=1)
    network = Reader(layer, 1, every_step=False).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        layer.encode.weight.fill_(1.0)
        layer.recur.weight.fill_(0.7)
        network.read.weight.fill_(1.0)
    x = normal(1, 6, 1).abs()  # so that a rectifier passes all
    RTRL().learn(network, Batch(x, torch.zeros(1, 1, dtype=x.dtype)), lambda output, _: output.sum())
    by_hand = sum(k * 0.7 ** (k - 1) * x[0, 5 - k, 0] for k in range(1, 6))
    torch.testing.assert_close(layer.recur.weight.grad[0, 0], by_hand)


def test_chunks_change_nothing():
    torch.manual_seed(0)
    network, batch = Reader(LSTM(3, inputs=2), 1, True).double(), Batch(normal(2, 7, 2), normal(2, 7, 1))
    whole = grads(RTRL(chunk=100), network, batch)
    assert all(off(grads(RTRL(chunk=size), network, batch), whole) < 1e-14 for size in (1, 3, 7))


def test_what_is_frozen_stays_without_an_update():
    torch.manual_seed(0)
    network, batch = Reader(Elman(3, inputs=2), 1, True).double(), Batch(normal(2, 7, 2), normal(2, 7, 1))
    network.layer.recur.requires_grad_(False)
    network.read.requires_grad_(False)
    exact = grads(Backpropagation(), network, batch)
    assert off(grads(RTRL(), network, batch), exact) < 1e-10
    assert network.layer.recur.weight.grad is None and network.read.weight.grad is None


def test_tokens_are_taken():
    torch.manual_seed(0)
    network = Reader(Elman(3, inputs=5), 5, True).double()
    tokens = torch.randint(5, (2, 7))
    batch = Batch(tokens, tokens.roll(1, 1))

    def loss(outputs, answers):
        return nn.functional.cross_entropy(outputs.mT, answers)

    assert off(grads(RTRL(), network, batch, loss), grads(Backpropagation(), network, batch, loss)) < 1e-10


def test_it_adds_to_the_gradient_that_is_there():
    network, batch = Reader(Elman(3, inputs=2), 1, True).double(), Batch(normal(2, 7, 2), normal(2, 7, 1))
    once = grads(RTRL(), network, batch)
    RTRL().learn(network, batch, nn.functional.mse_loss)
    torch.testing.assert_close(torch.cat([one.grad.flatten() for one in network.parameters()]), 2 * once)


def test_what_is_refused():
    batch = Batch(normal(2, 7, 2), normal(2, 7, 1))
    network = Reader(Elman(3, inputs=2), 1, True).double()
    with refused("expected a Reader or LeakyReader", "got Linear"):
        RTRL().learn(nn.Linear(2, 1).double(), batch, nn.functional.mse_loss)
    with refused("linear read-out, got Reader"):
        RTRL().learn(Reader(Elman(3, inputs=2), 1, True, hidden=4).double(), batch, nn.functional.mse_loss)
    with refused("expected a loss of the outputs"):
        RTRL().learn(network, batch, lambda outputs, answers: answers.sum())
    with refused("frozen parameters"):
        RTRL().learn(network.requires_grad_(False), batch, nn.functional.mse_loss)
    with refused("chunk"):
        RTRL(chunk=0)
