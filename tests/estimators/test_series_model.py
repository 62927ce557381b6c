"""What all models of series say and refuse: by hand, with a baseline that needs no training."""

import functools
import inspect
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.estimators import BaselineForecaster, FittedBaseline, FittedForecaster, Forecaster
from wavetrain.estimators._series_model import Forecasts, SeriesModel, Widths, check_rows, not_given
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series, panel

DICE = np.random.default_rng(0)
WALK = DICE.normal(size=200).cumsum()
HOUR = 3600 * 10**6
BEGIN = moment("2024-01-01")


def sales(rows: int = 80, *, promised: int = 0, names: tuple[str, ...] = ("a", "b")) -> Panel:
    """Two targets, a column that is only read, and two known ahead, of which more rows are told."""
    series = []
    for name in names:
        values = np.random.default_rng(len(name)).normal(size=(rows + promised, 5))
        values[rows:, :3] = np.nan
        series.append(Series(name=name, values=values))
    return Panel(
        columns=("sold", "bought", "rain", "price", "sale"),
        series=tuple(series),
        targets=("sold", "bought"),
        known=("price", "sale"),
    )


@functools.cache
def fitted() -> BaselineForecaster:
    """Once, for all who only ask it."""
    return BaselineForecaster("ridge", horizon=3, season=1).fit(sales())


def hours(rows: int, *, every: int = 1) -> Series:
    times = BEGIN + np.arange(rows) * every * HOUR
    return Series(name="", values=WALK[:rows, None], times=times)


def timed(rows: int) -> Panel:
    return Panel(columns=("y",), series=(hours(rows),), targets=("y",), clock=Clock(1, "hour"))


def test_widths_are_in_scales_and_plain_where_there_is_none():
    """Of 1 to 9 over scales of 2, at 0.5: the fifth smallest."""
    errors = np.arange(1.0, 10.0)[:, None, None]
    found = Widths.of(errors, np.full((9, 1, 1), 2.0), 0.5)
    assert (found.scaled.item(), found.plain.item()) == (2.5, 5.0)
    assert found.at(np.array([[[4.0]], [[np.nan]]])).ravel().tolist() == [10.0, 5.0]


def test_nine_of_ten_are_in_an_interval_where_nothing_else_is_asked():
    model = BaselineForecaster("last_value", horizon=2, season=1).fit(WALK)
    whole, series, rows = panel(WALK), np.zeros(3, int), np.array([150, 160, 170])
    for coverage, same in ((0.9, True), (0.8, False)):
        asked = model.predict(coverage=coverage)
        assert ((asked.low == model.predict().low).all(), (asked.high == model.predict().high).all()) == (
            same,
            same,
        )
        ends = zip(
            model.intervals(whole, series, rows, coverage=coverage),
            model.intervals(whole, series, rows),
            strict=True,
        )
        assert all((one == two).all() == same for one, two in ends)
    low, high = model.intervals(whole, series, rows)
    value = model.rolling(whole, series, rows)
    np.testing.assert_allclose(high - value, value - low)
    assert (value[:, :, 0] == WALK[[149, 159, 169], None]).all() and (high > value).all()


def test_rows_to_come_are_numbered_on():
    found = fitted().predict(sales(50))
    assert found.times == (("50", "51", "52"),) * 2 and found.series == ("a", "b")
    assert found.targets == ("sold", "bought") and found.value.shape == (2, 3, 2)
    assert Forecasts((), (), *[np.zeros((0, 3, 2))] * 3, ()).said == ()
    with pytest.raises(FrozenInstanceError):
        found.said = ()  # type: ignore[misc]


@pytest.mark.parametrize("kind", [FittedForecaster, FittedBaseline])
def test_what_is_not_given_counts_alike_in_all_models(kind: type[SeriesModel]):
    """A model of its own kind takes what the promise takes, with the same values."""
    for name in ("save", "stream", "predict", "_behind", "widths"):
        promised, own = (inspect.signature(getattr(one, name)).parameters for one in (SeriesModel, kind))
        assert {one: part.default for one, part in own.items()} == {
            one: part.default for one, part in promised.items()
        }


def test_what_is_known_ahead_and_not_given_is_said_of_each_column():
    one, both = (
        "is known ahead, but not given for all rows to come: its mean in training counts there",
        "are known ahead, but not given for all rows to come: their means in training count there",
    )
    assert not_given(["price"]) == f"price {one}" and not_given(["price", "sale"]) == f"price, sale {both}"
    for rows, said in ((0, (f"price, sale {both}",)), (2, (f"price, sale {both}",)), (3, ()), (4, ())):
        assert fitted().predict(sales(promised=rows)).said == said
    told = [np.ones((3, 2)), np.ones((3, 2))]
    assert fitted().predict(ahead=told).said == ()
    told[1][2, 1] = np.nan  # one row of one column of one series
    assert fitted().predict(ahead=told).said == (f"sale {one}",)


