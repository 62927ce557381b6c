"""How a forecaster learns: the looks on the way, what they cost, and the loss by hand."""

import numpy as np
import pytest
import torch

from wavetrain.estimators import _base, _learning
from wavetrain.estimators._learning import Speed
from wavetrain.tables.panel import panel
from wavetrain.tables.windows import Place, Windows


@pytest.mark.parametrize(
    ("steps", "every", "looks"), [(0, 1, 1), (1, 1, 2), (19, 1, 20), (20, 2, 11), (25, 2, 14)]
)
def test_looks_and_their_cost(steps: int, every: int, looks: int):
    """Before the first step, after each tenth of them, and after the last."""
    assert _learning._every(steps) == every
    assert Speed(step=1.0, look=100.0).course(steps) == steps + 100 * looks
    assert (_learning.LOOKS, _learning.LARGEST, _learning.TIMED) == (10, 1.0, 5)


def test_the_loss_is_hubers_over_what_was_measured():
    y = np.r_[np.zeros(8), 1e-3, np.random.default_rng(0).normal(size=40)]
    y[30] = np.nan
    windows = Windows(panel(y), context=6, origins=2, horizon=3)
    window = windows.at(Place(np.zeros(3, int), np.array([8, 20, 28])))
    forecast = torch.randn(window.wanted.shape, generator=torch.Generator().manual_seed(0)).double()
    apart = ((forecast - window.wanted) * window.weight[:, None, None]).numpy()
    size = np.abs(apart[~np.isnan(apart)])
    assert 0 < np.isnan(apart).sum() < apart.size and window.weight.min() < 0.5
    wanted = np.where(size < 1, size**2 / 2, size - 0.5).mean()
    assert float(_learning._loss(forecast, window)) == pytest.approx(wanted, rel=1e-5)


def test_prices_that_a_start_is_chosen_from():
    np.testing.assert_allclose(_base.ALPHAS, [1e-10, 1e-6, *np.logspace(-4, 4, 9)])
    assert _base.Base(_base.Kind.LAST, 3, 2, (0,)).season == 1
