"""GRU: PyTorch's own, step for step; a shut update gate keeps the state for ever."""

import torch
from torch import nn

from tests.promises import close, generic, normal, stepped
from wavetrain.layers.gate.gru import GRU


def test_step_is_the_cell_of_torch():
    layer, x = generic(GRU, 5, 3), normal(2, 9, 3)
    cell = nn.GRUCell(3, 5).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.cell.state_dict().items()})
    ours = theirs = normal(2, 5, seed=2)
    for now in x.unbind(1):
        y, ours = layer.step(now, ours)
        theirs = cell(now, theirs)
        close((y, ours), (theirs, theirs), "a step, torch.nn.GRUCell")


def test_forward_is_that_of_torch():
    layer, x, first = generic(GRU, 5, 3), normal(2, 9, 3), normal(2, 5, seed=2)
    own = nn.GRU(3, 5, batch_first=True).double()
    own.load_state_dict(layer.cell.state_dict())
    y, last = own(x, first[None])
    close(layer(x, first), (y, last[0]), "forward, torch.nn.GRU")
    close(stepped(layer, x, first), (y, last[0]), "steps, torch.nn.GRU")


def _held(keep: float) -> GRU:
    """The gate between old and new held; blocks of rows are reset, keep, new."""
    layer = generic(GRU, 4, 4)
    with torch.no_grad():
        for bias in (layer.cell.bias_ih_l0, layer.cell.bias_hh_l0):
            bias[4:8] = keep
    return layer


def test_gate_at_one_keeps_the_state():
    first = normal(2, 4, seed=2)
    close(_held(100)(normal(2, 500, 4), first)[1], first, "state after 500 steps, before")


def test_gate_at_zero_shows_the_candidate():
    layer, x, h = _held(-100), normal(2, 1, 4), normal(2, 4, seed=2)
    of_x = nn.functional.linear(x[:, 0], layer.cell.weight_ih_l0, layer.cell.bias_ih_l0)
    of_h = nn.functional.linear(h, layer.cell.weight_hh_l0, layer.cell.bias_hh_l0)
    reset = (of_x[:, :4] + of_h[:, :4]).sigmoid()
    close(layer(x, h)[1], (of_x[:, 8:] + reset * of_h[:, 8:]).tanh(), "state, the candidate alone")


def test_state_is_a_mean_of_old_and_new_and_stays_within_one():
    y, last = generic(GRU, 6, 6)(50 * normal(3, 60, 6))
    assert y.abs().max() <= 1
    close(y[:, -1], last, "last output, last state")
