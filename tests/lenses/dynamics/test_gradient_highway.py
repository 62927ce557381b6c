"""Gradient against distance where it is known: orthogonal decay, attention to a match and to all alike."""

import functools

import numpy as np
import pytest
import torch

from tests.promises import generic, normal
from wavetrain.core import tangent
from wavetrain.errors import BadInput
from wavetrain.layers.attention.linear_attention import LinearAttention
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.state_space.lru import LRU
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.layers.wave.wave_rnn import Start, WaveRNN
from wavetrain.lenses.dynamics.gradient_highway import gradient_highway
from wavetrain.scan import Activation

WIDTH, TIME = 4, 256


def linear_wave(rate: float) -> WaveRNN:
    """h_t = rate * (h_{t-1} moved by one position) + drive: an orthogonal system, shrunk."""
    layer = WaveRNN(WIDTH, inputs=WIDTH, activation=Activation.IDENTITY, start=Start(zero_bias=True)).double()
    with torch.no_grad():
        layer.kernel.mul_(rate)
        layer.encode.weight.copy_(torch.eye(WIDTH))
    return layer


@pytest.mark.parametrize("rate", [1.0, 0.9, 0.5])
def test_orthogonal_system_decays_by_its_rate(rate: float):
    """0.9 at distance 1, 0.656 at 4, 0.185 at 16, 0.0012 at 64, 7e-10 at 200."""
    found = gradient_highway(linear_wave(rate), normal(2, 201, WIDTH))
    np.testing.assert_allclose(found.norm, np.tile(rate ** np.arange(201.0), (2, 1)), rtol=1e-9)
    np.testing.assert_allclose(found.profile, found.norm[0], rtol=1e-9)
    assert found.rate == pytest.approx(rate) and found.lasting == pytest.approx(rate**199)


def attention() -> SoftmaxAttention:
    """One head without positions, all maps the identity."""
    layer = SoftmaxAttention(WIDTH, heads=1, rotary=False).double()
    with torch.no_grad():
        layer.project.weight.copy_(torch.eye(WIDTH).repeat(3, 1))
        layer.out.weight.copy_(torch.eye(WIDTH))
        layer.project.bias.zero_()
        layer.out.bias.zero_()
    return layer


def matched(distance: int, feature: float) -> torch.Tensor:
    """Noise of size 0.1, but for one feature that the last step and one before it share."""
    x = 0.1 * normal(1, TIME, WIDTH)
    x[:, -1, 0] = x[:, -1 - distance, 0] = feature
    return x


def test_attention_has_a_highway_for_tokens_that_match():
    """With a score of 8^2 / 2 above the others the two share all weight: 1/2 at each distance.

    The token itself is not told from its partner, so that of the weights' own gradient nothing is left
    along the feature; across it remains the noise of the two.
    """
    sizes = [gradient_highway(attention(), matched(d, 8.0)).norm[0, d] for d in (1, 4, 16, 64, 200)]
    assert max(sizes) / min(sizes) < 1.3 and min(sizes) > 0.45


def test_attention_has_none_for_tokens_that_are_alike():
    """Equal tokens get 1 / T each, at all distances; with twice the tokens, half of it."""
    layer = attention()
    for time in (32, 64):
        found = gradient_highway(layer, torch.zeros(1, time, WIDTH).double())
        np.testing.assert_allclose(found.norm, 1 / time)
        assert found.rate == pytest.approx(1) and found.lasting == pytest.approx(1)


@pytest.mark.parametrize("kind", [SoftmaxAttention, LinearAttention, LRU, Mamba, Elman, GRU])
def test_is_the_norm_of_the_tangent(kind: type):
    """Reverse mode through `forward`, against forward mode through `step`."""
    layer, x = generic(kind, 4, 3), normal(2, 9, 3)
    with torch.no_grad():
        blocks = tangent(layer.step, x, layer.begin(2))[:, -1]  # (B, D, T, I)
    expected = torch.linalg.matrix_norm(blocks.transpose(1, 2), 2).flip(1)
    np.testing.assert_allclose(gradient_highway(layer, x).norm, expected, rtol=1e-8)


def test_stable_system_stays_under_its_bound():
    """|d y_i / d x_j| <= |C| |B| rho^(i-j) for every input and distance above 0."""
    layer = generic(functools.partial(LRU, largest=0.95), 4, 4)
    rate = float((-layer.nu.exp()).exp().max().detach())
    read, write = torch.complex(*layer.c), torch.complex(*layer.b) * layer.log_gamma.exp()[:, None]
    size = float((torch.linalg.matrix_norm(read, 2) * torch.linalg.matrix_norm(write, 2)).detach())
    found = gradient_highway(layer, normal(1, 100, 4))
    distance = np.arange(1, 100)
    assert (found.norm[0, 1:] <= size * rate**distance * (1 + 1e-9)).all()
    assert found.rate < rate + 1e-3


