"""Lyapunov exponents that are known: of linear maps, of the logistic map, of Lorenz's flow."""

import numpy as np
import pytest
import torch

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.lenses.dynamics import _growth
from wavetrain.lenses.dynamics._map import Map, Scaled
from wavetrain.lenses.dynamics.lyapunov import _above, _dimension, lyapunov


def lorenz(h: torch.Tensor) -> torch.Tensor:
    """The slope of the flow (10, 28, 8/3)."""
    x, y, z = h.unbind(-1)
    return torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], -1)


def stepped(h: torch.Tensor, dt: float = 0.01) -> torch.Tensor:
    """Runge and Kutta's step."""
    a = lorenz(h)
    b = lorenz(h + dt / 2 * a)
    c = lorenz(h + dt / 2 * b)
    return h + dt / 6 * (a + 2 * b + 2 * c + lorenz(h + dt * c))


def test_a_diagonal_map_from_a_frame_at_random():
    """The frame settles before the growth is counted, and the largest come first."""
    shrink = torch.tensor([0.5, 0.99, 0.9], dtype=torch.float64)
    found = lyapunov(lambda h: shrink * h, torch.ones(1, 3), steps=200)
    np.testing.assert_allclose(found.exponents, np.log([0.99, 0.9, 0.5]), atol=1e-6)
    hasty = lyapunov(lambda h: shrink * h, torch.ones(1, 3), steps=200, warm=0)
    assert np.abs(hasty.exponents - found.exponents).max() > 1e-4, (
        "the warm-up of the frame is no longer needed"
    )


def test_a_linear_map_has_the_logarithms_of_its_eigenvalues():
    matrix = 0.4 * normal(6, 6)
    found = lyapunov(lambda h: h @ matrix.T, torch.zeros(1, 6), steps=2000, warm=500)
    values = np.log(np.sort(np.abs(np.linalg.eigvals(matrix.numpy())))[::-1])
    np.testing.assert_allclose(found.exponents, values, atol=5e-3)
    assert found.exponents.sum() == pytest.approx(np.linalg.slogdet(matrix.numpy())[1], abs=1e-9)


def test_turns_neither_grow_nor_shrink():
    turn = torch.linalg.qr(normal(5, 5))[0]
    assert np.abs(lyapunov(lambda h: h @ turn, normal(2, 5), steps=50).exponents).max() < 1e-12
    found = lyapunov(lambda h: 0.7 * h @ turn, normal(2, 5), steps=50)
    np.testing.assert_allclose(found.exponents, np.log(0.7), atol=1e-12)
    assert found.dimension == 0 and found.entropy == 0 and found.p > 0.99


def test_the_logistic_map_doubles():
    found = lyapunov(lambda h: 4 * h * (1 - h), torch.tensor([[0.3], [0.41]]), steps=4000)
    assert found.exponents[0] == pytest.approx(np.log(2), abs=0.01)
    assert abs(found.exponents[0] - np.log(2)) < 4 * found.error[0]
    assert found.p < 1e-6 and found.dimension == 1 and found.entropy == pytest.approx(found.exponents[0])


def test_the_flow_of_lorenz_has_a_neutral_direction():
    """(0.906, 0, -14.572), of sum -(10 + 1 + 8/3); the rate makes it per unit of time."""
    start = torch.tensor([[1.0, 1, 20], [-5, 2, 15], [3, -8, 30], [0.1, 4, 12]])
    found = lyapunov(stepped, start, steps=4000, warm=1000, rate=100.0)
    assert found.exponents.sum() == pytest.approx(-(10 + 1 + 8 / 3), abs=0.02)
    assert abs(found.exponents[1]) < 0.03
    assert found.exponents[0] == pytest.approx(0.906, abs=0.05)
    assert found.exponents[2] == pytest.approx(-14.572, abs=0.05)
    assert found.dimension == pytest.approx(2.062, abs=0.01) and found.p < 0.001
    assert found.each.shape == (4, 3) and found.stretches.shape == (40, 3)


def test_random_networks_become_chaotic_above_a_gain_of_one():
    """h' = tanh(g W h), 100 units: below 1 all directions shrink, well above it some grow."""
    weight = normal(100, 100) / 10
    for gain, chaotic in {0.5: False, 0.9: False, 2.0: True, 3.0: True}.items():
        found = lyapunov(
            lambda h, gain=gain: torch.tanh(gain * h @ weight.T), normal(1, 100, seed=3), steps=300, count=8
        )
        assert (found.exponents[0] > 0) == chaotic, gain
        assert (found.p < 0.05) == chaotic, gain


