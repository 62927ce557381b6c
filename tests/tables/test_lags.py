"""Rows of lags hold what came before, in the right order, and nothing of what comes after."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.lags import Lagged, filled_forward, lagged
from wavetrain.tables.panel import Panel, Series, panel

DICE = np.random.default_rng(0)
WALK = DICE.normal(size=(60, 2)).cumsum(0)


def at(whole: Panel, rows: list[int], series: int = 0, **words: int) -> Lagged:
    sizes = {"count": 4, "horizon": 3, "season": 2, **words}
    return lagged(whole, np.full(len(rows), series), np.array(rows), **sizes)


def test_the_newest_value_is_first_and_is_there():
    one = at(panel([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]), [4], count=3)
    assert one.last.item() == 8.0
    assert (one.lags * one.unit[..., None] + one.last[..., None]).ravel() == pytest.approx([4.0, 2.0, 1.0])
    assert (one.season * one.unit[..., None] + one.last[..., None]).ravel() == pytest.approx([4.0, 8.0, 4.0])
    assert one.restored(one.wanted)[0, :2, 0] == pytest.approx([16.0, 32.0])
    assert np.isnan(one.wanted[0, 0, 2])


def test_what_comes_later_is_not_read():
    later = WALK.copy()
    later[30:] = 1e9
    one, other = at(panel(WALK), [30]), at(panel(later), [30])
    for part in ("lags", "season", "last", "unit"):
        assert (getattr(one, part) == getattr(other, part)).all()


def test_a_hundred_times_the_series_has_the_same_rows():
    one, other = at(panel(WALK), [10, 30]), at(panel(100 * WALK + 1e4), [10, 30])
    np.testing.assert_allclose(one.lags, other.lags, atol=1e-9)
    np.testing.assert_allclose(100 * one.unit, other.unit)
    np.testing.assert_allclose(one.weight, other.weight)


def test_series_never_meet():
    """The second of two begins with a hole, and the first ends with 7."""
    whole = panel([np.full(10, 7.0), np.array([np.nan, 3.0, 4.0, 5.0])])
    one = at(whole, [1, 3], series=1)
    assert np.isnan(one.last[0, 0]) and one.last[1, 0] == 4.0
    assert np.isnan(one.lags[1, 0, 1:]).all()


def test_windows_stand_in_the_order_that_is_asked_for():
    whole = panel([np.arange(9.0), 100 + np.arange(9.0)])
    one = lagged(whole, np.array([1, 0, 1]), np.array([5, 6, 3]), count=2, horizon=1, season=1)
    assert one.last.ravel().tolist() == [104.0, 5.0, 102.0]


def test_holes_are_filled_from_the_past():
    y = np.array([[np.nan], [1.0], [np.nan], [3.0]])
    assert filled_forward(y).ravel()[1:].tolist() == [1.0, 1.0, 3.0] and np.isnan(filled_forward(y)[0, 0])
    assert filled_forward(y, 2).ravel()[1:].tolist()[0::2] == [1.0, 3.0]
    assert np.isnan(filled_forward(y, 2)[2, 0])


def test_a_flat_series_has_a_unit():
    one = at(panel(np.full(20, 5.0)), [10])
    assert (
        one.unit.item() > 0
        and (one.lags == 0).all()
        and one.restored(one.wanted).ravel().tolist() == [5.0] * 3
    )


def test_columns_known_ahead_are_those_of_each_step():
    values = np.stack([np.arange(9.0), 10 * np.arange(9.0)], 1)
    whole = Panel(
        columns=("y", "plan"), series=(Series(name="", values=values),), targets=("y",), known=("plan",)
    )
    assert at(whole, [4]).ahead.ravel().tolist() == [40.0, 50.0, 60.0]


def test_sizes_below_one_are_refused():
    with pytest.raises(BadInput, match="count of at least 1, got 0"):
        at(panel(WALK), [5], count=0)


def test_a_window_of_two_columns_by_hand():
    """Rows 1 to 3 are read before row 4; the second column was not measured in row 2."""
    y = np.array([[9.0, -3.0], [1.0, 10.0], [2.0, np.nan], [6.0, 40.0], [7.0, 100.0], [np.nan, 20.0]])
    one = at(panel(y), [4], count=2, horizon=2, season=2)
    units = np.array([np.std([1, 2, 6]), np.std([10, 10, 40])])
    np.testing.assert_allclose(one.last, [[6.0, 40.0]])
    np.testing.assert_allclose(one.unit[0], units)
    np.testing.assert_allclose(
        one.lags[0], [[-4 / units[0], -5 / units[0]], [-30 / units[1], -30 / units[1]]]
    )
    np.testing.assert_allclose(one.season[0] * units[:, None], [[-4, 0], [-30, 0]], atol=1e-12)
    np.testing.assert_allclose(one.wanted[0] * units[:, None], [[1, np.nan], [60, -20]], atol=1e-12)
    assert one.weight.tolist() == [[1.0, 1.0]] and one.ahead.shape == (1, 2, 0)


def test_errors_in_small_units_weigh_little():
    """A twentieth of the deviation of the whole series is the least unit in which they count."""
    y = np.r_[0.0, 0.02, 0.0, 5.0, np.nan, -5.0][:, None] * [1.0, 1000.0]
    one = at(panel(y), [3], count=2)
    least = 0.05 * np.std([0.0, 0.02, 0.0, 5.0, -5.0])
    unit = np.std([0.0, 0.02, 0.0])
    assert unit < least
    np.testing.assert_allclose(one.weight, [[unit / least] * 2])


@pytest.mark.parametrize(("level", "unit"), [(0.0, 1e-30), (5.0, 5e-9), (-5.0, 5e-9)])
def test_the_unit_of_what_does_not_vary(level: float, unit: float):
    assert at(panel(np.full(9, level)), [6]).unit.item() == pytest.approx(unit, rel=1e-12, abs=0)


@pytest.mark.parametrize("size", ["count", "horizon", "season"])
def test_each_size_is_one_at_least(size: str):
    assert at(panel(WALK), [5], **{size: 1}).last.shape == (1, 2)
    for wrong in (0, -1):
        with pytest.raises(BadInput, match=f"{size} of at least 1, got {wrong}"):
            at(panel(WALK), [5], **{size: wrong})


def test_a_season_longer_than_the_series_fills_nothing():
    y = np.array([[1.0], [np.nan], [3.0]])
    np.testing.assert_array_equal(filled_forward(y, 7), y)
    assert filled_forward(np.zeros((0, 2))).shape == (0, 2)