def test_gradients_that_end_have_the_rate_of_those_there_are_and_do_not_last():
    """y_t = sum_d 0.5^d x_(t-d) for d up to 3, by hand; and a delay, which has nothing at distance 1."""

    class Taps(Elman):
        def __init__(self, taps: list[float]):
            super().__init__(1)
            self.taps = taps

        def whole(self, x, state):
            return sum(size * x.roll(d, 1) for d, size in enumerate(self.taps)), state

    found = gradient_highway(Taps([1.0, 0.5, 0.25, 0.125]), normal(2, 9, 1))
    np.testing.assert_allclose(found.profile, [1, 0.5, 0.25, 0.125, 0, 0, 0, 0, 0])
    assert found.rate == pytest.approx(0.5) and found.lasting == 0
    delay = gradient_highway(Taps([0.0, 0, 0, 1]), normal(2, 9, 1))
    np.testing.assert_allclose(delay.profile, np.eye(9)[3])
    assert np.isnan(delay.rate) and np.isnan(delay.lasting)


def test_few_steps_have_no_rate():
    found = gradient_highway(linear_wave(0.5), normal(1, 2, WIDTH))
    np.testing.assert_allclose(found.profile, [1, 0.5])
    assert np.isnan(found.rate) and np.isnan(found.lasting)


def test_leaves_no_gradient_and_works_without_grad_mode():
    layer = generic(Elman, 4, 3)
    with torch.no_grad():
        found = gradient_highway(layer, normal(2, 9, 3))
    assert all(parameter.grad is None for parameter in layer.parameters())
    assert [type(part) for part in found] == [np.ndarray, np.ndarray, float, float]


def test_bad_input():
    with pytest.raises(BadInput, match=r"expected x \(batch, time, 3\)"):
        gradient_highway(generic(Elman, 4, 3), normal(2, 9, 2))


class Squares(Elman):
    """y_t is half the sum of the squares of what came up to t: d y_T / d x_s = x_s."""

    def whole(self, x, state):
        return (x**2).cumsum(1) / 2, state


def test_profile_is_the_geometric_mean_and_the_rate_is_that_of_its_line():
    """Sizes 1, 2, 8 back from the last step, and 4, 8, 2: their means are 2, 4, 4, without sign."""
    x = torch.tensor([[8.0, -2.0, 1.0], [2.0, 8.0, -4.0]]).double()[..., None]
    found = gradient_highway(Squares(1), x)
    np.testing.assert_allclose(found.norm, [[1, 2, 8], [4, 8, 2]])
    np.testing.assert_allclose(found.profile, [2, 4, 4])
    assert found.rate == pytest.approx(1) and found.lasting == pytest.approx(1)
    four = torch.tensor([2.0, 8.0, 4.0, 7.0])[None, :, None].double()  # back: 7, 4, 8, 2
    found = gradient_highway(Squares(1), four)
    assert found.rate == pytest.approx(2**-0.5) and found.lasting == pytest.approx(0.5)


def test_where_one_sequence_has_no_gradient_the_mean_has_none():
    x = torch.tensor([[3.0, 0.0, 1.0, 5.0], [3.0, 4.0, 9.0, 5.0], [3.0, 4.0, 3.0, 5.0]]).double()[..., None]
    found = gradient_highway(Squares(1), x)
    np.testing.assert_allclose(found.profile, [5, 3, 0, 3])
    assert found.rate == pytest.approx(1) and found.lasting == pytest.approx(1)
    none = gradient_highway(Squares(1), x[:1, 1:])  # only at distances 0 and 1
    np.testing.assert_allclose(none.profile, [5, 1, 0])
    assert np.isnan(none.rate) and none.lasting == 0


def test_size_is_the_spectral_norm():
    """Of two channels in and two out: the sum of outer products with singular values 3 and 4."""
    mixing = torch.tensor([[0.0, -4.0], [3.0, 0.0]]).double()

    class Mixing(Elman):
        def whole(self, x, state):
            return x.cumsum(1) @ mixing.T, state

    found = gradient_highway(Mixing(2), normal(1, 3, 2))
    np.testing.assert_allclose(found.norm, [[4, 4, 4]])
