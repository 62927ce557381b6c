"""Forecasts are in the units of the file, know nothing of what is held out, and stand by themselves."""

import functools
import time

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from wavetrain.errors import BadInput
from wavetrain.estimators import Forecaster
from wavetrain.estimators._base import Base, Kind
from wavetrain.layers.gate.gru import GRU
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series, panel

DICE = np.random.default_rng(0)
WAVE = 10 + np.sin(np.arange(160) * 2 * np.pi / 8) + 0.1 * DICE.normal(size=160)


def small(**words: object) -> Forecaster:
    return Forecaster("elman", **{"horizon": 3, "width": 4, "depth": 1, "steps": 12, **words})


@functools.cache
def fitted() -> Forecaster:
    """Once, for all who only ask it."""
    return small().fit(WAVE)


def same(one: Forecaster, other: Forecaster) -> None:
    torch.testing.assert_close(one.network_.state_dict(), other.network_.state_dict(), rtol=0, atol=0)
    assert one.history_ == other.history_ and one.base_.kind is other.base_.kind


def test_the_same_seed_gives_the_same_model():
    same(fitted(), small().fit(WAVE))
    assert small(random_state=1).fit(WAVE).history_ != fitted().history_


def test_a_copy_is_not_fitted():
    other = clone(fitted())
    assert other.get_params() == fitted().get_params()
    with pytest.raises(NotFittedError):
        other.predict()


def test_training_sees_no_row_of_the_part_to_choose_by():
    """Other rows there change which step is taken, not the steps; the units of errors stay as they are."""
    changed = WAVE.copy()
    changed[-24:] *= 1000
    one, other = small(steps=1, valid=0.15).fit(WAVE), small(steps=1, valid=0.15).fit(changed)
    assert one._windows(one.panel_).least.equal(other._windows(other.panel_).least)
    assert [step for step, _ in one.history_] == [step for step, _ in other.history_]
    train = one._windows(one.panel_).places(last=one.ends_)
    assert train.row.max() + one.origins_ - 1 + one.horizon <= one.ends_[0]


def test_a_forecast_of_a_hundred_times_the_series_is_a_hundred_times_as_large():
    """New series get units of their own."""
    plain = fitted().predict(WAVE).value
    np.testing.assert_allclose(fitted().predict(100 * WAVE).value, 100 * plain, rtol=1e-4)
    np.testing.assert_allclose(fitted().predict(WAVE + 1e6).value, plain + 1e6, rtol=1e-6)
    assert np.allclose(fitted().predict(np.full(60, 5.0)).value, 5.0, rtol=1e-4)


def test_a_series_is_forecast_alike_alone_and_beside_others():
    alone = fitted().predict(WAVE).value[0]
    others = [1e9 * WAVE[:50], WAVE, np.tile(WAVE, 4)]
    np.testing.assert_allclose(fitted().predict(others).value[1], alone, rtol=1e-5)


def test_forecasts_made_at_once_are_those_made_one_row_after_another():
    """From blocks, and from series that end there."""
    rows = np.arange(100, 140)
    together = fitted().rolling(panel(WAVE), np.zeros(40, int), rows)
    apart = np.concatenate([fitted().predict(WAVE[:row]).value for row in rows])
    np.testing.assert_allclose(together, apart, rtol=1e-5)


def test_prediction_changes_nothing():
    before = {key: value.clone() for key, value in fitted().network_.state_dict().items()}
    one, other = fitted().predict(WAVE[:90]), fitted().predict(WAVE[:90])
    torch.testing.assert_close(fitted().network_.state_dict(), before, rtol=0, atol=0)
    assert (one.value == other.value).all()


def test_a_layer_that_has_nothing_to_add_adds_nothing():
    """A wave without noise: the last season is exact, and no step of training is better."""
    model = small(steps=20).fit(np.tile(np.arange(8.0), 20))
    assert model.base_.kind is Kind.SEASON and model.history_[0][1] < 1e-12
    assert model.predict().value.ravel().round(9).tolist() == [0.0, 1.0, 2.0]
    assert (model.predict().high - model.predict().low).max() < 1e-9


def test_intervals_hold_what_they_promise():
    """On a wave with noise; 1,500 forecasts to choose by and 2,000 to test leave an error of 0.014."""
    dice = np.random.default_rng(1)
    y = np.sin(np.arange(5000) * 2 * np.pi / 8) + 0.3 * dice.normal(size=5000)
    model = small(steps=20, valid=0.5).fit(y[:3000])
    rows = np.arange(3000, 4990)
    low, high = model.intervals(panel(y), np.zeros(len(rows), int), rows, coverage=0.8)
    wanted = np.stack([y[row : row + 3, None] for row in rows])
    assert abs(((low <= wanted) & (wanted <= high)).mean() - 0.8) < 0.04
    at_end = model.predict(y[: rows[-1]], coverage=0.8)
    np.testing.assert_allclose(at_end.low[0], low[-1], rtol=1e-9)


