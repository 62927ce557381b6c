"""What foresees the next row: by hand, and alike however a stream is cut."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import Forecaster
from wavetrain.estimators._base import Kind
from wavetrain.estimators._foresight import (
    PLAIN,
    Forecasts,
    Foreseen,
    Foresight,
    Lags,
    Plain,
    called,
    member,
)
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.memories.temporal_memory import Dendrites, TemporalMemory
from wavetrain.tables.baselines import LastValue, SeasonalNaive
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.ridge import Ridge

NAN = np.nan
ROWS = np.random.default_rng(0).normal(size=(90, 3)).cumsum(0)
ROWS[40:43, 2] = ROWS[60, 0] = NAN


def panel(rows: np.ndarray = ROWS) -> Panel:
    """Two columns are watched, the last and the first."""
    one = Series(name="", values=rows)
    return Panel(columns=("a", "b", "c"), series=(one,), targets=("c", "a"))


def forecasts(context: int = 8) -> Forecasts:
    model = Forecaster("elman", horizon=1, width=2, depth=1, steps=0, context=context, season=1, origins=4)
    return Forecasts(model, "elman").learn(panel())


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.LEVEL, "mean of 32 rows"),
        (Kind.SMOOTHED, "exponential smoothing"),
        (Kind.LAST, "last value"),
        (Kind.SEASON, "seasonal naive (7)"),
        (Kind.LINE, "ridge on 32 rows"),
    ],
)
def test_a_layer_without_training_is_called_by_its_start(kind: Kind, name: str):
    model: Any = SimpleNamespace(steps=0, context_=32, season_=7, base_=SimpleNamespace(kind=kind))
    assert Forecasts(model, "gru").name == name
    model.steps = 1
    assert Forecasts(model, "gru").name == "gru"


def test_the_value_a_season_ago_and_without_one_the_latest_of_its_phase():
    rule = Plain([1], 3)
    rows = np.zeros((8, 2))
    rows[:, 1] = [1, 2, NAN, 4, NAN, 6, 7, 8]
    assert rule.learn(panel()) is rule and rule.name == "seasonal naive (3)"
    expected = [NAN, NAN, NAN, 1, 2, NAN, 4, 2]
    np.testing.assert_array_equal(rule.begin().extend(rows, None).expected[:, 0], expected)
    last = Plain([1], 1)
    assert last.name == "last value"
    found = last.begin().extend(rows, None)
    np.testing.assert_array_equal(found.expected[:, 0], [NAN, 1, 2, 2, 4, 4, 6, 7])
    assert found.surprise is None and Foreseen(rows) == (rows, None)


def test_lags_foresee_from_the_first_row_that_has_all_of_them():
    watch = Lags(1)
    assert watch.learn(panel()) is watch and watch.name == "ridge on lags" and watch.season == 1
    reach = watch.model.lags + 1
    found = watch.over(panel(), 0).expected
    assert np.isnan(found[:reach]).all() and np.isfinite(found[reach:]).all() and len(found) == 90
    rows = np.arange(reach, 90)
    whole = watch.model.rolling(panel(), np.zeros_like(rows), rows)[:, 0]
    np.testing.assert_allclose(found[reach:], whole, rtol=1e-9, atol=1e-9)
    wanted = Ridge.fit(panel(), horizon=1, season=1)
    assert (wanted.weights == watch.model.weights).all() and not len(watch.begin().blank.series[0])


@pytest.mark.parametrize("size", [1, 4, 9, 90])
@pytest.mark.parametrize(
    "watch",
    [lambda: Plain([2, 0], 5), lambda: Lags(1).learn(panel()), forecasts],
    ids=["plain", "lags", "layer"],
)
def test_a_course_says_the_same_however_it_is_cut(watch: Any, size: int):
    """Rows that are none change nothing, either."""
    foresight: Foresight = watch()
    course, whole = foresight.begin(), foresight.study(panel(), 0).expected
    parts = []
    for first in range(0, 90, size):
        parts += [course.extend(ROWS[first : first + size], None), course.extend(ROWS[:0], None)]
        assert parts[-1].expected.shape == (0, 2)
    np.testing.assert_allclose(np.concatenate([one.expected for one in parts]), whole, rtol=1e-5, atol=1e-6)
    assert np.isfinite(whole[70:]).all() and np.isnan(whole[0]).all()


@pytest.mark.parametrize("context", [1, 8])
def test_a_forecaster_foresees_from_its_first_whole_context_on(context: int):
    watch = forecasts(context)
    for found in (watch.over(panel(), 0).expected, watch.begin().extend(ROWS, None).expected):
        assert np.isnan(found[:context]).all() and np.isfinite(found[context : context + 20]).all()
    rows = np.arange(context, 90)
    whole = watch.model.rolling(panel(), np.zeros_like(rows), rows)[:, 0]
    np.testing.assert_array_equal(watch.over(panel(), 0).expected[context:], whole)
    assert np.isnan(watch.over(panel(ROWS[:context]), 0).expected).all()
    two = replace(panel(), series=(panel(ROWS[:30]).series[0], replace(panel().series[0], name="b")))
    np.testing.assert_allclose(watch.over(two, 1).expected, watch.over(panel(), 0).expected)


def test_what_can_foresee_is_found_by_its_name_and_called_by_it():
    assert dict(PLAIN) == {"last_value": LastValue, "seasonal_naive": SeasonalNaive, "ridge": Ridge}
    mine = TemporalMemory(128, 4, Dendrites(activation=2, matching=2, grow=4))
    for given, found, name in (
        ("last_value", LastValue, "last_value"),
        (Ridge, Ridge, "ridge"),
        ("elman", Elman, "elman"),
        (Elman, Elman, "elman"),
        ("temporal_memory", TemporalMemory, "temporal_memory"),
        (TemporalMemory, TemporalMemory, "temporal_memory"),
        (mine, mine, "temporal_memory"),
    ):
        assert member(given) is found and called(given) == name
    for strange in ("hopfield", 3, dict):
        with pytest.raises(
            BadInput, match=r"^expected a layer, temporal_memory, last_value, seasonal_naive, ridge; got "
        ):
            member(strange)
