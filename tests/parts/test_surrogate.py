"""Surrogates: their formulas at known places, their areas and peaks, and what PyTorch makes of them."""

import math

import pytest
import torch

from wavetrain.core.surrogate import Smooth, Surrogate
from wavetrain.errors import BadInput
from wavetrain.parts.surrogate import Arctan, Boxcar, FastSigmoid, MultiGaussian, Sigmoid, Triangle, Zero

ALL = [Arctan(), FastSigmoid(), Sigmoid(), Boxcar(), Triangle(), MultiGaussian(), Zero()]
OTHERS = [Arctan(5.0), FastSigmoid(100.0), Sigmoid(25.0), Boxcar(0.25), Triangle(0.7)]
OTHERS += [MultiGaussian(2.0, 0.3, 4.0, 0.2)]
EACH = pytest.mark.parametrize("surrogate", [*ALL, *OTHERS], ids=repr)
PLACES = [-100.0, -5.0, -0.1, 0.0, 0.1, 5.0, 100.0]


def normal(x: float, mean: float, spread: float) -> float:
    return math.exp(-(((x - mean) / spread) ** 2) / 2) / (spread * math.sqrt(2 * math.pi))


FORMULAS = [
    (Arctan(2.0), lambda x: 1 / (1 + (math.pi * x) ** 2)),
    (Arctan(5.0), lambda x: 2.5 / (1 + (math.pi / 2 * 5 * x) ** 2)),
    (FastSigmoid(25.0), lambda x: 1 / (1 + 25 * abs(x)) ** 2),
    (Sigmoid(25.0), lambda x: 25 * math.exp(-25 * abs(x)) / (1 + math.exp(-25 * abs(x))) ** 2),
    (Boxcar(0.25), lambda x: float(abs(x) <= 0.25)),
    (Triangle(0.3), lambda x: 0.3 * max(0, 1 - abs(x))),
    (
        MultiGaussian(),
        lambda x: 0.5 * (1.15 * normal(x, 0, 0.5) - 0.15 * (normal(x, 0.5, 3) + normal(x, -0.5, 3))),
    ),
]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize(("surrogate", "formula"), FORMULAS, ids=[repr(one) for one, _ in FORMULAS])
def test_the_derivative_is_the_formula(surrogate: Surrogate, formula, dtype: torch.dtype) -> None:
    """At far places too: finite, even, and as small as the type can say."""
    x = torch.tensor(PLACES, dtype=dtype)
    found = surrogate.derivative(x)
    assert found.dtype == dtype and found.isfinite().all() and found.equal(found.flip(0))
    expected = torch.tensor([formula(float(place)) for place in x], dtype=torch.float64)
    rtol, atol = (4e-3, 1e-4) if dtype == torch.float16 else (1e-6, 1e-7)
    torch.testing.assert_close(found.double(), expected, rtol=rtol, atol=atol)


def test_values_that_others_report() -> None:
    """Of a sigmoid with slope 25, a fast sigmoid with 25, and an arctan with 2."""
    x = torch.tensor([0.0, 0.1], dtype=torch.float64)
    for surrogate, expected in (
        (Sigmoid(25.0), [6.25, 1.752593]),
        (FastSigmoid(25.0), [1.0, 0.0816327]),
        (Arctan(2.0), [1.0, 0.910170]),
    ):
        assert surrogate.derivative(x).tolist() == pytest.approx(expected, abs=1e-6)
    assert Sigmoid(25.0).derivative(torch.tensor([-5.0, 100.0])).tolist() == pytest.approx([0, 0], abs=1e-30)


@EACH
def test_area_and_peak(surrogate: Surrogate) -> None:
    """The smooth threshold climbs by the area; the derivative at the threshold is the peak, the largest."""
    far = torch.tensor([-1e9, 1e9], dtype=torch.float64)
    low, high = surrogate.smooth(far).tolist()
    assert (low, high) == pytest.approx((0, surrogate.area), abs=1e-8)
    x = torch.arange(-30_000, 30_001, dtype=torch.float64) / 10_000
    assert float(surrogate.derivative(x).max()) == pytest.approx(surrogate.peak, abs=1e-15)
    assert float(surrogate.derivative(x[30_000])) == pytest.approx(surrogate.peak, abs=1e-15)


@pytest.mark.parametrize(
    ("surrogate", "area", "peak"),
    [
        (Arctan(3.0), 1, 1.5),
        (FastSigmoid(25.0), 0.08, 1),
        (Sigmoid(4.0), 1, 1),
        (Boxcar(0.5), 1, 1),
        (Triangle(0.3), 0.3, 0.3),
        (MultiGaussian(), 0.425, None),
        (Zero(), 0, 0),
    ],
    ids=repr,
)
def test_known_areas_and_peaks(surrogate: Surrogate, area: float, peak: float | None) -> None:
    assert surrogate.area == pytest.approx(area) and (peak is None or surrogate.peak == pytest.approx(peak))


@EACH
def test_the_smooth_threshold_has_that_derivative(surrogate: Surrogate) -> None:
    x = torch.tensor([-2.0, -0.6, -0.2, -0.01, 0.02, 0.3, 0.7, 3.0], dtype=torch.float64)
    watched = x.clone().requires_grad_()
    value = Smooth(surrogate)(watched)
    (slope,) = torch.autograd.grad(value.sum(), watched)
    torch.testing.assert_close(slope, surrogate.derivative(x), rtol=1e-12, atol=1e-14)
    differences = (surrogate.smooth(x + 1e-6) - surrogate.smooth(x - 1e-6)) / 2e-6
    torch.testing.assert_close(differences, surrogate.derivative(x), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@EACH
def test_spikes_are_the_same_for_all(surrogate: Surrogate, dtype: torch.dtype) -> None:
    """Exactly 0 or 1; none on the threshold; what is not a number is not hidden."""
    tiny = torch.finfo(dtype).tiny
    x = torch.tensor([-torch.inf, -5, -tiny, 0, tiny, 0.3, 1, 1.5, torch.inf, torch.nan], dtype=dtype)
    spikes = surrogate(x)
    assert spikes.dtype == dtype and spikes[:-1].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert spikes[-1].isnan()


@EACH
def test_all_that_pytorch_can_take_is_of_the_derivative(surrogate: Surrogate) -> None:
    """Backward, forward mode, one a row, and second derivatives."""
    x = torch.tensor([-0.7, -0.3, 0.1, 0.4], dtype=torch.float64)
    slope = surrogate.derivative(x)
    torch.testing.assert_close(torch.func.jvp(surrogate, (x,), (2 * torch.ones_like(x),))[1], 2 * slope)
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(surrogate))(x), slope)
    second = torch.func.vmap(torch.func.grad(torch.func.grad(surrogate)))(x)
    expected = torch.func.vmap(torch.func.grad(surrogate.derivative))(x)
    torch.testing.assert_close(second, expected)


@pytest.mark.parametrize("kind", [Arctan, FastSigmoid, Sigmoid, Boxcar, Triangle, MultiGaussian])
@pytest.mark.parametrize("bad", [0.0, -1.0, math.inf, math.nan])
def test_constants_that_are_not_above_zero_are_refused(kind: type, bad: float) -> None:
    with pytest.raises(BadInput, match=f"{kind.__name__}: expected .* above 0, got {bad}"):
        kind(bad)