def test_more_rows_than_are_forecast_tell_no_more():
    longer, cut = sales(promised=5), sales(promised=3)
    for one, two in zip(longer.series, cut.series, strict=True):
        two.values[:] = one.values[:83]
    np.testing.assert_array_equal(fitted().predict(longer).value, fitted().predict(cut).value)


def test_a_target_that_was_never_measured_has_no_forecast_and_this_is_said():
    hollow = sales(40)
    hollow.series[1].values[:, 1] = np.nan
    found = fitted().predict(hollow)
    assert np.isnan(found.value[1, :, 1]).all() and np.isnan(found.value).sum() == 3
    assert found.said[1:] == ("series 'b': nothing of bought was measured before, so it has no forecast",)
    alone = sales(40, names=("",))
    alone.series[0].values[:, 0] = np.nan
    said = fitted().predict(alone).said[1:]
    assert said == ("nothing of sold was measured before, so it has no forecast",)
    rolled = fitted().rolling(hollow, np.array([0, 1]), np.array([30, 30]))
    assert np.isnan(rolled).sum() == 3 and np.isnan(rolled[1, :, 1]).all()


def test_columns_are_told_without_the_phases():
    model = Forecaster("elman", width=2, depth=1, steps=0, context=6).fit(timed(100))
    assert model.cycles_ == ("day",) and model.plain(model.panel_).columns == ("y",)
    other = replace(timed(50), columns=("z",), targets=("z",))
    with pytest.raises(BadInput, match=r"^expected the columns y; got z$"):
        model.predict(other)
    with pytest.raises(BadInput, match=r"^expected series with times, as in training; got rows without$"):
        model.predict(WALK[:50])


def test_rows_to_come_have_their_phases_and_what_is_known_of_them():
    model = Forecaster("elman", horizon=2, width=2, depth=1, steps=0, context=6).fit(timed(60))
    (longer,) = model._longer(model._same(timed(50)), None).series
    angle = 2 * np.pi * np.array([50, 51]) / 24
    assert longer.times.tolist() == (BEGIN + np.arange(52) * HOUR).tolist()
    assert np.isnan(longer.values[50:, 0]).all() and (longer.values[:50, 0] == WALK[:50]).all()
    np.testing.assert_allclose(
        longer.values[50:, 1:], np.stack([np.sin(angle), np.cos(angle)], 1), atol=1e-12
    )
    told = model.predict(timed(50))
    assert np.isfinite(told.value).all() and told.times == (("2024-01-03 02:00:00", "2024-01-03 03:00:00"),)


def test_a_panel_of_one_row_goes_by_the_clock_of_training():
    model = BaselineForecaster("last_value", horizon=2, season=1).fit(timed(100))
    one = replace(timed(1), clock=None)
    assert model.predict(one).times == (("2024-01-01 01:00:00", "2024-01-01 02:00:00"),)
    daily = replace(timed(1), clock=Clock(1, "day"))  # its own comes first
    assert model.predict(daily).times == (("2024-01-02", "2024-01-03"),)
    bare = BaselineForecaster("last_value", horizon=2, season=1).fit(WALK)
    with pytest.raises(BadInput, match="expected the clock of a panel with times"):
        bare.predict(one)


def test_rows_that_are_too_few_to_learn_from():
    """Two horizons and two rows are enough; so are holes, and a column that is only read may be empty."""
    check_rows(panel([np.zeros(8), np.zeros(9)]), 3)
    with pytest.raises(BadInput, match=r"^series '1': expected at least 8 rows for a horizon of 3, got 7$"):
        check_rows(panel([np.zeros(8), np.zeros(7)]), 3)
    some = sales(10)
    some.series[0].values[:, 2:], some.series[0].values[1:, 1] = np.nan, np.nan
    check_rows(some, 3)
    some.series[1].values[:, 0] = np.nan
    with pytest.raises(BadInput, match=r"^series 'b': a column to forecast holds no number$"):
        check_rows(some, 3)


def test_series_without_a_row_are_refused():
    with pytest.raises(BadInput, match="expected at least one row of each series"):
        fitted().predict(replace(sales(5), series=(sales(5).series[0], sales(0).series[1])))
