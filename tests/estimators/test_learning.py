"""How a forecaster learns: the looks on the way, what they cost, and the loss by hand."""

import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from wavetrain.estimators import Forecaster, _base, _forecast, _learning
from wavetrain.estimators._forecast import Columns
from wavetrain.estimators._kept import layer_of
from wavetrain.estimators._learning import Look, Speed
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


def wave() -> np.ndarray:
    rows = np.arange(150)
    return np.sin(rows * 0.7) * np.cos(rows * 0.23) + 0.5 * np.random.default_rng(0).normal(size=150)


def test_the_step_that_errs_least_is_kept_and_each_look_is_told(monkeypatch: pytest.MonkeyPatch):
    """Neither the first nor the last; the clock ticks once a look, so speeds are steps since the last one."""
    ticks = iter(range(100))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    losses, step = [], _learning._step
    monkeypatch.setattr(_learning, "_step", lambda *given: (losses.append(step(*given)), losses[-1])[1])
    looks: list[Look] = []
    model = Forecaster("elman", width=4, depth=1, steps=42, rate=0.01, context=6, season=1)
    model.fit_told(wave(), looks.append)
    errors = [error for _, error in model.history_]
    assert min(errors) < min(errors[0], errors[-1]) and model.history_[0][0] == 0
    windows = model._windows(model.panel_)
    assert _learning.error(model.network_, windows, model._valid(windows)) == pytest.approx(min(errors))
    assert not model.network_.training
    assert [look.step for look in looks] == [*range(4, 41, 4), 42]
    assert [(look.step, look.error) for look in looks] == model.history_[1:]
    assert [look.speed for look in looks] == [4.0] * 10 + [2.0]
    each = [float(one) for one in losses]
    told = [np.mean(each[max(0, look.step - 4) : look.step]) for look in looks[:-1]]
    np.testing.assert_allclose([look.loss for look in looks], [*told, np.mean(each[40:])], rtol=1e-5)


def test_how_it_is_trained(monkeypatch: pytest.MonkeyPatch):
    """A rate that falls as a cosine to the last step, weights that decay, short gradients."""
    told: dict[str, Any] = {"norms": [], "drawn": []}
    optimiser, fall, clip = (
        torch.optim.AdamW,
        torch.optim.lr_scheduler.CosineAnnealingLR,
        nn.utils.clip_grad_norm_,
    )
    monkeypatch.setattr(
        torch.optim,
        "AdamW",
        lambda parts, lr, **words: (told.update(rate=lr, **words), optimiser(parts, lr, **words))[1],
    )
    monkeypatch.setattr(
        torch.optim.lr_scheduler,
        "CosineAnnealingLR",
        lambda one, steps: (told.update(steps=steps), fall(one, steps))[1],
    )
    monkeypatch.setattr(
        nn.utils, "clip_grad_norm_", lambda parts, most: (told["norms"].append(most), clip(parts, most))[1]
    )
    loss = _learning._loss
    monkeypatch.setattr(
        _learning, "_loss", lambda one, window: (told["drawn"].append(len(one)), loss(one, window))[1]
    )
    model = Forecaster("elman", width=2, depth=1, steps=3, batch=5, rate=0.02, context=6, season=1)
    model.fit(wave())
    assert (told["rate"], told["weight_decay"], told["steps"]) == (0.02, 0.01, 3)
    assert told["norms"] == [1.0] * 3 and told["drawn"] == [5] * 3
    model.set_params(steps=0).fit(wave())
    assert told["steps"] == 1 and len(model.history_) == 1


def test_what_a_step_costs_is_the_median_after_one_to_warm_up(monkeypatch: pytest.MonkeyPatch):
    model = Forecaster("elman", width=2, depth=1, steps=0, context=6, season=1).fit(wave())
    took = [100.0, 1.0, 50.0, 2.0, 3.0, 60.0, 7.0]
    times = iter(np.stack([np.zeros(7), took], 1).ravel().tolist())
    monkeypatch.setattr(time, "perf_counter", lambda: next(times))
    assert model.speed() == Speed(step=3.0, look=7.0)


