"""ParaLSTM: the cell written out, its 2 x 2 Jacobian, limits, and Newton's method held to all promises."""

import functools
import math

import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, close, generic, normal, stepped
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.layers.gate.para_lstm import ParaLSTM
from wavetrain.scan import Newton


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def naive(layer: ParaLSTM, x: Tensor) -> Tensor:
    """The formula for one sequence x (T, I), one step and one channel at a time: c and h (T, 2, D)."""
    out, size = [], layer.width // layer.heads
    c, h = [0.0] * layer.width, [0.0] * layer.width
    for now in x.unflatten(-1, (layer.heads, -1)):
        for d in range(layer.width):
            to_f, to_g, to_o = (
                float(layer.encode[d // size, gate, d % size] @ now[d // size] + layer.bias[gate, d])
                for gate in range(3)
            )
            (a_f, a_g, a_o), (p_f, p_o) = layer.recur[:, d].tolist(), layer.peep[:, d].tolist()
            f, g = sigmoid(to_f + a_f * h[d] + p_f * c[d]), math.tanh(to_g + a_g * h[d])
            c[d] = f * c[d] + (1 - f) * g
            h[d] = sigmoid(to_o + a_o * h[d] + p_o * c[d]) * math.tanh(c[d])
        out.append(torch.tensor([c, h], dtype=x.dtype))
    return torch.stack(out)


@pytest.mark.parametrize(("width", "inputs", "heads"), [(6, 4, 2), (5, 3, 1), (4, 4, 4)])
def test_is_the_formula(width: int, inputs: int, heads: int):
    layer, x = generic(functools.partial(ParaLSTM, heads=heads), width, inputs), normal(1, 9, inputs)
    with torch.no_grad():
        expected = naive(layer, x[0])
        for y, state in (layer(x), stepped(layer, x), layer.solve(x)[:2]):
            close(y[0], expected[:, 1], "outputs, written out")
            close(state[0], expected[-1], "last state, written out")


def test_jacobian_is_that_of_autograd():
    layer = generic(ParaLSTM, 5, 3)
    drive, state = normal(3, 5), normal(2, 5, seed=2)
    now, jacobian = layer.linearise(drive, state)  # (2, 2, D)
    close(now, layer.next(drive, state), "next state beside the Jacobian, alone")
    full = torch.autograd.functional.jacobian(lambda old: layer.next(drive, old), state)  # (2, D, 2, D)
    close(torch.diag_embed(jacobian).transpose(1, 2), full, "Jacobian in closed form, by autograd")


def test_parameters():
    """3 blocks of width x inputs / heads, and 3 recurrent weights, 2 peepholes and 3 biases a channel."""
    layer = ParaLSTM(12, inputs=8)
    assert layer.heads == 2
    assert sum(part.numel() for part in layer.parameters()) == 3 * 12 * 8 // 2 + 8 * 12
    assert ParaLSTM(7, inputs=3).heads == 1


def test_start():
    torch.manual_seed(0)
    layer = ParaLSTM(1024, inputs=64)
    for part in (layer.recur, layer.peep):
        assert abs(part.std().item() * (5 * 1024) ** 0.5 / 2 - 1) < 0.06
    bound = (6 / (1024 / 2 + 64 / 2)) ** 0.5
    assert 0.99 * bound < layer.encode.abs().max() <= bound
    assert not layer.bias[1:].any()
    torch.testing.assert_close(-layer.bias[0], torch.linspace(0, 1, 1024))


def test_forget_gate_open_keeps_the_cell():
    """The gates are coupled: nothing is written where nothing is forgotten."""
    layer, first = generic(ParaLSTM, 4, 4), 0.5 * normal(2, 2, 4)
    with torch.no_grad():
        layer.bias[0] = 100
    _, state = layer(normal(2, 200, 4), first)
    close(state[:, 0], first[:, 0], "cell after 200 steps, before")


def test_forget_gate_shut_writes_all():
    layer, x = generic(ParaLSTM, 4, 4), normal(2, 40, 4)
    with torch.no_grad():
        layer.bias[0] = -1000
        layer.recur[1] = 0
    _, state = layer(x)
    close(state[:, 0], layer._drive(x)[:, -1, 1].tanh(), "cell with the forget gate shut, the candidate")


def test_cells_stay_between_minus_one_and_one():
    layer = generic(ParaLSTM, 8, 3)
    with torch.no_grad():
        layer.recur.mul_(20)
    y, state = layer(10 * normal(2, 200, 3))
    assert y.abs().max() <= math.tanh(1) and state.abs().max() <= 1


def test_without_recurrent_weights_the_cell_is_a_linear_recurrence():
    layer, x = generic(ParaLSTM, 5, 3), normal(2, 40, 3)
    with torch.no_grad():
        layer.recur.zero_()
        layer.peep.zero_()
        from_f, from_g, from_o = layer._drive(x).unbind(2)
        f = from_f.sigmoid()
        c, _ = scan.linear(f, (1 - f) * from_g.tanh())
        close(layer(x)[0], from_o.sigmoid() * c.tanh(), "without recurrent weights, a linear recurrence")


def test_solve_gives_forward_and_how_it_was_found():
    layer, x = generic(ParaLSTM, 6, 4), normal(3, 70, 4)
    y, state, info = layer.solve(x)
    close((y, state), stepped(layer, x), "solve, by steps")
    assert info.converged.all() and (info.iterations > 0).all() and info.residual.max() < 1e-12


def test_what_does_not_converge_is_walked():
    layer, x = generic(functools.partial(ParaLSTM, newton=Newton(cap=2)), 6, 4), normal(2, 200, 4)
    with torch.no_grad():
        layer.recur.mul_(8)
        layer.peep.mul_(8)
    y, state, info = layer.solve(x)
    assert "2 of 2 not converged" in scan.routes()["newton"]
    assert not info.converged.any() and info.residual.max() < 1e-12
    with scan.only_plain():
        torch.testing.assert_close((y, state), layer(x), rtol=0, atol=0)


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="heads must divide width 8 and inputs 3, got 2"):
        ParaLSTM(8, inputs=3, heads=2)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("how", [Newton(), Newton(cap=1)], ids=["converged", "walked"])
def test_newton_keeps_the_promises(how: Newton, promise):
    promise(generic(functools.partial(ParaLSTM, newton=how), 6, 4), normal(2, 11, 4))
