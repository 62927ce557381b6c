"""The privileged basis of networks that are built from a basis, and of layers that carry a wave openly."""

import functools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.promises import generic, normal
from wavetrain.errors import BadInput
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.episodic import Episodic
from wavetrain.layers.state_space.lru import LRU
from wavetrain.layers.wave.wave_working_memory import Boundary, WaveWorkingMemory, propagation
from wavetrain.lenses.population.privileged_basis import _angle, _strong, privileged_basis
from wavetrain.tasks.languages.compose_copy import ComposeCopy
from wavetrain.tasks.recall.repeat_copy import RepeatCopy


def phi_of(task: RepeatCopy | ComposeCopy) -> Tensor:
    return propagation(task.boundary().double())


def circuit(phi: Tensor, width: int, hidden: int) -> tuple[Episodic, Tensor]:
    layer = Episodic(width, hidden=hidden).double()
    basis = torch.linalg.qr(normal(hidden, len(phi))).Q
    layer.bind(phi, basis)
    return layer, basis


@pytest.mark.parametrize("readout", [False, True])
def test_finds_the_basis_of_repeat_copy(readout: bool):
    """With orthonormal columns the lens finds them themselves; without, their directions."""
    phi = phi_of(RepeatCopy(3, 4))
    layer, basis = circuit(phi, 3, 20)
    found = privileged_basis(layer, normal(2, 6, 3), phi, readout=readout)
    np.testing.assert_allclose(found.basis, basis, atol=1e-10)
    np.testing.assert_allclose(found.transition, phi, atol=1e-10)
    assert found.kept.all() and found.found == found.wanted == 12
    assert found.score == pytest.approx(1) and found.error == pytest.approx(0, abs=1e-6)


def test_shows_the_variables_where_they_are():
    phi = phi_of(RepeatCopy(3, 4))
    layer, _ = circuit(phi, 3, 20)
    small = 1e-4 * normal(2, 4, 3)
    found = privileged_basis(layer, torch.cat([small, torch.zeros(2, 3, 3)], 1), phi)
    assert found.activity.shape == (2, 7, 12)
    np.testing.assert_allclose(found.activity[:, 3], small.flatten(1), atol=1e-10)
    moved = small.roll(-3, 1).flatten(1)
    np.testing.assert_allclose(found.activity[:, 6], moved, atol=1e-10)


@pytest.mark.parametrize("size", [3, 4, 6])
def test_keeps_what_compose_copy_needs(size: int):
    """Component j of vector b with b >= j, the oldest vector being 0: size (size + 1) / 2 of them."""
    task = ComposeCopy(size)
    layer, _ = circuit(phi_of(task), size, size * size + 4)
    found = privileged_basis(layer, normal(1, 5, size), phi_of(task))
    needed = np.array([vector >= component for vector in range(size) for component in range(size)])
    np.testing.assert_array_equal(found.kept, needed)
    assert found.wanted == found.found == size * (size + 1) // 2
    assert not found.basis[:, ~needed].any() and not found.dual[~needed].any()


def test_dual_and_rest():
    """Psi^+ Psi = 1 on what is kept; what is left lies across the basis, in no more than ten directions."""
    found = privileged_basis(
        generic(functools.partial(Episodic, hidden=30), 3, 3), normal(4, 20, 3), columns=5
    )
    np.testing.assert_allclose(found.dual @ found.basis, np.eye(15), atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(found.basis, axis=0), 1)
    assert found.rest.shape == (30, 10)
    np.testing.assert_allclose(found.rest.T @ found.rest, np.eye(10), atol=1e-9)
    np.testing.assert_allclose(found.dual @ found.rest, 0, atol=1e-6)


