"""Bounds of weights: what is clipped, and how soft ones scale."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.bounds import Bounds

W = torch.tensor([-1.0, -0.5, 0.5, 1.0])


def test_hard_bounds_scale_nothing():
    bounds = Bounds(-0.5, 0.5)
    assert bounds.clipped(W).tolist() == [-0.5, -0.5, 0.5, 0.5]
    assert bounds.growth(W).tolist() == bounds.decay(W).tolist() == [1.0] * 4
    assert torch.equal(Bounds(-math.inf, math.inf).clipped(W), W)


def test_soft_bounds_scale_by_what_is_left():
    bounds = Bounds(-1.0, 1.0, power=1.0)
    assert bounds.growth(W).tolist() == [2.0, 1.5, 0.5, 0.0]
    assert bounds.decay(W).tolist() == [0.0, 0.5, 1.5, 2.0]
    assert Bounds(-1.0, 1.0, power=2.0).growth(W).tolist() == [4.0, 2.25, 0.25, 0.0]


def test_a_weight_outside_neither_grows_nor_decays_beyond():
    bounds = Bounds(0.0, 1.0, power=0.5)
    assert bounds.growth(torch.tensor([1.5])).item() == 0.0 == bounds.decay(torch.tensor([-0.5])).item()


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match="Bounds: expected low no higher than high, got 1 and 0"):
        Bounds(1, 0)
    for low, high, power in ((0, 1, -1), (0, 1, math.nan), (0, math.inf, 1)):
        with pytest.raises(BadInput, match="a power of at least 0, and finite bounds where it is above, got"):
            Bounds(low, high, power)
