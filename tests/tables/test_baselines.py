"""Simple forecasts are what one works out by hand, and read nothing of what comes after."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.baselines import Baseline, Drift, LastValue, SeasonalNaive, _longer
from wavetrain.tables.panel import Panel, Series, panel

NAIVE = [LastValue, SeasonalNaive, Drift]
DICE = np.random.default_rng(0)
WALK = DICE.normal(size=60).cumsum()


def forecast(kind: type[Baseline], values: object, horizon: int, season: int = 1) -> list[float]:
    whole = panel(np.asarray(values, float))
    return kind.fit(whole, horizon=horizon, season=season).forecast(whole).ravel().tolist()


def test_the_last_value():
    assert forecast(LastValue, [1, 2, 3], 2) == [3, 3]
    assert forecast(LastValue, [1, 2, np.nan], 2) == [2, 2]


def test_the_season_is_counted_from_the_end():
    assert forecast(SeasonalNaive, [1, 2, 3, 1], 5, season=3) == [2, 3, 1, 2, 3]
    assert forecast(SeasonalNaive, [1, 2, 3, 1], 2, season=1) == [1, 1]


def test_a_season_that_is_not_whole_is_not_made_up():
    found = forecast(SeasonalNaive, [1, 2, 3, 4], 12, season=12)
    assert np.isnan(found[:8]).all() and found[8:] == [1, 2, 3, 4]


def test_a_hole_is_filled_by_the_season_before():
    assert forecast(SeasonalNaive, [1, 2, 3, 4, np.nan, 6], 3, season=3) == [4, 2, 6]


def test_the_line_through_the_first_and_the_last_value():
    assert forecast(Drift, [1, 5, 3, 7], 2) == [9, 11]
    assert forecast(Drift, [np.nan, 2, 3, np.nan], 2) == [5, 6]
    assert forecast(Drift, [4], 2) == [4, 4]


@pytest.mark.parametrize("kind", NAIVE)
def test_rolling_forecasts_are_those_of_each_history(kind: type[Baseline]):
    y = WALK.copy()
    y[[3, 4, 20, 33]] = np.nan
    rows = np.arange(5, 57)
    model = kind.fit(panel(y), horizon=7, season=4)
    together = model.rolling(panel(y), np.zeros(len(rows), int), rows)
    apart = np.concatenate([model.forecast(panel(y[:row])) for row in rows])
    np.testing.assert_array_equal(together, apart)


@pytest.mark.parametrize("kind", NAIVE)
def test_before_the_first_row_nothing_is_known(kind: type[Baseline]):
    model = kind.fit(panel(WALK), horizon=2)
    assert np.isnan(model.rolling(panel(WALK), np.zeros(1, int), np.zeros(1, int))).all()
    assert model.rolling(panel(WALK), np.zeros(1, int), np.ones(1, int)).ravel().tolist() == [WALK[0]] * 2


@pytest.mark.parametrize("kind", NAIVE)
def test_the_usual_season_is_one(kind: type[Baseline]):
    assert kind(horizon=3).season == kind.fit(panel(WALK), horizon=3).season == 1
    longer = kind(horizon=3, season=7).to(5)
    assert (longer.horizon, longer.season) == (5, 7)


@pytest.mark.parametrize("kind", NAIVE)
def test_each_series_has_its_own_forecast(kind: type[Baseline]):
    both = panel([np.stack([WALK, 2 * WALK], 1), np.stack([WALK[:9], WALK[:9] + 5], 1)])
    found = kind.fit(both, horizon=2, season=3).forecast(both)
    assert found.shape == (2, 2, 2)
    assert found[0, :, 1].tolist() == forecast(kind, 2 * WALK, 2, season=3)
    assert found[1, :, 0].tolist() == forecast(kind, WALK[:9], 2, season=3)


@pytest.mark.parametrize("kind", NAIVE)
def test_what_cannot_be_fitted_is_refused(kind: type[Baseline]):
    with pytest.raises(BadInput, match="at least 1, got 0 and 1"):
        kind.fit(panel(WALK), horizon=0)
    with pytest.raises(BadInput, match="at least 1, got 1 and 0"):
        kind.fit(panel(WALK), horizon=1, season=0)
    with pytest.raises(BadInput, match="holds no number"):  # one of two
        kind.fit(panel(np.stack([WALK, np.full(60, np.nan)], 1)), horizon=1)
    with pytest.raises(BadInput, match="series 'oslo': a column to forecast holds no number"):
        hollow = Series(name="oslo", values=np.full((5, 1), np.nan))
        kind.fit(Panel(columns=("y",), series=(hollow,), targets=("y",)), horizon=1)


def test_values_known_ahead_have_their_shape():
    whole = Panel(
        columns=("y", "x"), series=(Series(name="", values=np.ones((5, 2))),), targets=("y",), known=("x",)
    )
    model = LastValue.fit(whole, horizon=2)
    assert model.forecast(whole, ahead=np.zeros((1, 2, 1))).ravel().tolist() == [1, 1]
    with pytest.raises(BadInput, match=r"\(1, 2, 1\), got \(1, 1, 1\)"):
        model.forecast(whole, ahead=np.zeros((1, 1, 1)))


def test_each_column_has_a_line_of_its_own():
    """The first one is known in rows 1 and 2, the second in rows 0 and 2; the forecast is of rows 4 and 5."""
    whole = panel(np.array([[np.nan, 1.0], [2.0, np.nan], [4.0, 3.0], [np.nan, np.nan]]))
    assert Drift(horizon=2).forecast(whole)[0].tolist() == [[8.0, 5.0], [10.0, 6.0]]
    assert LastValue(horizon=2).forecast(whole)[0].tolist() == [[4.0, 3.0]] * 2
    season = SeasonalNaive(horizon=3, season=2).forecast(whole)[0]
    np.testing.assert_array_equal(season, [[4.0, 3.0], [2.0, np.nan], [4.0, 3.0]])
    early = Drift(horizon=2).rolling(whole, np.zeros(2, int), np.array([1, 2]))
    np.testing.assert_array_equal(early, [[[np.nan, 1.0]] * 2, [[2.0, 1.0]] * 2])


def test_rows_to_forecast_hold_what_is_known_ahead_and_nothing_else():
    both = [Series(name=name, values=np.full((size, 3), float(size))) for name, size in (("a", 2), ("b", 4))]
    whole = Panel(columns=("p", "y", "q"), series=tuple(both), targets=("y",), known=("p", "q"))
    ahead = np.arange(12.0).reshape(2, 3, 2)
    longer = _longer(whole, 3, ahead)
    for one, size, known in zip(longer.series, (2, 4), ahead, strict=True):
        assert (one.values[:size] == size).all() and len(one) == size + 3
        np.testing.assert_array_equal(one.values[size:, [0, 2]], known)
        assert np.isnan(one.values[size:, 1]).all()
    assert np.isnan(_longer(whole, 3, None).series[0].values[2:]).all()
