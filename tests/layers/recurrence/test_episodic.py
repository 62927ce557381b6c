"""Episodic memory theory: the circuit in any basis, its spectrum, and where the network comes from."""

import functools

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, close, generic, normal
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.episodic import Episodic
from wavetrain.layers.wave.wave_working_memory import WaveWorkingMemory, propagation
from wavetrain.memories.general_sequential import Dynamics, GeneralSequential, Nonlinearity
from wavetrain.scan import Activation
from wavetrain.tasks.languages.compose_copy import ComposeCopy
from wavetrain.tasks.recall.repeat_copy import RepeatCopy


def linear(width: int, hidden: int) -> Episodic:
    return Episodic(width, hidden=hidden, activation=Activation.IDENTITY).double()


def phi_of(task: RepeatCopy | ComposeCopy) -> Tensor:
    return propagation(task.boundary().double())


@pytest.mark.parametrize("hidden", [12, 17])
def test_circuit_is_the_wave_in_another_basis(hidden: int):
    """Any F, not only one of zeros and ones; as many units as coordinates, or more."""
    wave = generic(functools.partial(WaveWorkingMemory, columns=4), 3, 3)
    with torch.no_grad():
        wave.encode.weight.copy_(torch.eye(3))
    layer, x = linear(3, hidden), normal(2, 15, 3)
    basis = normal(hidden, 12)
    layer.bind(wave.propagation(), basis)
    y, h = layer(x)
    expected, (columns, _) = wave(x)
    close(y, expected, "circuit, wave")
    close(h @ torch.linalg.pinv(basis).T, columns.flatten(1), "state in the basis, columns")


def test_repeat_copy_is_solved_for_any_values():
    """After the input phase the variables lie in their subspaces; t steps later each is t further on."""
    layer, basis = linear(3, 20), normal(20, 12)
    layer.bind(phi_of(RepeatCopy(3, 4)), basis)
    given = normal(2, 4, 3)
    state = layer(given)[1]
    dual = torch.linalg.pinv(basis)
    for later in range(9):
        seen = (state @ dual.T).unflatten(1, (4, 3))
        for variable in range(4):
            place = (variable - later) % 4
            close(seen[:, place], given[:, variable], f"variable {variable} after {later} steps")
        state = layer.step(torch.zeros(2, 3, dtype=torch.float64), state)[1]
    y = layer(torch.cat([given, torch.zeros(2, 12, 3)], 1))[0]
    close(y[:, 4:], given.repeat(1, 3, 1), "outputs, what was given three times")


@pytest.mark.parametrize("flipped", [(), (1, 2)])
def test_compose_copy_is_solved_once_the_variables_are_bound(flipped: tuple[int, ...]):
    task = ComposeCopy(4, 30, flipped=flipped)
    layer, basis = linear(4, 20), normal(20, 16)
    layer.bind(phi_of(task), basis)
    x, y = (part.double() for part in task.draw(10, torch.Generator().manual_seed(1)))
    said = layer(x[:, 4:], x[:, :4].flatten(1) @ basis.T)[0]
    close(said, y[:, 4:], "what the circuit says, answers")


@pytest.mark.parametrize(("task", "strong"), [(RepeatCopy(4, 4), 16), (ComposeCopy(4), 10)])
def test_spectrum_is_that_of_phi_and_zeros(task: RepeatCopy | ComposeCopy, strong: int):
    phi, layer = phi_of(task), linear(4, 25)
    layer.bind(phi, normal(25, 16))
    found, wanted = torch.linalg.eigvals(layer.recur.weight), torch.linalg.eigvals(phi)
    assert (found.abs() > 0.9).sum() == (wanted.abs() > 0.9).sum() == strong
    for value in wanted[wanted.abs() > 0.9]:
        assert (found - value).abs().min() < 1e-6
    assert found.abs().sort().values[: 25 - strong].max() < 0.05


def test_tanh_leaves_small_activity_as_it_is():
    """The Jacobian at the origin is W: to third order the circuit with tanh is the linear one."""
    curved, straight = Episodic(3, hidden=20).double(), linear(3, 20)
    basis = torch.linalg.qr(normal(20, 12)).Q
    for layer in (curved, straight):
        layer.bind(phi_of(RepeatCopy(3, 4)), basis)
    x = torch.cat([normal(2, 4, 3), torch.zeros(2, 8, 3)], 1)
    with torch.no_grad():
        large, small = ((curved(size * x)[0] - straight(size * x)[0]).abs().max() for size in (1e-2, 1e-3))
    assert 0 < small < large and float(large / small) == pytest.approx(1000, rel=0.02)


