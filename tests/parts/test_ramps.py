"""Converters: errors of half a step, thresholds, what errors of cells add up to, and equal steps."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts import ramps
from wavetrain.parts.ramps import ELU, SIGMOID, SOFTSIGN, TANH, Monotone

FUNCTIONS = {"tanh": TANH, "sigmoid": SIGMOID, "softsign": SOFTSIGN, "elu": ELU}
IDENTITY = Monotone(-1, 1, lambda v: v.clamp(-1, 1), lambda y: y)
VOLTAGES = torch.linspace(-8, 8, 20_001, dtype=torch.float64)


@pytest.mark.parametrize("bits", [2, 4, 5, 8])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_exact_ramp_is_wrong_by_at_most_half_a_step(name: str, bits: int):
    function = FUNCTIONS[name]
    step = (function.high - function.low) / 2**bits
    v = torch.cat(
        [VOLTAGES, function.inverse(torch.tensor([function.low + step / 100], dtype=torch.float64))]
    )
    error = (ramps.rounded(v, ramps.thresholds(function, bits), function) - function.value(v)).abs() / step
    assert 0.49 < float(error.max()) <= 0.5 + 1e-9


@pytest.mark.parametrize("name", FUNCTIONS)
def test_codes_rise_and_all_of_them_occur(name: str):
    function = FUNCTIONS[name]
    where = ramps.thresholds(function, 4)
    assert len(where) == 15 and (where.diff() > 0).all()
    v = torch.linspace(float(where[0]) - 1, float(where[-1]) + 1, 5000, dtype=torch.float64)
    y = ramps.rounded(v, where, function)
    assert (y.diff() >= 0).all() and len(y.unique()) == 16
    assert torch.equal(ramps.rounded(where, where, function), y.unique()[:15])  # a threshold is not yet above


def test_ramps_of_tanh_and_sigmoid_are_one_and_antisymmetric():
    tanh, sigmoid = ramps.thresholds(TANH, 6), ramps.thresholds(SIGMOID, 6)
    torch.testing.assert_close(sigmoid, 2 * tanh)
    torch.testing.assert_close(tanh, -tanh.flip(0))


@pytest.mark.parametrize(("bits", "ratio"), [(4, 3.03), (5, 5.80), (6, 11.34), (8, 44.6)])
def test_range_of_conductances(bits: int, ratio: float):
    steps = ramps.thresholds(TANH, bits).diff()
    assert float(steps.max() / steps.min()) == pytest.approx(ratio, abs=0.05)


@pytest.mark.parametrize(
    ("bits", "errors"),
    [(5, {0.0: 0.307, 0.02: 0.308, 0.05: 0.311, 0.1: 0.318}), (8, {0.0: 0.251, 0.02: 0.258, 0.05: 0.281})],
)
def test_mean_errors_of_the_sigmoid(bits: int, errors: dict[float, float]):
    """Measured by another program: uniform voltages from -8 to 8, the middle threshold right."""
    exact = ramps.thresholds(SIGMOID, bits)
    noise = torch.randn(100, 2**bits - 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    v = VOLTAGES[::10].contiguous()
    for error, wanted in errors.items():
        found = [
            (ramps.rounded(v, where, SIGMOID) - v.sigmoid()).abs().mean() * 2**bits
            for where in ramps.programmed(exact, error * noise)
        ]
        assert float(torch.stack(found).mean()) == pytest.approx(wanted, abs=0.01)


def test_errors_of_cells_add_up_from_the_threshold_that_is_right():
    exact = ramps.thresholds(TANH, 4)
    error = torch.zeros(14, dtype=torch.float64)
    error[3] = 0.5
    moved = 0.5 * (exact[4] - exact[3])
    first, middle = (ramps.programmed(exact, error, middle=one) - exact for one in (False, True))
    torch.testing.assert_close(first, torch.tensor([0.0] * 4 + [1.0] * 11).double() * moved)
    torch.testing.assert_close(middle, torch.tensor([-1.0] * 4 + [0.0] * 11).double() * moved)
    torch.testing.assert_close(ramps.programmed(exact, 0 * error), exact)
    dead = ramps.programmed(exact, -3 * torch.ones(14).double())
    assert (dead == exact[7]).all()  # no cell conducts: all thresholds are the middle one


def test_equal_steps():
    v = torch.tensor([-9.0, -8.0, -0.1, 0.1, 7.9, 8.0, 9.0]).double()
    found = ramps.linear(v, 8.0, 4, IDENTITY)
    assert found.tolist() == [-1, -1, -0.5, 0.5, 1, 1, 1]  # middles of -7.5, -0.5, 0.5 and 7.5, cut off
    found = ramps.linear(v, 1.0, 4, IDENTITY)
    torch.testing.assert_close(found[2:4], torch.tensor([-0.0625, 0.0625]).double())
    same = torch.linspace(-0.99, 0.99, 500).double()  # for the identity a ramp has equal steps
    ramp = ramps.rounded(same, ramps.thresholds(IDENTITY, 5), IDENTITY)
    torch.testing.assert_close(ramp, ramps.linear(same, 1.0, 5, IDENTITY))


def test_gradients_are_those_of_the_function():
    v = torch.linspace(-3, 3, 50, dtype=torch.float64, requires_grad=True)
    rounded = ramps.rounded(v.detach(), ramps.thresholds(TANH, 3), TANH)
    y = ramps.straight(v, rounded, TANH)
    torch.testing.assert_close(y, rounded)
    (slope,) = torch.autograd.grad(y.sum(), v)
    torch.testing.assert_close(slope, 1 - v.detach().tanh() ** 2)


@pytest.mark.parametrize("bits", [1, 17, 4.0])
def test_bits_that_no_converter_has(bits):
    with pytest.raises(BadInput, match="a converter of 2 to 16 bits"):
        ramps.thresholds(TANH, bits)
