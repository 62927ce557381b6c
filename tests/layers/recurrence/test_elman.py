"""Elman network: PyTorch's own tanh RNN, bounded, and without memory where the recurrence is cut."""

import torch
from torch import nn

from tests.promises import close, generic, normal, stepped
from wavetrain.layers.recurrence.elman import Elman


def test_is_the_tanh_network_of_torch():
    layer, x, first = generic(Elman, 5, 3), normal(2, 9, 3), normal(2, 5, seed=2)
    torchs = nn.RNN(3, 5, batch_first=True).double()
    torchs.load_state_dict(
        {
            "weight_ih_l0": layer.encode.weight,
            "bias_ih_l0": layer.encode.bias,
            "weight_hh_l0": layer.recur.weight,
            "bias_hh_l0": layer.recur.bias,
        }
    )
    y, last = torchs(x, first[None])
    close(layer(x, first), (y, last[0]), "forward, torch.nn.RNN")
    close(stepped(layer, x, first), (y, last[0]), "steps, torch.nn.RNN")


def test_by_hand():
    layer = Elman(1).double()
    with torch.no_grad():
        for parameter, value in zip(layer.parameters(), (2.0, 0.1, -0.5, 0.2), strict=True):
            parameter.fill_(value)
    y, _ = layer(torch.tensor([[[0.3], [-1.0]]], dtype=torch.float64))
    first = torch.tensor(0.6 + 0.1 + 0.2, dtype=torch.float64).tanh()
    close(y[0, :, 0], torch.stack([first, (-2.0 + 0.1 - 0.5 * first + 0.2).tanh()]), "two steps, by hand")


def test_output_is_bounded_and_is_the_state():
    layer = generic(Elman, 6, 6)
    y, last = layer(100 * normal(3, 50, 6))
    assert y.abs().max() <= 1
    close(y[:, -1], last, "last output, last state")


def test_without_recurrence_nothing_is_remembered():
    layer = generic(Elman, 4, 2)
    with torch.no_grad():
        layer.recur.weight.zero_()
    x = normal(1, 8, 2)
    shuffled = x[:, torch.tensor([3, 1, 0, 2, 6, 5, 4, 7])]
    close(layer(x)[0][:, -1], layer(shuffled)[0][:, -1], "last output, with another past")
    weight = layer.operator(x).weight
    close(weight, torch.diag_embed(torch.diagonal(weight, dim1=-2, dim2=-1)), "tangent, its diagonal")


def test_starts_uniform():
    torch.manual_seed(0)
    for parameter in Elman(400, inputs=3).parameters():
        assert parameter.abs().max() <= 1 / 20
        assert parameter.abs().max() > 0.99 / 20
