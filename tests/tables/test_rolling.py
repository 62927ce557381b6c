"""Everyone forecasts the same windows, each from what lies before it, and each window counts once."""

import inspect

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tables.baselines import LastValue, SeasonalNaive
from wavetrain.tables.panel import Panel, Series, panel
from wavetrain.tables.ridge import Ridge
from wavetrain.tables.rolling import Metric, enough, evaluate, origins

DICE = np.random.default_rng(0)
WALK = DICE.normal(size=(211, 2)).cumsum(0)
RAMP = panel(np.arange(60.0))


@pytest.mark.parametrize("together", [1, 16, 64, 1000])
def test_the_size_of_a_batch_changes_nothing(together: int):
    """Of 170 windows the last batch is short, and they have errors of different size."""
    whole = panel(WALK * np.linspace(1, 50, 211)[:, None])
    model = Ridge.fit(whole.cut(0, 40), horizon=2, lags=(4,), alphas=(1e-3,))
    one = evaluate(model.rolling, whole, 40, 2, together=together)
    other = evaluate(model.rolling, whole, 40, 2)
    for mine, theirs in zip(one.scores(), other.scores(), strict=True):
        assert mine.value == pytest.approx(theirs.value, rel=1e-6)
        assert mine.windows == 170 and "170 windows of 1 series" in str(mine)


def test_the_scale_of_a_window_knows_nothing_of_what_follows():
    y = panel([0.0, 1, 2, 3, 13, 23, 33, 43])
    first = evaluate(LastValue(horizon=1).rolling, y, 4, 1, apart=10)
    assert first.mase().value == 10.0
    every = evaluate(LastValue(horizon=1).rolling, y, 4, 1)
    assert every.scale.ravel() == pytest.approx([1, 13 / 4, 23 / 5, 33 / 6])


def test_a_ramp_is_missed_by_a_step_for_each_step():
    found = evaluate(LastValue(horizon=5).rolling, RAMP, 30, 5)
    assert np.abs(found.truth - found.forecast).mean(0).ravel().tolist() == [1, 2, 3, 4, 5]
    assert found.rows.tolist() == list(range(30, 56)) and found.mae().value == 3.0


def test_windows_without_a_forecast_are_counted():
    found = evaluate(SeasonalNaive(horizon=4, season=12).rolling, RAMP, 10, 4).mae()
    assert np.isnan(found.value) and found.missing == 2 and found.windows == 45


def test_truth_that_is_missing_is_left_out():
    y = np.arange(30.0)
    y[25] = np.nan
    found = evaluate(LastValue(horizon=2).rolling, panel(y), 20, 2).mae()
    assert (found.windows, found.points, found.missing) == (9, 16, 0)


def test_each_series_counts_alike_in_mase_and_has_its_own_scale():
    """The second is flat, so it has no scale."""
    both = panel([np.arange(40.0), np.full(20, 5.0), 1e6 * np.arange(30.0)])
    found = evaluate(LastValue(horizon=1).rolling, both, -10, 1).mase()
    assert found.value == pytest.approx(1.0) and found.undefined == 1 and found.scored == 2


def test_first_rows_may_differ_and_windows_may_be_some_of_all():
    both = panel([np.zeros(20), np.zeros(30)])
    series, rows = origins(both, [18, 25], 2)
    assert series.tolist() == [0, 1, 1, 1, 1] and rows.tolist() == [18, 25, 26, 27, 28]
    assert origins(both, 10, 1, most=3)[1].tolist() == [10, 14, 29]
    assert origins(both, [10, 10], 1, apart=6)[1].tolist() == [10, 16, 10, 16, 22, 28]


def test_the_same_windows_are_forecast_by_a_network():
    """A function of the same form over `Forecaster`."""
    from wavetrain.estimators import Forecaster
    from wavetrain.estimators._forecast import made

    model = Forecaster("elman", horizon=3, width=4, depth=1, steps=2).fit(WALK[:150])

    def rolls(whole: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return made(model.network_, model._windows(whole), series, rows).value.numpy()

    found = evaluate(rolls, panel(WALK), 150, 3)
    naive = evaluate(LastValue(horizon=3).rolling, panel(WALK), 150, 3)
    assert (found.rows == naive.rows).all() and (found.truth == naive.truth).all()
    last = model.predict(WALK[:170]).value[0]
    np.testing.assert_allclose(found.forecast[20], last, rtol=1e-5)
    assert found.mase().whole and not torch.is_tensor(found.forecast)


def test_what_cannot_be_evaluated_is_refused():
    naive = LastValue(horizon=2).rolling
    with pytest.raises(BadInput, match="a row before the first forecast"):
        evaluate(naive, RAMP, 0, 2)
    for first in (-60, -61, -100):
        with pytest.raises(BadInput, match="a row before the first forecast"):
            evaluate(naive, RAMP, first, 2)
    assert evaluate(naive, RAMP, -59, 2).rows.tolist() == list(range(1, 59))
    with pytest.raises(BadInput, match="expected 2 rows to forecast behind a first row, got 1 at most"):
        evaluate(naive, RAMP, 59, 2)
    with pytest.raises(BadInput, match="each of 1 series, got 2"):
        evaluate(naive, RAMP, [3, 4], 2)
    with pytest.raises(BadInput, match=r"forecasts \(28, 3, 1\), got \(28, 2, 1\)"):
        evaluate(naive, RAMP, 30, 3)


def test_an_infinite_history_is_named():
    with pytest.raises(BadInput, match="series 'oslo': row 4 is infinite"):
        Series(name="oslo", values=np.array([[1.0], [2], [3], [np.inf]]))


@pytest.mark.parametrize(("horizon", "apart"), [(0, 1), (1, 0), (-1, 1), (1, -1)])
def test_horizons_and_rows_apart_are_one_at_least(horizon: int, apart: int):
    with pytest.raises(BadInput, match=f"of at least 1, got {horizon} and {apart}"):
        origins(RAMP, 30, horizon, apart=apart)


def test_what_is_ranked_by_is_the_score_of_its_name():
    found = evaluate(LastValue(horizon=2).rolling, panel(WALK), 150, 2, season=3)
    each = {"mase": found.mase(), "mae": found.mae(), "rmse": found.rmse(), "smape": found.smape()}
    assert {one.value: one.of(found).name for one in Metric} == {name: each[name].name for name in each}
    assert [one.value for one in found.scores()] == [
        each[name].value for name in ("mae", "rmse", "mase", "smape")
    ]
    assert found.mase().name == "MASE (season 3)" and found.horizon == 2


def test_usual_sizes():
    usual = inspect.signature(evaluate).parameters
    assert {name: usual[name].default for name in ("season", "apart", "most", "together")} == {
        "season": 1,
        "apart": 1,
        "most": 20_000,
        "together": 4096,
    }
    assert [enough(horizon=horizon, targets=2) for horizon in (200, 201, 10**6, 10**7)] == [5000, 4975, 1, 1]
    long = panel(np.zeros(20_010))
    assert len(origins(long, 9, 2)[1]) == 20_000 == len(origins(long, 10, 1)[1])
