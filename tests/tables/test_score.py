"""A score by hand: what is left out, what is missing, what each window adds, and how it is told."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.score import Score, averaged

NAN = np.nan
# windows (4, 2 steps, 2 columns); the last cell of window 2 was not measured
TERMS = np.array([[[1, 10], [3, 20]], [[5, 30], [7, 50]], [[2, 60], [4, 0]], [[6, 80], [8, 90]]], float)
LEFT = np.zeros(TERMS.shape, bool)
LEFT[2, 1, 1] = True
IDS = np.array(["a", "a", "b", "b"])


def of(
    terms: np.ndarray = TERMS, left: np.ndarray = LEFT, over_series: bool = False, **more: object
) -> Score:
    return averaged("M", terms, more.get("series", IDS), left, over_series=over_series)  # type: ignore[arg-type]


def test_the_mean_of_all_terms():
    found = of()
    assert (found.name, found.windows, found.points, found.missing, found.undefined) == ("M", 4, 15, 0, 0)
    assert found.value == pytest.approx((36 + 340) / 15)
    np.testing.assert_allclose(found.series, [(16 + 110) / 8, (20 + 230) / 7])
    np.testing.assert_allclose(found.targets, [36 / 8, 340 / 7])
    np.testing.assert_allclose(found.parts, np.array([34, 92, 66, 184]) / 15)
    np.testing.assert_allclose(found.shares, np.array([4, 4, 3, 4]) / 15)
    assert found.scored == 2 and found.whole


def test_the_mean_of_the_means_of_each_column_of_each_series():
    found = of(over_series=True)
    each = np.array([[16 / 4, 110 / 4], [20 / 4, 230 / 3]])
    assert found.value == pytest.approx(each.mean())
    np.testing.assert_allclose(found.series, each.mean(1))
    np.testing.assert_allclose(found.targets, each.mean(0))
    parts = [4 / 4 + 30 / 4, 12 / 4 + 80 / 4, 6 / 4 + 60 / 3, 14 / 4 + 170 / 3]
    np.testing.assert_allclose(found.parts, np.array(parts) / 4)
    np.testing.assert_allclose(found.shares, [1 / 4, 1 / 4, (2 / 4 + 1 / 3) / 4, (2 / 4 + 2 / 3) / 4])


@pytest.mark.parametrize("over_series", [False, True])
def test_without_ids_each_window_is_a_series(over_series: bool):
    found = averaged("M", TERMS, None, LEFT, over_series=over_series)
    assert found.series.shape == (4,) and found.scored == 4
    each = [TERMS[row][~LEFT[row]].mean() for row in range(4)]
    wanted = [*each[:2], (3 + 60) / 2, each[3]] if over_series else each
    np.testing.assert_allclose(found.series, wanted)
    assert found.parts is not None and found.shares is not None
    assert found.parts.sum() == pytest.approx(found.value) and found.shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("over_series", [False, True])
def test_a_forecast_that_is_missing_leaves_no_value(over_series: bool):
    terms = TERMS.copy()
    terms[0, 1, 0] = NAN
    found = of(terms, over_series=over_series)
    assert np.isnan(found.value) and not found.whole
    assert (found.missing, found.windows, found.points, found.undefined) == (1, 3, 11, 0)
    assert np.isnan(found.series).tolist() == [True, False] and found.scored == 1
    assert np.isnan(found.targets).tolist() == [True, False]
    assert found.parts is not None and np.isnan(found.parts).tolist() == [True, False, False, False]
    hidden = LEFT.copy()
    hidden[0, 1, 0] = True  # what was not measured needs no forecast
    assert of(terms, hidden, over_series).whole and of(terms, hidden, over_series).missing == 0


@pytest.mark.parametrize("over_series", [False, True])
def test_a_column_of_which_nothing_was_measured_counts_nowhere(over_series: bool):
    left = LEFT.copy()
    left[:2, :, 1] = True
    found = of(left=left, over_series=over_series)
    assert found.undefined == 1 and found.whole and found.windows == 4
    np.testing.assert_allclose(found.series[0], 4)
    value = (4 + 5 + 230 / 3) / 3 if over_series else (36 + 230) / 11
    assert found.value == pytest.approx(value)
    nothing = of(left=np.ones_like(LEFT), over_series=over_series)
    assert np.isnan(nothing.value) and (nothing.windows, nothing.points, nothing.undefined) == (0, 0, 4)
    assert nothing.scored == 0 and nothing.parts is not None and not nothing.parts.any()


def test_the_series_of_each_window_are_asked_for():
    with pytest.raises(BadInput) as caught:
        of(series=IDS[:3])
    assert str(caught.value) == "expected the series of each of 4 windows, got (3,)"


@pytest.mark.parametrize(
    ("windows", "points", "missing", "undefined", "told"),
    [
        (1, 1, 0, 0, "M 1.235 (1 window of 1 series, 1 value)"),
        (2, 0, 0, 0, "M 1.235 (2 windows of 1 series, 0 values)"),
        (
            2,
            2,
            1,
            3,
            "M 1.235 (2 windows of 1 series, 2 values; 1 window without a forecast; 3 of 6 undefined)",
        ),
        (2, 2, 2, 0, "M 1.235 (2 windows of 1 series, 2 values; 2 windows without a forecast)"),
    ],
)
def test_a_score_in_words(windows: int, points: int, missing: int, undefined: int, told: str):
    found = Score(
        name="M",
        value=1.23456,
        series=np.array([1.0, NAN]),
        targets=np.ones(3),
        windows=windows,
        points=points,
        missing=missing,
        undefined=undefined,
    )
    assert str(found) == told and found.parts is None and found.shares is None


def test_nothing_is_missing_where_it_is_not_said():
    plain = Score(name="M", value=1.0, series=np.ones(1), targets=np.ones(1), windows=1, points=1)
    assert (plain.missing, plain.undefined) == (0, 0)
