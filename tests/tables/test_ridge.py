"""Ridge on lags reads its rows alike to fit and to forecast, and chooses by what comes later."""

import functools

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables import ridge
from wavetrain.tables.lags import lagged
from wavetrain.tables.panel import Panel, Series, panel
from wavetrain.tables.ridge import Ridge, origins, together, usual

DICE = np.random.default_rng(0)
NOISY = np.sin(np.arange(120) * 2 * np.pi / 12) + 0.02 * np.arange(120) + 0.1 * DICE.normal(size=120)


@functools.cache
def fitted() -> Ridge:
    """Once, for all who only ask it."""
    return Ridge.fit(panel(NOISY), horizon=4, season=12)


def recursion(count: int) -> np.ndarray:
    """It does not die out, and its weights are not symmetric."""
    y = [0.0, 5.0]
    while len(y) < count:
        y.append(1.6 * y[-1] - y[-2] + 1)
    return np.array(y)


def test_a_recursion_is_continued():
    """From two lags behind the last value: one less would not tell the level that it turns about."""
    y = recursion(45)
    model = Ridge.fit(panel(y[:40]), horizon=5, lags=(2,), alphas=(1e-10,))
    np.testing.assert_allclose(model.forecast(panel(y[:40])).ravel(), y[40:], atol=1e-5)


def test_one_function_makes_the_rows_to_fit_and_to_forecast():
    y = panel(NOISY)
    read = lagged(y, np.array([0]), np.array([120]), count=fitted().lags, horizon=4, season=12)
    row = np.append(read.lags[0, 0], 1.0)
    by_hand = read.last[0, 0] + read.unit[0, 0] * (row @ fitted().weights[0])
    assert fitted().forecast(y).ravel()[0] == by_hand == fitted().forecast(y, 1).item()


def test_what_is_chosen_is_chosen_by_later_rows():
    each = origins(panel([NOISY, NOISY[:60]]), horizon=4, lags=8)
    for series, length in enumerate((120, 60)):
        train = each.train[1][each.train[0] == series]
        valid = each.valid[1][each.valid[0] == series]
        assert train.max() + 4 <= valid.min() == round(0.8 * length)
        assert valid.max() + 4 == length
    few = origins(panel(NOISY), horizon=4, lags=8, most=10)
    assert [len(part[0]) for part in few] == [10, 10, 10] and few.whole[1][-1] == 116


def test_rolling_forecasts_are_those_of_each_history():
    rows = np.arange(3, 117)
    together = fitted().rolling(panel(NOISY), np.zeros(len(rows), int), rows)
    apart = np.concatenate([fitted().forecast(panel(NOISY[:row])) for row in rows])
    np.testing.assert_allclose(together, apart, rtol=1e-9)


def test_what_comes_later_changes_nothing():
    later = NOISY.copy()
    later[100:] *= 1000
    one = Ridge.fit(panel(NOISY[:100]), horizon=4, season=12)
    other = Ridge.fit(panel(later).cut(0, 100), horizon=4, season=12)
    assert (one.weights == other.weights).all()
    at = np.zeros(1, int), np.array([100])
    assert (one.rolling(panel(NOISY), *at) == other.rolling(panel(later), *at)).all()


def test_new_series_are_forecast_in_their_own_units():
    plain = fitted().forecast(panel(NOISY))
    np.testing.assert_allclose(fitted().forecast(panel(100 * NOISY)), 100 * plain, rtol=1e-9)
    np.testing.assert_allclose(fitted().forecast(panel(NOISY + 1e6)), plain + 1e6, rtol=1e-9)
    np.testing.assert_allclose(fitted().forecast(panel(np.full(40, 5.0))), 5.0, rtol=1e-4)


def test_columns_known_ahead_are_read():
    plan = DICE.normal(size=200)
    one = Series(name="", values=np.stack([3 * plan, plan], 1))
    whole = Panel(columns=("y", "plan"), series=(one,), targets=("y",), known=("plan",))
    model = Ridge.fit(whole.cut(0, 150), horizon=2)
    found = model.rolling(whole, np.zeros(40, int), np.arange(150, 190))
    wanted = np.stack([3 * plan[150:190], 3 * plan[151:191]], 1)
    assert np.abs(found[..., 0] - wanted).mean() < 0.5 * np.abs(wanted).mean()


def test_holes_are_read_over():
    y = NOISY.copy()
    y[[30, 31, 70]] = np.nan
    model = Ridge.fit(panel(y), horizon=4, season=12)
    assert np.isfinite(model.forecast(panel(y))).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(BadInput, match="horizon of at most 4, got 5"):
        fitted().forecast(panel(NOISY), 5)
    with pytest.raises(BadInput, match="rows of 4 steps to learn from, got none"):
        Ridge.fit(panel(NOISY[:4]), horizon=4)