def test_wave_is_seen_as_it_is():
    """Columns are their own basis, whether the boundary is repeat copy's or attention, which starts empty."""
    wave = WaveWorkingMemory(3, columns=4).double()
    task = RepeatCopy(3, 4)
    with torch.no_grad():
        wave.encode.weight.copy_(torch.eye(3))
        wave.compose.weight.copy_(task.boundary().T)
    found = privileged_basis(wave, normal(2, 6, 3), phi_of(task))
    np.testing.assert_allclose(found.basis, np.eye(12), atol=1e-12)
    attention = WaveWorkingMemory(3, columns=4, boundary=Boundary.ATTENTION).double()
    with torch.no_grad():
        attention.encode.weight.copy_(torch.eye(3))
    open_end = privileged_basis(attention, normal(2, 6, 3))
    np.testing.assert_allclose(open_end.transition, np.eye(12, k=3), atol=1e-12)
    assert open_end.found == 0 and math.isnan(open_end.score) and math.isnan(open_end.error)


def test_spectra_are_compared_by_angle():
    """Phi turned by a small angle in each plane: the mean angle is that; modulus does not count."""
    turn = 0.05
    angles = torch.tensor([0.4, 1.3, 2.2], dtype=torch.float64)

    def rotations(by: float, size: float) -> Tensor:
        blocks = [
            size * torch.tensor([[math.cos(a + by), -math.sin(a + by)], [math.sin(a + by), math.cos(a + by)]])
            for a in angles.tolist()
        ]
        return torch.block_diag(*blocks).double()

    layer = Episodic(2, hidden=6).double()
    layer.bind(rotations(turn, 1.02), torch.eye(6, dtype=torch.float64))
    found = privileged_basis(layer, normal(1, 4, 2), rotations(0.0, 1.0))
    assert found.found == found.wanted == 6
    assert found.error == pytest.approx(turn, rel=1e-6)
    fewer = privileged_basis(layer, normal(1, 4, 2), propagation(torch.eye(6, 2).double() * 0))
    assert (fewer.found, fewer.wanted) == (6, 0) and math.isnan(fewer.error)


@pytest.mark.parametrize(("strength", "share"), [(1.0, 9 / 12), (2.0, 9 / 21), (0.5, 9 / 9.75)])
def test_score_is_the_share_of_squares_in_place(strength: float, share: float):
    """A network with a wrong last link of the cycle, of three ones, beside nine right ones."""
    right = phi_of(RepeatCopy(3, 4))
    wrong = right.clone()
    wrong[9:, :3] = strength * torch.eye(3).roll(1, 0)
    layer, _ = circuit(wrong, 3, 16)
    found = privileged_basis(layer, normal(1, 4, 3), right)
    assert found.score == pytest.approx(share)
    np.testing.assert_allclose(found.transition, wrong, atol=1e-10)


def test_lstm_is_linearised_by_itself():
    """At zero, without biases, the cell keeps half of itself and the hidden state is half of the new cell."""
    layer = LSTM(4, inputs=2).double()
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if "bias" in name or parameter.ndim == 1:
                parameter.zero_()
    found = privileged_basis(layer, normal(2, 6, 2), columns=2)
    assert found.basis.shape == (8, 4) and np.isfinite(found.transition).all()
    halves = np.split(found.basis, 2)
    np.testing.assert_allclose(
        np.minimum(np.abs(halves[0] - 0.5 * halves[1]), np.abs(halves[1] - 0.5 * halves[0])).max(),
        0,
        atol=1e-10,
    )


def test_what_cannot_be_is_refused():
    layer = Episodic(3, hidden=12).double()
    with pytest.raises(BadInput, match=r"expected phi \(3 s, 3 s\) for s = 2, got \(9, 9\)"):
        privileged_basis(layer, normal(1, 4, 3), torch.eye(9), columns=2)
    with pytest.raises(BadInput, match="phi of finite numbers"):
        privileged_basis(layer, normal(1, 4, 3), torch.full((6, 6), float("nan")))
    with pytest.raises(BadInput, match="real state"):
        privileged_basis(LRU(4).double(), normal(1, 4, 4))