def test_errors_are_weighed_over_what_was_measured():
    y = np.r_[np.zeros(8), 1e-3, np.random.default_rng(0).normal(size=40)]
    y[30] = np.nan
    windows = Windows(panel(y), context=6, origins=2, horizon=3)
    window = windows.at(Place(np.zeros(3, int), np.array([8, 20, 28])))
    base = _base.Base(_base.Kind.LAST, 6, 3, (0,))
    seen, wanted = window.seen.numpy()[..., 0], window.wanted.numpy()[..., 0]
    apart = np.abs(seen[:, 5:, None] - wanted) * window.weight.numpy()[:, 0, None, None]
    assert _base.error(base, window) == pytest.approx(np.nanmean(apart))
    for kind, value in ((_base.Kind.LEVEL, 0 * seen[:, 5:]), (_base.Kind.LAST, seen[:, 5:])):
        found = base._replace(kind=kind).read(window.seen.numpy())
        np.testing.assert_array_equal(found, np.repeat(value[..., None, None], 3, 2))


@pytest.mark.parametrize("origins", [1, 4])
def test_lags_are_read_oldest_first_beside_the_last_value(origins: int):
    values = np.random.default_rng(0).normal(size=(2, 9, 3))
    last, read = _base._lags(values, 4, origins)
    assert last.shape == (2, origins, 3) and read.shape == (2, origins, 3, 5)
    for place in range(origins):
        at = 8 - origins + 1 + place
        np.testing.assert_array_equal(last[:, place], values[:, at])
        rows = values[:, at - 4 : at].swapaxes(1, 2) - values[:, at, :, None]
        np.testing.assert_array_equal(read[:, place, :, :4], rows)
        assert (read[:, place, :, 4] == 1).all()


def test_a_line_reads_weights_of_each_target():
    weight = np.zeros((2, 3, 2))  # targets; two lags and the constant; horizon
    weight[0, 1, 0], weight[1, 0, 1], weight[1, 2, 0] = 2.0, -1.0, 5.0
    base = _base.Base(_base.Kind.LINE, 3, 2, (0, 2), weight=weight)
    seen = np.array([[1.0, 9, 10], [2, 9, 20], [4, 9, 50], [7, 9, 60]])[None]
    found = base.read(seen)
    assert found.shape == (1, 2, 2, 2)
    assert found[0, :, :, 0].tolist() == [[4 + 2 * (2 - 4), 4], [7 + 2 * (4 - 7), 7]]
    assert found[0, :, :, 1].tolist() == [[55, 50 - (10 - 50)], [65, 60 - (20 - 60)]]


def test_what_a_network_reads_of_a_row():
    """Values within ten scales, whether they are missing, and what is known ahead in its own deviations."""
    assert (_forecast.FAR, _forecast.TOGETHER, _forecast.MIXED) == (10.0, 256, 16)
    centre, spread = torch.tensor([100.0, 7.0]).double(), torch.tensor([10.0, 2.0]).double()
    columns = Columns(4, (1, 3), centre, spread, holes=True)
    assert columns.inputs == 6 and columns._replace(holes=False).inputs == 4
    base = _base.Base(_base.Kind.LEVEL, 3, 2, (0,))
    network = _forecast.network(layer_of("elman"), 4, 1, base, columns)
    seen = np.array([[[25.0, 1.0, -30.0, np.nan]]])
    missing = np.array([[[False, False, True, False]]])
    level, scale = np.array([0.0, 50, 0, 0]), np.array([1.0, 60, 1, 1])
    read = network.read(seen, missing, level, scale)
    assert read.dtype == torch.float32 and read.ravel().tolist() == [10, -10, 0, 1, 1, 0]
    assert network.ahead is not None and network.ahead.state.out_features == 16
    stream, ahead = torch.zeros(1, 1, 4), torch.zeros(1, 1, 2, 2).double()
    assert (network.added(stream, ahead) == 0).all()  # before training


def test_many_windows_are_read_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch):
    model = Forecaster("elman", width=2, depth=1, steps=5, context=6, season=1, origins=2).fit(wave())
    windows, rows = model._windows(model.panel_), np.array([20, 21, 40, 7, 41, 20])
    whole = _forecast.made(model.network_, windows, np.zeros(6, int), rows)
    monkeypatch.setattr(_forecast, "TOGETHER", 2)
    for one, other in zip(
        _forecast.made(model.network_, windows, np.zeros(6, int), rows), whole, strict=True
    ):
        torch.testing.assert_close(one, other)
    assert (whole.wanted[:, 0, 0].numpy() - wave()[rows] == pytest.approx(0, abs=1e-12)) and (
        whole.value[0] == whole.value[5]
    ).all()
