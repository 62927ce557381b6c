"""The exponential and the logistic function of the kernels: the whole range, its ends, and beyond them."""

import math

import numpy as np
import pytest

from wavetrain.scan.cpu.compiled import exp, sigmoid

LOG2 = math.log(2)
KINDS = [(np.float32, -126, 127, 2**-24), (np.float64, -1022, 1023, 2**-53)]  # least and most power of 2
every_kind = pytest.mark.parametrize(("kind", "least", "most", "unit"), KINDS)


def applied(function, z: np.ndarray) -> np.ndarray:
    return np.array([function(one, z[:1]) for one in z], z.dtype)


@every_kind
def test_the_exponential_in_its_range(kind: type, least: int, most: int, unit: float):
    """About |z| units in the last place, which rounding z costs in any case; two more near zero."""
    z = np.concatenate([np.linspace(least * LOG2 + 1e-3, most * LOG2 - 1e-3, 701), [-0.35, -1e-9, 0, 1e-9]])
    z = z.astype(kind)
    found, exact = applied(exp, z).astype(float), np.exp(z.astype(np.longdouble))
    error = np.abs((found - exact) / exact)
    assert (error <= unit * (3 + 1.5 * np.abs(z.astype(float)))).all(), error.max() / unit
    assert found[-2] == 1


@every_kind
def test_beyond_its_ends_it_is_nothing_or_endless(kind: type, least: int, most: int, unit: float):
    low, high, little = least * LOG2, most * LOG2, 1e-5
    inside = applied(exp, np.array([low + little * 10, high - little * 10], kind)).astype(float)
    assert inside == pytest.approx([2.0**least, 2.0**most], rel=3e-4)
    outside = np.array([low - 1e-4, 2 * low, -np.inf, high + 1e-4, 2 * high, np.inf], kind)
    assert applied(exp, outside).tolist() == [0, 0, 0, math.inf, math.inf, math.inf]
    assert np.isnan(applied(exp, np.array([np.nan], kind))).all()


@every_kind
def test_the_logistic_function(kind: type, least: int, most: int, unit: float):
    z = np.concatenate([np.linspace(-30, 30, 121), [-np.inf, np.inf]]).astype(kind)
    found = applied(sigmoid, z).astype(float)
    exact = 1 / (1 + np.exp(-z.astype(np.longdouble)))
    assert (np.abs(found - exact) <= unit * 50 * exact).all()
    assert found[60] == 0.5 and found[-2] == 0 and found[-1] == 1
