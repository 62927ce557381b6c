"""LSTM: PyTorch's own, step for step; an open forget gate keeps the cell for ever."""

import torch
from torch import nn

from tests.promises import close, generic, normal, stepped
from wavetrain.layers.gate.lstm import LSTM


def test_step_is_the_cell_of_torch():
    layer, x = generic(LSTM, 5, 3), normal(2, 9, 3)
    cell = nn.LSTMCell(3, 5).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.cell.state_dict().items()})
    first = normal(2, 5, seed=2), normal(2, 5, seed=3)
    ours, theirs = first, first
    for now in x.unbind(1):
        y, ours = layer.step(now, ours)
        theirs = cell(now, theirs)
        close(ours, theirs, "state after a step, torch.nn.LSTMCell")
        close(y, theirs[0], "output of a step, torch.nn.LSTMCell")


def test_forward_is_that_of_torch():
    layer, x = generic(LSTM, 5, 3), normal(2, 9, 3)
    first = normal(2, 5, seed=2), normal(2, 5, seed=3)
    own = nn.LSTM(3, 5, batch_first=True).double()
    own.load_state_dict(layer.cell.state_dict())
    y, (h, c) = own(x, (first[0][None], first[1][None]))
    close(layer(x, first), (y, (h[0], c[0])), "forward, torch.nn.LSTM")
    close(stepped(layer, x, first), (y, (h[0], c[0])), "steps, torch.nn.LSTM")


def _gated(input_gate: float, forget: float, output: float) -> LSTM:
    """Gates that are held where the numbers say; blocks of rows are input, forget, cell, output."""
    layer = generic(LSTM, 4, 4)
    with torch.no_grad():
        for bias in (layer.cell.bias_ih_l0, layer.cell.bias_hh_l0):
            bias.copy_(torch.tensor([input_gate, forget, 0.0, output]).repeat_interleave(4))
    return layer


def test_forget_gate_open_and_input_gate_shut_keep_the_cell():
    first = normal(2, 4, seed=2), normal(2, 4, seed=3)
    _, (h, c) = _gated(-100, 100, 100)(normal(2, 500, 4), first)
    close(c, first[1], "cell after 500 steps, before")
    close(h, c.tanh(), "output, tanh of the cell")


def test_forget_gate_shut_forgets_at_once():
    layer, x = _gated(0, -100, 0), normal(2, 3, 4)
    with torch.no_grad():
        layer.cell.weight_hh_l0.zero_()
    close(layer(x)[0][:, -1], layer(x[:, -1:])[0][:, -1], "last output after a past, without")


def test_output_gate_shut_shows_nothing():
    assert _gated(0, 0, -100)(normal(2, 5, 4))[0].abs().max() < 1e-20


def test_error_flows_back_unchanged_through_an_open_forget_gate():
    """The derivative of the last cell by the first is 1 where no gate listens to the state."""
    layer = _gated(-100, 100, 100)
    with torch.no_grad():
        layer.cell.weight_hh_l0.zero_()
    c = normal(1, 4).requires_grad_()
    _, (_, last) = layer(normal(1, 300, 4), (normal(1, 4), c))
    (slope,) = torch.autograd.grad(last.sum(), c)
    close(slope, torch.ones_like(slope), "slope of the cell after 300 steps, one")
