"""The predictive autoencoder: its equations, what it is without recurrence, CA1, and closed loops."""

import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.networks.predictive_autoencoder import PredictiveAutoencoder
from wavetrain.scan import Activation


def built(hidden: int = 9, inputs: int = 5, predicts: bool = True, **others: Activation):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return PredictiveAutoencoder(hidden, inputs, predicts, **others).double()


def inputs(batch: int = 2, time: int = 7, channels: int = 5) -> Tensor:
    return torch.rand(batch, time, channels, dtype=torch.float64, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("activation", Activation)
@pytest.mark.parametrize("predicts", [True, False])
def test_equations(predicts: bool, activation: Activation):
    """Step by step with matrices, as printed; and `step` is the same map."""
    network, x = built(predicts=predicts, activation=activation), inputs()
    y = network(x)
    w_i, w_h, w_o = network.encode, network.recur, network.read
    h = state = torch.zeros(2, 9, dtype=torch.float64)
    for t in range(7):
        h = activation(x[:, t] @ w_i.weight.T + w_i.bias + h @ w_h.weight.T + w_h.bias)
        ahead = activation(h @ w_h.weight.T + w_h.bias) if predicts else h
        expected = torch.sigmoid(ahead @ w_o.weight.T + w_o.bias)
        torch.testing.assert_close(y[:, t], expected)
        stepped, state = network.step(x[:, t], state)
        torch.testing.assert_close(stepped, expected)
        torch.testing.assert_close(state, h)


def test_without_recurrence_a_prediction_is_constant():
    network, plain = built(), built(predicts=False)
    for one in (network, plain):
        torch.nn.init.zeros_(one.recur.weight)
    y = network(inputs())
    torch.testing.assert_close(y, y[:1, :1].expand_as(y))
    again = plain(inputs())
    assert (again - again[:1, :1]).abs().max() > 1e-3


def test_start_is_that_of_recurrent_networks():
    network, plain = built(hidden=16, inputs=300), torch.nn.RNN(300, 16)
    count = sum(one.numel() for one in (*network.encode.parameters(), *network.recur.parameters()))
    assert count == sum(one.numel() for one in plain.parameters())
    assert 0.24 < network.encode.weight.abs().max() <= 0.25


def test_ca1_is_prediction_and_what_exceeds_it():
    network, x = built(), inputs()
    predicted, excess = network.ca1(x).split(5, -1)
    assert predicted.shape == excess.shape == (2, 6, 5)
    torch.testing.assert_close(predicted, network(x)[:, :-1])
    assert (excess >= 0).all() and (excess[predicted >= x[:, 1:]] == 0).all()
    above = x[:, 1:] > predicted
    torch.testing.assert_close((predicted + excess)[above], x[:, 1:][above])


@pytest.mark.parametrize("predicts", [True, False])
def test_replay_is_the_network_on_its_own_outputs(predicts: bool):
    network, cue = built(predicts=predicts), inputs(time=3)
    outputs = network.replay(cue, 5)
    assert outputs.shape == (2, 5, 5)
    torch.testing.assert_close(network(torch.cat([cue, outputs[:, :-1]], 1))[:, 2:], outputs)


def test_a_linear_network_replays_a_rotation():
    """W_h = R / 2 with a turn R by w, W_i = W_o = 1: on its own outputs h_t = R h_{t-1}, for ever."""
    w = torch.tensor(0.3, dtype=torch.float64)
    turn = torch.stack([torch.stack([w.cos(), -w.sin()]), torch.stack([w.sin(), w.cos()])])
    network = PredictiveAutoencoder(2, 2, True, Activation.IDENTITY, lambda y: y).double()
    with torch.no_grad():
        for part in network.parameters():
            part.zero_()
        network.recur.weight.copy_(turn / 2)
        for part in (network.encode.weight, network.read.weight):
            part.copy_(torch.eye(2))
    outputs = network.replay(torch.tensor([[[1.0, 0.0]]], dtype=torch.float64), 40)[0]
    angle = 0.3 * torch.arange(1, 41, dtype=torch.float64)
    torch.testing.assert_close(outputs, torch.stack([angle.cos(), angle.sin()], -1) / 2)


def test_bad_input():
    with pytest.raises(BadInput, match="hidden"):
        PredictiveAutoencoder(0, 3)
    for shape in ((2, 5), (2, 3, 4), (2, 0, 5), (2, 3, 5, 1)):
        with pytest.raises(BadInput, match=rf"expected x \(batch, time, 5\), got \({shape[0]}, {shape[1]}"):
            built()(torch.zeros(shape))
    for steps in (0, -1):
        with pytest.raises(BadInput, match="steps must be a whole number of at least 1"):
            built().replay(torch.zeros(1, 2, 5).double(), steps)
