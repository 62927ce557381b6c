"""Weights at a size where no square is lost: powers of two, what is refused, and exact products."""

import numpy as np
import pytest
import torch

from tests.lenses.operators import Given, empty
from wavetrain.errors import BadInput
from wavetrain.lenses._weights import magnitude, weights


@pytest.mark.parametrize(
    ("values", "power"),
    [
        ([3.0, -5.0], 4),
        ([1.0], 1),
        ([4.0, 2.0], 4),
        ([0.75, 0.0], 0.5),
        ([-1e-300], 2.0**-997),
        ([1e300], 2.0**996),
        ([0.0, 0.0], 1),
        ([3 + 4j, 1], 4),
    ],
)
def test_the_power_of_two_below_the_largest(values: list[complex], power: float):
    dtype = torch.complex128 if any(isinstance(one, complex) for one in values) else torch.float64
    assert magnitude(torch.tensor(values, dtype=dtype)).item() == power


def test_each_has_its_own_power_over_some_axes():
    """Those over the axes that are named, which stay as axes of length 1."""
    values = torch.tensor([[[1.0, 5.0], [0.0, 0.0]], [[-0.3, 0.1], [9.0, 8.0]]]).double()
    assert magnitude(values, (2,)).tolist() == [[[4.0], [1.0]], [[0.25], [8.0]]]
    assert magnitude(values, (0, 2)).tolist() == [[[4.0], [8.0]]]
    assert magnitude(values).shape == () and magnitude(values) == 8


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_a_value_times_its_scale_is_the_weight(kind: torch.dtype):
    weight = torch.tensor([[[[-6.5, 0.0], [0.1, 2.0]]]], dtype=kind)
    value, scale, rounding = weights(Given(weight), empty(weight))
    assert scale == 4 and value.dtype == torch.float64 and rounding == torch.finfo(kind).eps
    assert torch.equal(value * scale, weight.double()) and value.abs().max() == 1.625
    nothing = weights(Given(0 * weight), empty(weight))
    assert nothing.scale == 1 and (nothing.value == 0).all()


def test_weights_that_no_lens_can_read_are_refused():
    weight = torch.ones(1, 1, 2, 2)
    with pytest.raises(BadInput, match=r"Given: expected an operator of real weights, got torch\.complex64"):
        weights(Given(weight + 0j), empty(weight))
    weight[0, 0, 0] = torch.tensor([np.nan, np.inf])
    with pytest.raises(BadInput, match="Given: expected finite weights, got 2 of 4 that are NaN or infinite"):
        weights(Given(weight), empty(weight))
    with pytest.raises(BadInput, match=r"expected at least one sequence, got x \(0, 2, 1\)"):
        weights(Given(weight[:0]), empty(weight[:0]))