def test_wide_tables_are_read_in_fewer_windows():
    """So that what is read at once stays in bounds: 2^25 numbers, whatever the columns and the horizon."""
    wide = panel(np.zeros((500, 1000)))
    assert together(wide, horizon=24, lags=64, most=4096) == 2**25 // (1000 * 89)
    assert together(panel(np.zeros(500)), horizon=24, lags=64, most=4096) == 4096
    whole = origins(wide, horizon=24, lags=64).whole[0]
    assert len(whole) * 1000 * 89 <= 2**25


def test_steps_that_read_the_same_are_solved_together():
    """With a column known ahead that is flat, each step is solved by itself: the same weights."""
    draw = np.random.default_rng(0)
    y = draw.normal(size=200).cumsum()
    alone = panel(y)
    beside = Panel(
        columns=("y", "flat"),
        series=(Series(name="", values=np.stack([y, np.ones(200)], 1)),),
        targets=("y",),
        known=("flat",),
    )
    one, two = (Ridge.fit(whole, horizon=4, lags=(6,), alphas=(1e-3,)) for whole in (alone, beside))
    np.testing.assert_allclose(one.weights[:, :6], two.weights[:, :6], rtol=1e-6, atol=1e-9)


def test_prices_and_lags_that_are_tried():
    np.testing.assert_allclose(ridge.ALPHAS, [1e-10, *np.logspace(-6, 2, 9)])
    assert (ridge.FITTED, ridge.LONGEST, ridge.TOGETHER) == (20_000, 512, 4096)
    long = panel(np.zeros(2000))
    assert usual(long, horizon=1, season=1) == (1, 2, 8, 32)
    assert usual(long, horizon=1, season=15) == (2, 8, 15, 30, 32)
    assert usual(long, horizon=1, season=16) == (2, 8, 16, 32, 48)
    assert usual(long, horizon=1, season=300) == (2, 8, 300, 512)
    assert usual(panel(np.zeros(22)), horizon=1, season=1) == (1, 2, 7)
    assert usual(panel(np.zeros(3)), horizon=2, season=1) == (1,)


def test_first_rows_of_a_short_series():
    """Fewer lags are there than are read: windows begin half-way through what is to train."""
    each = origins(panel(np.zeros(20)), horizon=2, lags=50)
    assert each.train[1].tolist() == list(range(7, 15)) and each.valid[1].tolist() == [16, 17, 18]
    assert each.whole[1].tolist() == list(range(7, 19))
    tiny = origins(panel(np.zeros(3)), horizon=1, lags=50)
    assert tiny.train[1].tolist() == [1] and tiny.valid[1].tolist() == [2]


def test_one_choice_is_no_search():
    y = recursion(30)
    chosen = Ridge.fit(panel(y), horizon=1, lags=(2,), alphas=(1e-10, 100.0))
    assert chosen.alpha == 1e-10
    assert Ridge.fit(panel(y), horizon=1, lags=(1, 2), alphas=(1e-10,)).lags == 2
    assert Ridge.fit(panel(y), horizon=1, lags=(1,), alphas=(100.0,)).alpha == 100.0


def test_columns_known_ahead_count_in_their_own_units():
    """A plan in thousandths is read like one in thousands."""
    plan = DICE.normal(size=120)
    weights = []
    for size in (1e-3, 1e3):
        one = Series(name="", values=np.stack([NOISY + plan, 5.0 + size * plan], 1))
        whole = Panel(columns=("y", "plan"), series=(one,), targets=("y",), known=("plan",))
        model = Ridge.fit(whole, horizon=1, lags=(4,), alphas=(1e-3,))
        assert (model.centre.item(), model.spread.item()) == pytest.approx(
            (5.0 + size * plan.mean(), size * plan.std())
        )
        weights.append(model.weights)
    np.testing.assert_allclose(*weights, rtol=1e-6)


def test_errors_are_weighed_as_they_are_scored():
    """A window of tiny units counts little: what it would teach is not believed."""
    y = np.r_[1e-6 * DICE.normal(size=60), NOISY]
    model = Ridge.fit(panel(y), horizon=1, lags=(4,), alphas=(1e-3,))
    rows = np.arange(6, len(y))
    read = lagged(panel(y), np.zeros(len(rows), int), rows, count=4, horizon=1, season=1)
    x = np.concatenate([read.lags[:, 0], np.ones((len(rows), 1))], 1) * read.weight
    price = np.diag([1e-3] * 4 + [1e-8]) * len(rows)
    wanted = np.linalg.solve(x.T @ x + price, x.T @ (read.wanted[:, 0, 0] * read.weight[:, 0]))
    assert read.weight.min() < 1e-3
    first = origins(panel(y), horizon=1, lags=4).whole[1][0]
    assert first == 5
    np.testing.assert_allclose(model.weights[0], wanted, rtol=0.05, atol=0.01)


