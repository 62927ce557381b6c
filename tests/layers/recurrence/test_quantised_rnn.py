"""The quantised RNN: by hand, its limits, and its tangent as a product of masks."""

import math

import pytest
import torch

from tests.promises import generic, normal
from wavetrain.errors import BadInput
from wavetrain.layers import QuantisedRNN
from wavetrain.parts.quantised import Levels


def test_a_unit_by_hand() -> None:
    """s = 1/4, U = 1/2: 0.6 is 2.4, rounded 2; then 0.25 + 0.13 is 1.52, rounded 2; then 1.5, rounded up."""
    layer = QuantisedRNN(1, threshold=0.25, kept=0.5).double()
    layer.log.data.fill_(math.log(0.25))
    assert layer.log.exp().item() == 0.25
    layer.encode.weight.data.fill_(1)
    layer.encode.bias.data.zero_()
    x = torch.tensor([0.6, 0.13, 0.125, -9.0, 9.0], dtype=torch.float64).reshape(1, 5, 1)
    assert layer(x)[0].flatten().tolist() == pytest.approx([0.5, 0.5, 0.5, -2, 1.75], abs=1e-12)


def test_fine_levels_are_a_clipped_linear_recurrence() -> None:
    """With a threshold of 2^-20 the error is no more than rounding makes in each step."""
    layer = generic(QuantisedRNN, 5, 3)
    layer.recur.weight.data.mul_(0.3)
    layer.levels = Levels(-(2**20), 2**20)
    layer.log.data.fill_(-20 * math.log(2))
    x = normal(2, 9, 3)
    h, smooth = torch.zeros(2, 5, dtype=torch.float64), []
    for now in x.unbind(1):
        h = (layer.encode(now) + h @ layer.recur.weight.T).clamp(-1, 1)
        smooth.append(h)
    torch.testing.assert_close(layer(x)[0], torch.stack(smooth, 1), rtol=0, atol=1e-5)
    torch.testing.assert_close(layer.smoothed()(x)[0], torch.stack(smooth, 1), rtol=0, atol=1e-12)


def test_the_tangent_is_a_product_of_masks() -> None:
    """d h_t / d x_u = M_t U M_{t-1} U ... M_u W, where M is 1 for units within the range."""
    layer, x = generic(QuantisedRNN, 4, 3, seed=2), 2 * normal(1, 5, 3)
    with torch.no_grad():
        h, s = layer(x)[0][0], layer.log.exp()
        before = torch.cat([torch.zeros_like(h[:1]), h[:-1]])
        z = (layer.encode(x[0]) + before @ layer.recur.weight.T) / s
        mask = ((z >= -8) & (z <= 7)).double()
        expected = torch.zeros(4, 3, 5, 5, dtype=torch.float64)
        for then in range(5):
            slope = mask[then][:, None] * layer.encode.weight
            for now in range(then, 5):
                if now > then:
                    slope = mask[now][:, None] * (layer.recur.weight @ slope)
                expected[:, :, now, then] = slope
    assert 0 < mask.mean() < 1
    found = layer.operator(x).weight[0].unflatten(0, (4, 3))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_the_threshold_is_set_from_data() -> None:
    layer, x = QuantisedRNN(6, inputs=3, threshold=None), normal(4, 10, 3).float()
    assert layer(x)[0].isnan().all()
    layer.fit_threshold(x)
    expected = 2 * layer.encode(x).abs().mean() / math.sqrt(7)
    torch.testing.assert_close(layer.log.exp(), expected)
    assert layer(x)[0].isfinite().all()


def test_bad_thresholds_are_refused() -> None:
    for bad in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(BadInput, match=r"QuantisedRNN: expected a threshold above 0, got"):
            QuantisedRNN(4, threshold=bad)
    layer = QuantisedRNN(4)
    layer.encode.bias.data.zero_()
    with pytest.raises(BadInput, match=r"expected x that drives the units, got a threshold 0\.0"):
        layer.fit_threshold(torch.zeros(1, 3, 4))
