"""Metrics have the values that one can work out by hand, and what is missing never makes them better."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables import metrics
from wavetrain.tables.score import Score

DICE = np.random.default_rng(0)
TRUTH, FORECAST = DICE.normal(size=(170, 3, 2)), DICE.normal(size=(170, 3, 2))
BEFORE = np.array([10.0, 20, 30, 40, 12, 22, 32, 42])
AFTER = {"truth": np.array([14.0, 24, 34, 44]), "forecast": np.array([12.0, 22, 32, 42])}
SYMMETRIC = (metrics.mae, metrics.rmse, metrics.smape)


def of_season(season: int) -> Score:
    scale = np.array([metrics.seasonal_scale(BEFORE, season=season)])
    return metrics.mase(**AFTER, scale=scale, season=season)


def test_mase_of_a_worked_example():
    assert of_season(4).value == pytest.approx(1.0)
    assert of_season(1).value == pytest.approx(0.159091, abs=1e-6)
    assert of_season(4).name == "MASE (season 4)"


def test_mase_is_a_mean_of_ratios():
    """Not a ratio of means, in which the larger series would be all that counts."""
    truth, forecast = np.array([[10.0], [1000.0], [1000.0]]), np.array([[9.0], [990.0], [970.0]])
    found = metrics.mase(
        truth=truth,
        forecast=forecast,
        scale=np.array([1.0, 10.0, 10.0]),
        season=1,
        series=np.array([7, 3, 3]),
    )
    assert found.value == pytest.approx((1.0 + 2.0) / 2)
    assert found.series.tolist() == [2.0, 1.0]  # in the order of their numbers


def test_each_window_has_the_scale_of_the_rows_before_it():
    y = np.array([0.0, 1, 2, 3, 13, 23, 33, 43])[:, None]
    scale = metrics.seasonal_scales(y, np.array([4, 8]), season=1)
    assert scale.ravel() == pytest.approx([1.0, 43 / 7])
    found = metrics.mase(truth=y[4:5], forecast=y[3:4], scale=scale[:1], season=1)
    assert found.value == 10.0


def test_pairs_with_a_hole_are_left_out_of_the_scale():
    y = np.array([0.0, np.nan, 4.0, 5.0, 9.0])
    assert metrics.seasonal_scale(y, season=1) == 2.5
    assert np.isnan(metrics.seasonal_scale(y[:3], season=1))


def test_a_series_without_a_scale_is_left_out_and_counted():
    truth, forecast = np.array([[5.0, 5.0], [3.0, 4.0]]), np.array([[5.0, 6.0], [1.0, 4.0]])
    scale = [metrics.seasonal_scale(one, season=1) for one in (np.full(20, 5.0), np.arange(20.0))]
    found = metrics.mase(truth=truth, forecast=forecast, scale=np.array(scale), season=1)
    assert (found.value, found.undefined, found.windows) == (1.0, 1, 1)
    assert np.isnan(found.series[0]) and found.series[1] == 1.0
    assert "1 of 2 undefined" in str(found)


def test_a_scale_needs_one_pair_of_rows_before_the_forecast():
    y = np.array([[1.0], [4.0], [9.0]])
    found = metrics.seasonal_scales(y, np.array([0, 1, 2, 3]), season=1).ravel()
    np.testing.assert_array_equal(found, [np.nan, np.nan, 3.0, 4.0])
    np.testing.assert_array_equal(
        metrics.seasonal_scales(y, np.array([2, 3]), season=2).ravel(), [np.nan, 8.0]
    )


def test_an_interval_without_width_holds_its_ends():
    one = np.ones(1)
    assert metrics.coverage(truth=one, low=one, high=one).value == 1.0
    assert metrics.width(truth=one, low=one, high=one).value == 0.0


@pytest.mark.parametrize("season", [0, -1, 8, 9])
def test_a_season_without_pairs_is_refused(season: int):
    with pytest.raises(BadInput, match=f"got {season}"):
        metrics.seasonal_scale(BEFORE, season=season)


def test_smape_of_worked_examples():
    one = metrics.smape(truth=np.array([0.0, 2, 3]), forecast=np.array([0.0, 2, 3]))
    assert one.value == 0.0 and "0 to 200" in one.name
    assert metrics.smape(truth=np.array([100.0]), forecast=np.array([50.0])).value == pytest.approx(200 / 3)
    for truth, forecast in ((-3.0, 4.0), (0.0, -1.0), (-2.0, -1.0)):
        assert 0 <= metrics.smape(truth=np.array([truth]), forecast=np.array([forecast])).value <= 200


def test_quantile_loss_knows_which_is_the_truth():
    one = {"truth": np.array([10.0]), "forecast": np.array([8.0])}
    assert metrics.quantile_loss(**one, level=0.9).value == pytest.approx(1.8)
    swapped = {"truth": one["forecast"], "forecast": one["truth"]}
    assert metrics.quantile_loss(**swapped, level=0.9).value == pytest.approx(0.2)
    both = {"truth": np.array([10.0, 8.0]), "forecast": np.array([8.0, 10.0])}
    assert metrics.quantile_loss(**both, level=0.9).value == pytest.approx(1.0)
    with pytest.raises(TypeError):
        metrics.quantile_loss(np.array([10.0]), np.array([8.0]), 0.9)
    with pytest.raises(BadInput, match="got 90"):
        metrics.quantile_loss(**one, level=90)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5])
def test_a_level_that_is_none_is_refused(level: float):
    with pytest.raises(BadInput, match=f"level between 0 and 1, got {level}"):
        metrics.quantile_loss(truth=np.ones(1), forecast=np.ones(1), level=level)


def test_what_windows_add_to_a_root_is_a_line_near_its_value():
    """Errors of 1 and 7: the root of 25, and (1 - 25) / 2 and (49 - 25) / 2 over twice that root."""
    found = metrics.rmse(truth=np.zeros((2, 1)), forecast=np.array([[1.0], [7.0]]))
    assert found.value == 5.0 and found.parts == pytest.approx([2.5 - 1.2, 2.5 + 1.2])
    assert metrics.rmse(truth=np.zeros((2, 1)), forecast=np.zeros((2, 1))).parts.tolist() == [0.0, 0.0]
    small = metrics.rmse(truth=np.zeros((2, 1)), forecast=np.array([[0.1], [0.7]]))
    assert small.parts == pytest.approx([0.13, 0.37])


def test_totals_go_on_where_rows_were_left_out():
    y = np.array([[0.0], [1.0], [4.0], [np.nan], [9.0], [11.0]])
    whole = metrics.seasonal_totals(y, np.array([6]), season=1)
    assert [one.item() for one in whole] == [6.0, 3.0]
    first = metrics.seasonal_totals(y, np.array([3]), season=1)
    later = metrics.seasonal_totals(y[2:], np.array([4]), season=1, before=(first[0][0], first[1][0]))
    assert [one.item() for one in later] == [6.0, 3.0]
    none = metrics.seasonal_totals(y[:2], np.array([2]), season=2)
    assert [one.item() for one in none] == [0.0, 0.0]
    with pytest.raises(BadInput, match="season of at least 1, got 0"):
        metrics.seasonal_totals(y, np.array([6]), season=0)


@pytest.mark.parametrize("metric", SYMMETRIC)
def test_a_missing_forecast_is_no_better_score(metric):
    truth = np.array([[1.0, 2.0], [3.0, 4.0]])
    for hole in (np.nan, np.inf):
        found = metric(truth=truth, forecast=np.array([[hole, hole], [3.0, 4.0]]))
        assert np.isnan(found.value) and not found.whole
        assert (found.missing, found.windows, found.points) == (1, 1, 2)
        assert np.isnan(found.series[0]) and found.series[1] == 0.0
    assert "1 window without a forecast" in str(found)


def test_a_missing_forecast_is_no_better_mase():
    truth = np.array([[1.0, 2.0], [3.0, 4.0]])
    forecast = np.array([[1.0, np.nan], [3.0, 5.0]])
    found = metrics.mase(truth=truth, forecast=forecast, scale=np.ones(2), season=1)
    assert np.isnan(found.value) and found.missing == 1 and found.series[1] == 0.5
    assert np.isnan(found.series[0])


def test_truth_that_is_missing_counts_neither_above_nor_below():
    found = metrics.mae(truth=np.array([1, np.nan, 3]), forecast=np.array([1.0, 9, 2]))
    assert (found.value, found.points) == (0.5, 2)
    hidden = metrics.mae(truth=np.array([1, np.nan, 3]), forecast=np.array([1.0, np.nan, 2]))
    assert hidden.value == 0.5 and hidden.missing == 0
    nothing = metrics.mae(truth=np.full(2, np.nan), forecast=np.zeros(2))
    assert np.isnan(nothing.value) and nothing.windows == 0 and nothing.undefined == 1


@pytest.mark.parametrize("metric", SYMMETRIC)
def test_windows_add_up_to_the_score(metric):
    truth = TRUTH.copy()
    truth[DICE.random(truth.shape) < 0.2] = np.nan
    found = metric(truth=truth, forecast=FORECAST, series=np.arange(170) % 4)
    assert found.parts.sum() == pytest.approx(found.value)
    assert found.shares.sum() == pytest.approx(1.0)
    assert found.windows == 170 and found.points == np.isfinite(truth).sum()


def test_windows_add_up_to_the_mase_over_series():
    scale = np.where(np.arange(170) % 4 == 1, 0.0, 1.0 + np.arange(170) % 7)
    found = metrics.mase(
        truth=TRUTH, forecast=FORECAST, scale=scale, season=2, series=np.where(np.arange(170) < 100, 0, 1)
    )
    assert found.parts.sum() == pytest.approx(found.value) and found.shares.sum() == pytest.approx(1.0)
    assert found.value == pytest.approx(np.nanmean(found.series))
    assert found.value == pytest.approx(np.nanmean(found.targets))


def test_columns_have_scores_of_their_own():
    found = metrics.rmse(truth=TRUTH, forecast=FORECAST)
    each = [metrics.rmse(truth=TRUTH[..., one], forecast=FORECAST[..., one]).value for one in range(2)]
    assert found.targets == pytest.approx(each)


def test_a_short_batch_counts_for_what_it_holds():
    """Of 256, 256 and 10 windows with errors of 0.7, 0.8 and 0.9."""
    error = np.repeat([0.7, 0.8, 0.9], [256, 256, 10])[:, None]
    assert metrics.mae(truth=error, forecast=0 * error).value == pytest.approx(0.7529, abs=5e-5)


def test_coverage_and_width():
    y, low, high = np.array([[0.0, 1.0, np.nan, 5.0]]), np.zeros((1, 4)), np.array([[1.0, 1.0, 2.0, 2.0]])
    assert metrics.coverage(truth=y, low=low, high=high).value == pytest.approx(2 / 3)
    assert metrics.width(truth=y, low=low, high=high).value == pytest.approx(4 / 3)
    wide = metrics.coverage(truth=y, low=low - np.inf, high=high + np.inf)
    assert wide.value == 1.0 and wide.whole
    holes = np.where(np.arange(4) == 3, np.nan, high)
    assert metrics.coverage(truth=y, low=low, high=holes).missing == 1
    with pytest.raises(BadInput, match="low end lies below"):
        metrics.coverage(truth=y, low=high, high=low)


def test_shapes_that_differ_are_refused():
    with pytest.raises(BadInput, match=r"got \(3,\), \(2,\)"):
        metrics.mae(truth=np.zeros(3), forecast=np.zeros(2))
    with pytest.raises(BadInput, match=r"got \(1, 1, 1, 1\)"):
        metrics.mae(truth=np.zeros((1, 1, 1, 1)), forecast=np.zeros((1, 1, 1, 1)))
    with pytest.raises(BadInput, match="of each of 2 windows"):
        metrics.mae(truth=np.zeros((2, 3)), forecast=np.zeros((2, 3)), series=np.zeros(3))
