"""ParaGRU: the cell written out, its Jacobian, limits, and Newton's method held to all promises."""

import functools
import math

import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, close, generic, normal, stepped
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.layers.gate.para_gru import ParaGRU
from wavetrain.scan import Newton


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def naive(layer: ParaGRU, x: Tensor) -> Tensor:
    """The formula for one sequence x (T, I), one step and one channel at a time."""
    out, size = [], layer.width // layer.heads
    h = [0.0] * layer.width
    for now in x.unflatten(-1, (layer.heads, -1)):
        sums = [
            [
                float(layer.encode[d // size, gate, d % size] @ now[d // size] + layer.bias[gate, d])
                for d in range(layer.width)
            ]
            for gate in range(3)
        ]
        for d in range(layer.width):
            a_z, a_r, a_c = layer.recur[:, d].tolist()
            z, r = sigmoid(sums[0][d] + a_z * h[d]), sigmoid(sums[1][d] + a_r * h[d])
            h[d] = (1 - z) * h[d] + z * math.tanh(sums[2][d] + a_c * (h[d] * r))
        out.append(torch.tensor(h, dtype=x.dtype))
    return torch.stack(out)


@pytest.mark.parametrize(("width", "inputs", "heads"), [(6, 4, 2), (5, 3, 1), (4, 4, 4)])
def test_is_the_formula(width: int, inputs: int, heads: int):
    layer, x = generic(functools.partial(ParaGRU, heads=heads), width, inputs), normal(1, 9, inputs)
    with torch.no_grad():
        close(layer(x)[0][0], naive(layer, x[0]), "forward, written out")
        close(stepped(layer, x)[0][0], naive(layer, x[0]), "steps, written out")
        close(layer.solve(x)[0][0], naive(layer, x[0]), "Newton's method, written out")


def test_jacobian_is_that_of_autograd():
    layer = generic(ParaGRU, 5, 3)
    drive, state = normal(3, 5), normal(1, 5, seed=2)
    now, jacobian = layer.linearise(drive, state)
    close(now, layer.next(drive, state), "next state beside the Jacobian, alone")
    full = torch.autograd.functional.jacobian(lambda h: layer.next(drive, h), state)[0, :, 0]
    close(torch.diag(jacobian[0, 0]), full, "Jacobian in closed form, by autograd")


def test_parameters():
    """3 blocks of width x inputs / heads, and 3 recurrent weights and 3 biases a channel."""
    layer = ParaGRU(12, inputs=8)
    assert layer.heads == 2
    assert sum(part.numel() for part in layer.parameters()) == 3 * (12 * 8 // 2 + 12 + 12)
    assert ParaGRU(7, inputs=3).heads == 1


def test_start():
    torch.manual_seed(0)
    layer = ParaGRU(1024, inputs=64)
    assert abs(layer.recur.std().item() * (5 * 1024) ** 0.5 / 2 - 1) < 0.05
    bound = (6 / (64 / 2 + 1024)) ** 0.5  # the inputs of a head and the outputs of both, as released
    assert 0.99 * bound < layer.encode.abs().max() <= bound
    assert not layer.bias[1:].any()
    torch.testing.assert_close(-layer.bias[0], torch.linspace(0, 1, 1024))


def test_heads_do_not_see_each_others_input():
    layer, x = generic(ParaGRU, 6, 4), normal(1, 5, 4)
    other = torch.cat([x[..., :2], x[..., 2:] + 1], -1)
    close(layer(other)[0][..., :3], layer(x)[0][..., :3], "first head, other input to the second")
    assert (layer(other)[0][..., 3:] - layer(x)[0][..., 3:]).abs().min() > 0


def test_channels_meet_only_in_the_input():
    layer, x, first = generic(ParaGRU, 5, 3), normal(1, 8, 3), normal(1, 5)
    other = first.clone()
    other[:, 2] += 1
    moved = (layer(x, other)[0] - layer(x, first)[0]).abs().amax((0, 1))
    assert moved[2] > 1e-3
    assert not moved[[0, 1, 3, 4]].any()


def test_without_recurrent_weights_it_is_a_linear_recurrence():
    layer, x = generic(ParaGRU, 5, 3), normal(2, 40, 3)
    with torch.no_grad():
        layer.recur.zero_()
        y, _, info = layer.solve(x)
        from_z, _, from_c = layer._drive(x).unbind(2)
        z = from_z.sigmoid()
        close(y, scan.linear(1 - z, z * from_c.tanh())[0], "without recurrent weights, a linear recurrence")
    assert (info.iterations <= 2).all()  # one, and one to see that it was enough


def test_states_stay_between_minus_one_and_one():
    layer = generic(ParaGRU, 8, 3)
    with torch.no_grad():
        layer.recur.mul_(20)
    assert layer(10 * normal(2, 200, 3))[0].abs().max() <= 1


def test_solve_gives_forward_and_how_it_was_found():
    layer, x = generic(ParaGRU, 6, 4), normal(3, 70, 4)
    y, state, info = layer.solve(x)
    close((y, state), stepped(layer, x), "solve, by steps")
    assert info.converged.all() and (info.iterations > 0).all() and info.residual.max() < 1e-12


def test_what_does_not_converge_is_walked():
    layer, x = generic(ParaGRU, 6, 4), normal(2, 512, 4)
    with torch.no_grad():
        layer.encode.mul_(1.5)
        layer.recur.normal_(0, 4, generator=torch.Generator().manual_seed(3))
    y, state, info = layer.solve(x)
    assert "2 of 2 not converged" in scan.routes()["newton"]
    assert not info.converged.any() and info.residual.max() < 1e-12
    with scan.only_plain():
        torch.testing.assert_close((y, state), layer(x), rtol=0, atol=0)


def test_training_is_that_of_backpropagation_through_time():
    """Ten steps of gradient descent on the next input, by either route: the losses agree."""
    x = normal(4, 40, 3)
    losses = []
    for plain in (True, False):
        layer = generic(functools.partial(ParaGRU, newton=Newton()), 3, 3)
        losses.append([])
        for _ in range(10):
            with scan.only_plain() if plain else torch.enable_grad():
                y, _ = layer(x[:, :-1])
            loss = ((y - x[:, 1:]) ** 2).mean()
            slopes = torch.autograd.grad(loss, list(layer.parameters()))
            with torch.no_grad():
                for parameter, slope in zip(layer.parameters(), slopes, strict=True):
                    parameter -= 0.1 * slope
            losses[-1].append(loss.item())
    close(*(torch.tensor(one, dtype=x.dtype) for one in losses), "losses by the walk, by Newton's method")
    assert losses[0][-1] < losses[0][0]


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="heads must divide width 8 and inputs 3, got 2"):
        ParaGRU(8, inputs=3, heads=2)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("how", [Newton(), Newton(cap=1)], ids=["converged", "walked"])
def test_newton_keeps_the_promises(how: Newton, promise):
    promise(generic(functools.partial(ParaGRU, newton=how), 6, 4), normal(2, 11, 4))