def test_directions_without_growth_pass_as_often_as_the_test_says():
    """Gains at random whose logarithm has mean 0: 0.05 of 200, and what chance leaves."""
    passed = 0
    for seed in range(200):
        gains = torch.exp(0.3 * normal(120, 1, seed=seed))
        found = lyapunov(lambda h, x: h * x, torch.ones(1, 1), gains, steps=100, warm=20)
        passed += found.p < 0.05
    assert 2 <= passed <= 21


def test_error_is_as_large_as_the_spread_over_runs():
    found = [
        lyapunov(
            lambda h, x: h * x, torch.ones(1, 1), torch.exp(0.3 * normal(120, 1, seed=s)), steps=100, warm=20
        )
        for s in range(100)
    ]
    spread = np.std([one.exponents[0] for one in found])
    assert np.mean([one.error[0] for one in found]) == pytest.approx(spread, rel=0.15)


def test_inputs_drive_the_layer_they_are_given_to():
    torch.manual_seed(0)
    layer = Elman(4, inputs=3).double()
    x = normal(60, 3)
    found = lyapunov(layer, torch.zeros(1, 4), x, steps=40, warm=20)
    last = layer(x[None])[1]
    np.testing.assert_allclose(found.last, last.detach().numpy(), atol=1e-12)
    quiet = lyapunov(layer, torch.zeros(1, 4), steps=40, warm=20)
    assert not np.allclose(quiet.exponents, found.exponents)
    assert lyapunov(layer, torch.zeros(1, 4), x, steps=40, warm=20, count=2).dimension == 0


def test_a_direction_that_is_forgotten_at_once_has_minus_infinity():
    found = lyapunov(lambda h: h * torch.tensor([0.5, 0.0]), torch.ones(1, 2), steps=20)
    assert found.exponents[1] == -np.inf and found.exponents[0] == pytest.approx(np.log(0.5))


def test_of_a_part_of_the_spectrum_that_grows_the_dimension_is_not_known():
    found = lyapunov(lambda h: h * torch.tensor([1.1, 1.05, 0.5]), torch.zeros(1, 3), steps=20, count=2)
    assert np.isnan(found.dimension)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"steps": 9}, "10 steps or more"),
        ({"warm": -1}, "a warm-up of 0 or more"),
        ({"rate": 0.0}, "a rate above 0"),
        ({"count": 5}, "a count from 1 to 4, got 5"),
        ({"count": 0}, "a count from 1 to 4, got 0"),
        ({"x": normal(50, 3)}, r"inputs x \(1200 or more, inputs\), .* got \(50, 3\)"),
        ({"x": normal(3)}, r"inputs x \(1200 or more, inputs\)"),
        ({"x": normal(1200, 2)}, "an input of 3 channels, got 2"),
    ],
)
def test_what_does_not_fit_is_refused(words, message):
    with pytest.raises(BadInput, match=message):
        lyapunov(Elman(4, inputs=3), torch.zeros(1, 4), **words)


def test_a_trajectory_that_explodes_is_refused():
    with pytest.raises(BadInput, match="expected a finite trajectory; it is not after step"):
        lyapunov(lambda h: h**2 * 3, torch.ones(1, 1))


def test_error_and_stretches_of_gains_that_are_known():
    """Ten means of ten logarithms each, without those of the warm-up, times the rate."""
    gains = torch.exp(0.3 * normal(121, 1))
    found = lyapunov(lambda h, x: h * x, torch.ones(1, 1), gains, steps=100, warm=20, rate=2.0)
    means = 2 * gains[20:120].log().reshape(10, 10).mean(1).numpy()
    np.testing.assert_allclose(found.stretches[:, 0], means)
    assert found.exponents[0] == pytest.approx(means.mean())
    assert found.error[0] == pytest.approx(means.std(ddof=1) / 10**0.5)


@pytest.mark.parametrize(
    ("mean", "error", "p"),
    [
        (1.0, 1.0, 0.25),  # of two stretches, where Student's law is Cauchy's
        (-1.0, 1.0, 0.75),
        (0.5, 0.5 / 3**0.5, 0.5 - np.arctan(3**0.5) / np.pi),
        (0.0, 0.0, 0.5),
        (0.2, 0.0, 0.0),
        (-0.2, 0.0, 1.0),
        (-np.inf, np.nan, 1.0),
    ],
)
def test_p_of_a_largest_exponent(mean: float, error: float, p: float):
    assert _above(mean, error, 2) == pytest.approx(p)


@pytest.mark.parametrize(
    ("exponents", "whole", "dimension"),
    [
        ([-0.1, -0.2], True, 0.0),
        ([0.9, 0.0, -14.5], True, 2 + 0.9 / 14.5),
        ([1.0, -0.5, -2.0], False, 2.25),
        ([1.0, -1.0, -2.0], True, 2.0),
        ([1.0, -1.0], True, 2.0),
        ([1.0, -1.0], False, np.nan),
        ([0.0], True, 1.0),
        ([0.5, -np.inf], True, 1.0),
    ],
)
def test_dimension_of_kaplan_and_yorke(exponents: list[float], whole: bool, dimension: float):
    assert _dimension(np.array(exponents), whole) == pytest.approx(dimension, nan_ok=True)


