"""Toeplitz share of matrices whose answer is known, and of layers that are convolutions, gated, or attend."""

import functools

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.promises import generic, normal
from wavetrain.core import Layer, Operator, State
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.convolution.fsmn import FSMN
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.line_attractor import LineAttractor
from wavetrain.layers.recurrence.ring import Ring
from wavetrain.layers.wave.wave_rnn import WaveRNN
from wavetrain.lenses.operator.toeplitz import toeplitz
from wavetrain.scan import Activation


class Known(Layer):
    """A layer that is nothing but the weights (B, H, T, T) that it is given."""

    def __init__(self, weight: Tensor):
        super().__init__(1)
        self.weight = weight

    def begin(self, batch: int) -> State:
        raise AssertionError("only the operator is to be looked at")

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        raise AssertionError("only the operator is to be looked at")

    def operator(self, x: Tensor) -> Operator:
        return Operator(self.weight, x[:, :, None])

    def read(self, mixed: Tensor) -> Tensor:
        return mixed.flatten(-2)


def look(weight: Tensor):
    return toeplitz(Known(weight), torch.zeros(len(weight), weight.shape[-1], 1))


def matrix(kernel: list[float]) -> Tensor:
    """The lower triangular Toeplitz matrix of a kernel, written out."""
    time = len(kernel)
    rows = [[kernel[t - s] if t >= s else 0.0 for s in range(time)] for t in range(time)]
    return torch.tensor(rows, dtype=torch.float64)


def test_toeplitz_matrix_is_its_own_fit():
    one, two = [3.0, -1.0, 0.5, 0.0], [0.0, 0.0, 2.0, 7.0]
    found = look(torch.stack([matrix(one), matrix(two)])[None])
    np.testing.assert_allclose(found.share, 1)
    np.testing.assert_allclose(found.common, 1)
    np.testing.assert_allclose(found.kernel, [one, two])
    assert found.whole == pytest.approx(1)


def test_diagonal_of_two_values():
    """diag(a, b) is nearest to its mean: (a + b)^2 / 2 of a^2 + b^2."""
    found = look(torch.diag(torch.tensor([3.0, 1.0]))[None, None])
    np.testing.assert_allclose(found.share, [8 / 10])
    np.testing.assert_allclose(found.kernel, [[2, 0]])
    assert look(torch.diag(torch.tensor([1.0, -1.0]))[None, None]).share == pytest.approx(0)


def test_is_the_least_squares_fit():
    """Against a regression on the diagonals, and no other kernel leaves less."""
    weight = normal(1, 1, 6, 6).tril()
    age = torch.arange(6)[:, None] - torch.arange(6)
    design = torch.stack([(age == back).double().flatten() for back in range(6)], 1)
    fit = torch.linalg.lstsq(design, weight.flatten()[:, None]).solution[:, 0]
    left = ((design @ fit - weight.flatten()) ** 2).sum() / (weight**2).sum()
    found = look(weight)
    assert found.share[0] == pytest.approx(1 - float(left))
    np.testing.assert_allclose(found.kernel[0], fit.numpy())


def test_mean_of_the_past_is_not_toeplitz():
    """Rows of 1 / (t + 1): the share in closed form, falling with length."""
    shares = []
    for time in (2, 8, 32):
        rows = 1 / torch.arange(1, time + 1, dtype=torch.float64)
        found = look((rows[:, None] * torch.ones(time, time)).tril()[None, None])
        fitted = sum(float(rows[back:].sum()) ** 2 / (time - back) for back in range(time))
        assert found.share[0] == pytest.approx(fitted / float(rows.sum()))
        shares.append(found.share[0])
    assert shares == sorted(shares, reverse=True)


def test_random_weights_are_explained_by_chance():
    found = look(normal(400, 2, 15, 15).tril())
    assert found.chance == pytest.approx(2 / 16)
    np.testing.assert_allclose(found.share, found.chance, rtol=0.05)
    assert found.common.max() < 0.01, "one kernel cannot suit random weights of many sequences"


def test_sequences_with_kernels_of_their_own():
    """Each is Toeplitz; but with opposite kernels there is nothing in common."""
    weight = matrix([1.0, 2.0, 3.0])
    found = look(torch.stack([weight, -weight])[:, None])
    assert (found.share[0], found.common[0]) == (pytest.approx(1), pytest.approx(0, abs=1e-12))
    found = look(torch.stack([weight, 0 * weight])[:, None])
    assert (found.share[0], found.common[0]) == (pytest.approx(1), pytest.approx(0.5))


def test_heads_weigh_by_their_energy_and_nothing_is_nothing():
    one, none = torch.eye(4), torch.zeros(4, 4)
    other = torch.diag(torch.tensor([0.0, 0, 0, 3]))
    found = look(torch.stack([one, other, none])[None])
    np.testing.assert_allclose(found.share, [1, 0.25, 0])
    assert found.whole == pytest.approx((4 + 9 / 4) / (4 + 9))


X = normal(2, 12, 3)
CONVOLUTIONS = {
    "ring": Ring,
    "line attractor": LineAttractor,
    "memory without gate": functools.partial(FSMN, gated=False),
    "linear wave": functools.partial(WaveRNN, activation=Activation.IDENTITY),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_linear_layers_that_do_not_look_are_toeplitz(name: str):
    found = toeplitz(generic(CONVOLUTIONS[name], 4, 3), X)
    np.testing.assert_allclose(found.share, 1)
    np.testing.assert_allclose(found.common, 1)
    assert found.whole == pytest.approx(1)


@pytest.mark.parametrize("kind", [FSMN, SoftmaxAttention, LSTM, WaveRNN])
def test_gates_attention_and_nonlinear_layers_are_less(kind: type[Layer]):
    found = toeplitz(generic(kind, 4, 3), X)
    assert (found.share < 1 - 1e-4).all() and (found.share > 0).all()
    assert (found.common <= found.share + 1e-12).all()


def test_nothing_needs_a_gradient():
    found = toeplitz(generic(Ring, 4, 3), X)
    assert [type(part) for part in found] == [np.ndarray, np.ndarray, np.ndarray, float, float]
    assert found.kernel.shape == (4, 12) and found.share.shape == found.common.shape == (4,)


def test_two_sequences_of_two_heads_by_hand():
    """Kernels are means over the sequences; shares by head, and over both heads."""
    weight = torch.zeros(2, 2, 2, 2).double()
    weight[0, 0] = torch.tensor([[1.0, 0.0], [10.0, 3.0]])
    weight[1, 0] = torch.tensor([[5.0, 0.0], [-2.0, 5.0]])
    weight[1, 1] = torch.tensor([[0.0, 0.0], [0.0, 4.0]])
    found = look(weight)
    np.testing.assert_allclose(found.kernel, [[3.5, 4], [1, 0]])
    energy = np.array([1 + 9 + 100 + 25 + 25 + 4, 16])
    np.testing.assert_allclose(found.share, np.array([8 + 100 + 50 + 4, 8]) / energy)
    np.testing.assert_allclose(found.common, np.array([14**2 / 4 + 8**2 / 2, 4**2 / 4]) / energy)
    assert found.whole == pytest.approx(170 / energy.sum()) and found.chance == pytest.approx(2 / 3)
