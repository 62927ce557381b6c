"""Half-widths belong to their step, to their series and to the units that are reported."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.baselines import Drift, LastValue, SeasonalNaive
from wavetrain.tables.intervals import half_widths
from wavetrain.tables.panel import Panel, Series, panel

DICE = np.random.default_rng(0)
RAMP = panel(np.arange(60.0))


def test_each_step_has_its_own_errors():
    last = LastValue(horizon=5)
    assert half_widths(last.rolling, RAMP, horizon=5).ravel().tolist() == [1, 2, 3, 4, 5]
    assert half_widths(Drift(horizon=5).rolling, RAMP, horizon=5).ravel().tolist() == [0] * 5


def test_a_random_walk_grows_by_the_root_of_the_step():
    """Not by the step, as a margin of differences that is summed would."""
    walk = panel(DICE.normal(size=4000).cumsum())
    width = half_widths(LastValue(horizon=16).rolling, walk, horizon=16, windows=3000).ravel()
    assert 3 < width[15] / width[0] < 5


def test_a_longer_horizon_changes_no_earlier_step():
    y = panel(np.tile(np.arange(6.0), 20) + 0.1 * DICE.normal(size=120))
    short, longer = (
        half_widths(SeasonalNaive(horizon=h, season=6).rolling, y.cut(0, 113 + h), horizon=h, windows=40)
        for h in (6, 7)
    )
    np.testing.assert_allclose(short[0, :, 0], longer[0, :6, 0])


def test_new_errors_lie_within_as_often_as_promised():
    hits = []
    for _ in range(300):
        y = DICE.normal(size=60)
        width = half_widths(
            SeasonalNaive(horizon=1, season=1).rolling, panel(y[:59]), horizon=1, coverage=0.8
        )
        hits.append(abs(y[59] - y[58]) <= width.item())
    assert 0.74 < np.mean(hits) < 0.86


def test_each_series_has_its_own_width():
    both = panel([np.arange(40.0), 100 * np.arange(30.0)])
    found = half_widths(LastValue(horizon=1).rolling, both, horizon=1)
    assert found.ravel().tolist() == [1.0, 100.0]


def test_what_is_too_short_is_told_with_the_formula():
    y = Series(name="oslo", values=np.arange(156.0)[:, None])
    whole = Panel(columns=("y",), series=(y,), targets=("y",))
    last = LastValue(horizon=52).rolling
    assert half_widths(last, whole, horizon=52, windows=3, coverage=0.75).shape == (1, 52, 1)
    assert half_widths(last, whole.cut(0, 55), horizon=52, windows=3, coverage=0.75)[0, -1, 0] == 52
    with pytest.raises(BadInput, match=r"need 157 rows .* series 'oslo' has 156"):
        half_widths(last, whole, horizon=52, windows=3, apart=52, coverage=0.75)
    with pytest.raises(BadInput, match=r"coverage of 0\.9 needs at least 9 windows, got 3"):
        half_widths(last, whole, horizon=52, windows=3)
    with pytest.raises(BadInput, match="9 windows, 1 rows apart, of a horizon of 52 need 61 rows"):
        half_widths(last, whole.cut(0, 60), horizon=52)


def test_as_many_windows_as_there_are_and_a_hundred_at_most():
    """Errors of a series that is flat but for its first rows: they count where a window reaches them."""
    last = LastValue(horizon=1).rolling
    for rows, seen in ((100, True), (101, True), (102, False)):
        y = np.zeros(rows)
        y[0] = 1.0  # the first forecast errs, if it is made
        widest = half_widths(last, panel(y), horizon=1, coverage=0.99).item()
        assert (widest == 1.0) == seen, rows
    steps = half_widths(last, panel(np.arange(41.0)), horizon=1, apart=4, coverage=0.9)
    assert steps.item() == 1.0  # ten windows, where nine are needed
    with pytest.raises(BadInput, match="9 windows, 4 rows apart, of a horizon of 1 need 34 rows"):
        half_widths(last, panel(np.arange(33.0)), horizon=1, apart=4)
    with pytest.raises(BadInput, match="one phase of the season of 2"):
        half_widths(last, RAMP, horizon=1, apart=4, season=2)


def test_the_first_series_without_a_forecast_is_named():
    def rolls(whole: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.where(series > 0, np.nan, 0.0)[:, None, None]

    with pytest.raises(BadInput, match="series '1': expected a forecast at each origin"):
        half_widths(rolls, panel([np.arange(40.0)] * 3), horizon=1)


def test_origins_meet_every_phase():
    with pytest.raises(BadInput, match="one phase of the season of 24"):
        half_widths(LastValue(horizon=24).rolling, RAMP, horizon=24, apart=24, season=24)


def test_a_forecast_that_is_missing_is_no_narrow_interval():
    with pytest.raises(BadInput, match="a forecast at each origin"):
        half_widths(SeasonalNaive(horizon=2, season=30).rolling, RAMP, horizon=2, windows=40)