@pytest.mark.parametrize("hole", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_weights_are_those_of_the_normal_equations(hole: bool, known: bool):
    """For each step by itself, over the windows in which it was measured, weighed as errors are scored."""
    values = np.stack([NOISY[:40] + np.r_[np.zeros(12), np.ones(28)], 3 + DICE.normal(size=40)], 1)
    values[:8, 0] = 1e-3 * DICE.normal(size=8)  # whose errors weigh little
    if hole:
        values[[20, 31], 0] = np.nan
        values[25, 1] = np.nan
    one = Series(name="", values=values)
    whole = Panel(columns=("y", "z"), series=(one,), targets=("y",), known=("z",) * known)
    model = Ridge.fit(whole, horizon=2, lags=(3,), alphas=(0.01,))
    rows = np.arange(4, 39)
    read = lagged(whole, np.zeros(35, int), rows, count=3, horizon=2, season=1)
    assert read.weight.min() < 0.1
    plan = (values[:, 1] - np.nanmean(values[:, 1])) / np.nanstd(values[:, 1])
    for step in range(2):
        beside = [np.nan_to_num(plan[rows + step])[:, None]] if known else []
        x = np.concatenate([read.lags[:, 0], *beside, np.ones((35, 1))], 1) * read.weight
        y = read.wanted[:, 0, step] * read.weight[:, 0]
        x, y = x[np.isfinite(y)], y[np.isfinite(y)]
        price = np.diag([0.01] * (x.shape[1] - 1) + [1e-8]) * len(x)
        np.testing.assert_allclose(
            model.weights[step], np.linalg.solve(x.T @ x + price, x.T @ y), rtol=1e-6, atol=1e-9
        )


def test_columns_that_tell_nothing_have_a_unit():
    rows = np.array([[1.0, np.nan, 7.0], [np.nan, np.nan, 7.0], [5.0, np.nan, 7.0]])
    mean, deviation = ridge._measures(rows)
    assert (mean.tolist(), deviation.tolist()) == ([3.0, 0.0, 7.0], [2.0, 1.0, 1.0])


def test_the_error_is_the_weighed_mean_of_what_was_measured():
    y = np.r_[1e-3 * DICE.normal(size=6), NOISY[:20]]
    y[18] = np.nan
    model = Ridge.fit(panel(NOISY), horizon=2, lags=(3,), alphas=(0.01,))
    rows = np.array([5, 14, 17, 22])
    read = lagged(panel(y), np.zeros(4, int), rows, count=3, horizon=2, season=1)
    made = model.rolling(panel(y), np.zeros(4, int), rows)[..., 0]
    truth = y[rows[:, None] + np.arange(2)]
    apart = np.abs(made - truth) / read.unit * read.weight
    assert np.isnan(apart).sum() == 1
    assert model._error(read, model.weights) == pytest.approx(np.nanmean(apart), rel=1e-9)
    nothing = read._replace(wanted=np.full((4, 1, 2), np.nan))
    assert model._error(nothing, model.weights) == np.inf


def test_a_shorter_horizon_has_the_first_weights():
    assert (fitted().to(2).weights == fitted().weights[:2]).all()
    assert (fitted().to(2).horizon, fitted().to(2).season) == (2, 12)
    assert fitted().to(4).weights.shape == fitted().weights.shape


def test_what_is_chosen_has_the_least_error_in_the_last_rows():
    """Lags first, then prices, as they are given; the first of those that are alike."""
    y, lags, alphas = panel(NOISY), (1, 5, 12), (1e-6, 0.1, 10.0)
    model = Ridge.fit(y, horizon=3, lags=lags, alphas=alphas)
    found = []
    for count in lags:
        each = origins(y, horizon=3, lags=count)
        for alpha in alphas:
            cut = y.cut(0, int(each.train[1].max()) + 3)
            one = Ridge.fit(cut, horizon=3, lags=(count,), alphas=(alpha,))
            read = lagged(y, *each.valid, count=count, horizon=3, season=1)
            made = one.rolling(y, *each.valid)[..., 0]
            truth = NOISY[each.valid[1][:, None] + np.arange(3)]
            weight = read.weight / read.unit
            found.append((float((np.abs(made - truth) * weight).mean()), count, alpha))
    assert (model.lags, model.alpha) == min(found)[1:]
    assert sorted(found)[1][0] > 1.001 * min(found)[0]
