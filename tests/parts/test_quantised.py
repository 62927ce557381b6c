"""Rounding to levels: halves, bounds, and the slopes of learned step size quantisation by hand."""

import math

import pytest
import torch

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.layers import QuantisedRNN
from wavetrain.parts.quantised import Levels, straight


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (-99, -8),
        (-8.6, -8),
        (-8.5, -8),
        (-0.51, -1),
        (-0.5, 0),
        (0.49, 0),
        (0.5, 1),
        (1.5, 2),
        (7.4, 7),
        (8, 7),
    ],
)
def test_the_nearest_level(value: float, level: int) -> None:
    """Halves are rounded up, the even ones too."""
    assert Levels().nearest(torch.tensor(value)).item() == level
    assert Levels(0, 15).nearest(torch.tensor(float(value))).item() == max(level, 0 if value < 8 else 8)


def test_a_level_is_its_own_level_and_what_is_no_number_stays_so() -> None:
    levels = Levels(-3, 5)
    once = levels.nearest(4 * normal(1000))
    assert torch.equal(levels.nearest(once), once) and set(once.tolist()) == set(range(-3, 6))
    for found in (levels.nearest, levels.inside):
        assert found(torch.tensor(math.nan)).isnan()


def test_the_level_to_the_last_bit_with_the_slope_of_the_clipping() -> None:
    """On the bounds the slope is 1."""
    z = torch.tensor([-8.01, -8.0, 0.3, 6.9, 7.0, 7.01], dtype=torch.float64, requires_grad=True)
    found = straight(Levels().nearest(z), Levels().inside(z))
    assert torch.equal(found, Levels().nearest(z))
    assert torch.autograd.grad(found.sum(), z)[0].tolist() == [0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("s", [0.25, 0.3])
@pytest.mark.parametrize(
    ("ratio", "slope"),  # of Q by s: round(z / s) - z / s inside of the range, its bound outside
    [(1.2, -0.2), (1.7, 0.3), (-2.4, 0.4), (9.0, 7.0), (-9.0, -8.0)],
)
def test_the_slope_of_the_threshold(ratio: float, slope: float, s: float) -> None:
    layer = QuantisedRNN(1, threshold=s).double()
    layer.encode.weight.data.fill_(1)
    layer.encode.bias.data.zero_()
    threshold = layer.log.exp().item()
    y, _ = layer(torch.full((1, 1, 1), ratio * threshold, dtype=torch.float64))
    (found,) = torch.autograd.grad(y.sum(), layer.log)
    assert found.item() / threshold == pytest.approx(slope / math.sqrt(7), rel=1e-9)


@pytest.mark.parametrize(("low", "high"), [(1, 7), (0, 0), (-1.0, 3), (2, 1), (True, 3)])
def test_levels_without_zero_or_that_are_none_are_refused(low: int, high: int) -> None:
    with pytest.raises(BadInput, match=r"expected whole numbers low <= 0 < high, got"):
        Levels(low, high)