def test_long_trajectories_are_walked_in_pieces(monkeypatch):
    torch.manual_seed(0)
    layer, x, starts = Elman(3, inputs=2), normal(50, 2), normal(2, 3, seed=1)
    one = lyapunov(layer, starts, x, steps=40, warm=10)
    monkeypatch.setattr(_growth, "CHUNK", 7 * 2 * 3**2)  # seven steps, and one at the end
    two = lyapunov(layer, starts, x, steps=40, warm=10)
    np.testing.assert_allclose(one.each, two.each, atol=1e-12)
    np.testing.assert_allclose(one.last, two.last, atol=1e-12)


def test_trajectories_are_told_one_by_one_and_their_stretches_together():
    """h' = 1 / h, of slope -1 / h^2: from 2 it grows by -2 ln 2 and by 2 ln 2 in turn, from 1 never."""
    found = lyapunov(lambda h: 1 / h, torch.tensor([[1.0], [2.0]]), steps=10, warm=0, rate=3.0)
    size = 6 * np.log(2)
    wanted = np.array([[0.0, (-1) ** (t + 1) * size] for t in range(10)]).reshape(20, 1)
    np.testing.assert_allclose(found.stretches, wanted, atol=1e-12)
    np.testing.assert_allclose(found.each, [[0], [0]], atol=1e-12)
    assert found.error[0] == pytest.approx(size * (10 / 19) ** 0.5 / 20**0.5)
    assert found.p == pytest.approx(0.5) and found.last.tolist() == [[1.0], [2.0]]
    later = lyapunov(lambda h: 1 / h, torch.tensor([[2.0]]), steps=11, warm=1)
    assert later.exponents[0] == pytest.approx(2 * np.log(2) / 11), "the last one grows"


def test_exponents_of_all_trajectories_are_in_one_order():
    """Two runs, of which each has another largest; the mean says which is first, for all alike."""
    gains = torch.tensor([[0.5, 2.0], [0.25, 0.125]]).double()
    marked = torch.tensor([[1.0, 0.0], [0.0, 0.0]]).double()  # the first run is at 1, the second at 0

    def system(h):
        slope = torch.where(h[:, :1].detach() > 0.5, gains[0], gains[1])
        return h.detach() + slope * (h - h.detach())

    found = lyapunov(system, marked, steps=20, warm=60)
    np.testing.assert_allclose(found.each, np.log([[2, 0.5], [0.25, 0.125]]), atol=1e-6)
    np.testing.assert_allclose(found.exponents, np.log([0.5, 0.0625]) / 2, atol=1e-6)
    assert found.entropy == 0 and found.dimension == 0 and found.stretches.shape == (20, 2)
    np.testing.assert_array_equal(found.last, marked)


def test_entropy_is_the_sum_of_those_above_zero():
    found = lyapunov(lambda h: h * torch.tensor([3.0, 2.0, 0.5]), torch.zeros(1, 3), steps=10, rate=2.0)
    np.testing.assert_allclose(found.exponents, 2 * np.log([3, 2, 0.5]), atol=1e-6)
    assert found.entropy == pytest.approx(2 * np.log(6)) and found.dimension == 3 and found.p < 1e-9


def test_states_are_walked_at_their_size_with_and_without_a_frame():
    """h' = h / 2 + x from 1000 on: the states before each step, the last, and ln 1/2."""
    drive = torch.tensor([[1.0], [2.0], [3.0]]).double()
    rows = torch.tensor([[1000.0], [-8.0]]).double()
    map = Scaled(Map("here", lambda h, x: h / 2 + x, drive[0]), rows)
    wanted = [[1000, 501, 252.5, 129.25], [-8, -3, 0.5, 3.25]]
    for count in (0, 1):
        growth, seen, last = _growth.along(map, rows, drive, 3, count)
        np.testing.assert_allclose(seen[..., 0], [row[:3] for row in wanted])
        np.testing.assert_allclose(last[:, 0], [row[3] for row in wanted])
        np.testing.assert_allclose(growth, np.full((2, 3, count), np.log(0.5)))


def test_the_step_at_which_a_trajectory_ends_is_told():
    """Doubled from 2^1000 on, the 24th is infinite."""
    with pytest.raises(BadInput, match="lyapunov: expected a finite trajectory; it is not after step 24"):
        lyapunov(
            lambda h: torch.where(h < 2.0**1023, 2 * h, torch.inf), torch.tensor([[2.0]]).double() ** 1000
        )