def test_comes_from_general_sequential_memory():
    """x = tanh(v) of LISEM, in steps of T_f and with d where it tends to, is this network without input."""
    memory = GeneralSequential(10, Nonlinearity.FEATURE, Dynamics(1.0, 1.0, gain=1.0)).double()
    patterns = normal(1, 3, 10).sign()
    xi, phi, taken = memory.write(memory.empty(1), patterns, patterns.roll(-1, 1))
    xi = xi / 10  # the norm of the whole is at most 1, as the theory asks
    layer = Episodic(2, hidden=10).double()
    with torch.no_grad():
        layer.recur.weight.copy_(xi[0].T @ (torch.eye(len(phi[0])) + phi[0].T) @ xi[0])
        v = normal(1, 4, 10)
        x, none = v[0].tanh(), torch.zeros(4, 2, dtype=torch.float64)
        for _ in range(6):
            v = v + memory.flow((xi, phi, taken), v, v.tanh())
            x = layer.step(none, x)[1]
            close(x, v[0].tanh(), "recurrent network, memory")


def test_hundreds_of_steps_and_their_gradient_are_those_of_a_plain_loop():
    """Forward and back through time, one step after the other."""
    layer, x, wanted = (
        generic(functools.partial(Episodic, hidden=5), 2, 3),
        normal(1, 300, 3),
        normal(1, 300, 2),
    )
    h0 = normal(1, 5, seed=7).requires_grad_()
    said, _ = layer(x, h0)
    ((said - wanted) ** 2 / 2).sum().backward()
    u, w, r = (part.weight.detach().numpy() for part in (layer.encode, layer.recur, layer.out))
    h, y = [h0.detach().numpy()[0]], []
    for record in x[0].numpy():
        h.append(np.tanh(w @ h[-1] + u @ record))
        y.append(r @ h[-1])
    of_u, of_w, of_r, back = np.zeros_like(u), np.zeros_like(w), np.zeros_like(r), np.zeros(5)
    for t in reversed(range(300)):
        missed = y[t] - wanted[0, t].numpy()
        of_r += np.outer(missed, h[t + 1])
        inner = (r.T @ missed + back) * (1 - h[t + 1] ** 2)
        of_u += np.outer(inner, x[0, t].numpy())
        of_w += np.outer(inner, h[t])
        back = w.T @ inner
    close(said.detach()[0], torch.from_numpy(np.array(y)), "outputs, the loop's")
    gradients = [part.weight.grad for part in (layer.encode, layer.recur, layer.out)]
    close(gradients, [torch.from_numpy(one) for one in (of_u, of_w, of_r)], "gradients, the loop's")
    close(h0.grad, torch.from_numpy(back)[None], "gradient of the first state, the loop's")


def test_nothing_comes_of_nothing_and_weights_are_small():
    layer = Episodic(5, 3, hidden=50)
    assert not layer(torch.zeros(2, 20, 3))[0].any()
    for name, parameter in layer.named_parameters():
        assert parameter.abs().max() <= 50**-0.5, name
        assert float(parameter.detach().std()) == pytest.approx((3 * 50) ** -0.5, rel=0.15), name
    assert sum(parameter.numel() for parameter in layer.parameters()) == 50 * (3 + 50 + 5)


def test_what_cannot_be_is_refused():
    layer, phi = Episodic(3, hidden=12), propagation(torch.eye(12, 3))
    with pytest.raises(BadInput, match="12 independent columns of 12 units, got"):
        layer.bind(phi, torch.ones(12, 12))
    with pytest.raises(BadInput, match=r"and phi \(3 s, 3 s\), got 3 inputs and phi \(5, 5\)"):
        layer.bind(torch.eye(5), torch.eye(12, 5))
    with pytest.raises(BadInput, match="hidden"):
        Episodic(3, hidden=0)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
def test_linear_network_keeps_the_promises(promise):
    promise(
        generic(functools.partial(Episodic, hidden=5, activation=Activation.IDENTITY), 6, 3), normal(2, 7, 3)
    )