def test_the_last_season_is_in_step_with_the_end():
    """[1, 2, 3, 1] with a season of three goes on with 2, 3, 1, 2, 3."""
    base = Base(Kind.SEASON, 4, 5, (0,), 3)
    seen = np.array([1.0, 2.0, 3.0, 1.0])[None, :, None]
    assert base.read(seen).ravel().tolist() == [2.0, 3.0, 1.0, 2.0, 3.0]
    longer = np.array([1.0, 2.0, 3.0, 1.0, 7.0])[None, :, None]
    assert base.read(longer)[0, 1].ravel().tolist() == [3.0, 1.0, 7.0, 3.0, 1.0]


def test_a_line_continues_a_recursion():
    """y[t] = 1.6 y[t-1] - y[t-2] + 1 does not die out, and its weights are not symmetric."""
    y = [0.0, 5.0]
    for _ in range(98):
        y.append(1.6 * y[-1] - y[-2] + 1)
    model = Forecaster("elman", horizon=5, width=4, steps=0, context=8).fit(np.array(y[:95]))
    assert model.base_.kind is Kind.LINE
    np.testing.assert_allclose(model.predict().value.ravel(), y[95:100], atol=1e-5)


def test_times_go_on_and_phases_are_known_ahead():
    times = moment("2024-01-01") + np.arange(24 * 20) * 3600 * 10**6
    hours = np.arange(len(times)) % 24
    y = (hours == 12) * 5.0 + 0.01 * DICE.normal(size=len(times))
    one = Series(name="", values=y[:, None], times=times)
    whole = Panel(columns=("y",), series=(one,), targets=("y",), clock=Clock(1, "hour"))
    model = small(horizon=14, context=30, steps=5).fit(whole)
    found = model.predict()
    assert model.cycles_ == ("day", "week") and model.network_.ahead is not None
    assert found.times[0][0] == "2024-01-21 00:00:00" and found.times[0][-1] == "2024-01-21 13:00:00"
    assert found.value[0, :, 0].argmax() == 12


def test_layers_are_taken_by_class_too_and_several_columns_at_once():
    model = small(steps=2)
    model.set_params(layer=GRU).fit(np.stack([WAVE, -WAVE], 1))
    assert model.predict().value.shape == (1, 3, 2)
    with pytest.raises(BadInput, match="expected the columns y1, y2; got y"):
        model.predict(WAVE)


def test_missing_values_are_read_as_such():
    y = WAVE.copy()
    y[20:30] = np.nan
    model = small().fit(y)
    assert model.network_.holes and np.isfinite(model.predict().value).all()


@pytest.mark.parametrize(
    ("words", "y", "message"),
    [
        ({"horizon": 0}, WAVE, "horizon of at least 1"),
        ({"valid": 1.0}, WAVE, "share of rows to choose by"),
        ({}, WAVE[:7], "series '': expected at least 8 rows for a horizon of 3, got 7"),
        ({}, [WAVE, np.full(50, np.nan)], "series '1': a column to forecast holds no number"),
        ({"layer": "elmann"}, WAVE, "elman"),
    ],
)
def test_what_cannot_be_learned_is_refused(words: dict, y: np.ndarray, message: str):
    with pytest.raises(BadInput, match=message):
        small().set_params(**words).fit(y)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("layer", ["gru", "s4d", "lru"])
def test_sizes_are_those_of_the_network_that_is_fitted(layer: str, depth: int):
    """Complex numbers count twice, columns known ahead and holes count too."""
    rows = np.random.default_rng(0).normal(size=(80, 3))
    rows[7, 0] = np.nan
    told = Panel(
        columns=("a", "b", "c"),
        series=(Series(name="", values=rows),),
        targets=("a", "b"),
        known=("c",),
    )
    model = Forecaster(layer, horizon=2, width=6, depth=depth, steps=0)
    size = model.sizes(told)
    assert not hasattr(model, "panel_")
    trained = [part for part in model.fit(told).network_.parameters() if part.requires_grad]
    assert size(6) == sum(part.numel() * (1 + part.is_complex()) for part in trained)
    assert size(12) > size(6)


def test_speed_leaves_the_weights_alone():
    small = {"context": 6, "origins": 2, "batch": 4}
    model = Forecaster("gru", horizon=2, width=6, steps=3, **small).fit(np.sin(np.arange(120) / 3))
    before = {name: value.clone() for name, value in model.network_.state_dict().items()}
    begun = time.perf_counter()
    found = model.speed()
    assert found.step + found.look < time.perf_counter() - begun
    assert all((value == before[name]).all() for name, value in model.network_.state_dict().items())
    assert found.step > 0 and found.look > 0
    for steps in (0, 1, 19, 40, 47):
        model.set_params(steps=steps).fit(np.sin(np.arange(120) / 3))
        assert found.course(steps) == pytest.approx(steps * found.step + len(model.history_) * found.look)