def test_strong_eigenvalues_are_above_a_limit_and_needed_ones_above_another():
    """Of 1, 0.95, 0.85 and 0.7: two are above 0.9, three are needed, whose eigenvalues are above 0.8."""
    sizes = torch.tensor([1.0, -0.95, 0.85, 0.7], dtype=torch.float64)
    layer = Episodic(1, hidden=6).double()
    layer.bind(torch.diag(sizes), torch.linalg.qr(normal(6, 4)).Q)
    found = privileged_basis(layer, normal(1, 4, 1), torch.diag(sizes))
    assert found.kept.tolist() == [True, True, True, False]
    assert (found.found, found.wanted) == (2, 2) and found.error == pytest.approx(0, abs=1e-9)
    assert _strong(torch.diag(sizes), 0.7).tolist() == pytest.approx([1.0, -0.95, 0.85])


def test_the_nearest_eigenvalues_are_paired_first():
    """0.5 with 0.4, which leaves 0 to 1: (0.1 + 1) / 2; across the half turn 3.1 and -3.1 are near."""

    def at(*angles: float) -> np.ndarray:
        return np.array([1.0, 2.0])[: len(angles)] * np.exp(1j * np.array(angles))

    assert _angle(at(0, 0.5), at(0.4, 1)) == pytest.approx(0.55)
    assert _angle(at(0.5, 0), at(1, 0.4)) == pytest.approx(0.55)
    assert _angle(at(3.1), at(-3.1)) == pytest.approx(2 * np.pi - 6.2)
    assert math.isnan(_angle(at(), at())) and math.isnan(_angle(at(0.1), at(0.1, 0.2)))


@pytest.mark.parametrize("readout", [False, True])
def test_the_basis_of_any_network_by_hand(readout: bool):
    """h' = tanh(W h + G x) from 0: powers of W on G, or on the read-out's pseudo-inverse, of length 1."""
    torch.manual_seed(0)
    layer = Episodic(2, hidden=7).double()
    x = normal(2, 5, 2)
    recur, write, read = layer.recur.weight, layer.encode.weight, layer.out.weight
    ground = torch.linalg.pinv(read) if readout else write
    found = privileged_basis(layer, x, readout=readout)
    powers = [torch.linalg.matrix_power(recur, power) @ ground for power in (2, 1, 0)]
    basis = torch.cat(powers, 1)
    basis = (basis / basis.norm(dim=0)).detach().numpy()
    np.testing.assert_allclose(found.basis, basis, atol=1e-9)
    dual = np.linalg.pinv(basis)
    np.testing.assert_allclose(found.dual, dual, atol=1e-7)
    np.testing.assert_allclose(found.transition, dual @ recur.detach().numpy() @ basis, atol=1e-7)
    assert found.kept.tolist() == [True] * 6 and found.wanted == 0 and math.isnan(found.score)
    state, states = layer.begin(2), []
    for step in range(5):
        state = layer.step(x[:, step], state)[1]
        states.append(torch.as_tensor(state).detach().numpy())
    seen = np.stack(states, 1)
    np.testing.assert_allclose(found.activity, seen @ dual.T, atol=1e-7)
    rest = (seen - found.activity @ basis.T).reshape(10, 7)
    wanted = np.linalg.svd(rest - rest.mean(0), full_matrices=False)[2].T
    np.testing.assert_allclose(np.abs(found.rest[:, :1]), np.abs(wanted[:, :1]), atol=1e-6)


def test_how_many_columns_there_are_by_default():
    """As many as there is room for, one at least, or as phi has."""
    x = normal(1, 3, 3)
    for hidden, columns in ((7, 2), (9, 3), (4, 1)):
        layer = Episodic(3, hidden=hidden).double()
        assert privileged_basis(layer, x).basis.shape == (hidden, 3 * columns)
    layer = Episodic(3, hidden=13).double()
    assert privileged_basis(layer, x, torch.eye(6)).basis.shape == (13, 6)
    assert privileged_basis(layer, x, columns=1).basis.shape == (13, 3)
    for words, got in (({"columns": 0}, "s = 0, got none"), ({"phi": torch.eye(4)}, r"s = 1, got \(4, 4\)")):
        with pytest.raises(BadInput, match=got):
            privileged_basis(layer, x, **words)
