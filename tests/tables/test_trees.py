"""Boosted trees never stop by rows drawn at random, and read what ridge reads."""

import functools
import inspect

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables import trees
from wavetrain.tables.baselines import LastValue
from wavetrain.tables.metrics import mae
from wavetrain.tables.panel import Panel, Series, panel
from wavetrain.tables.ridge import origins
from wavetrain.tables.trees import Trees

DICE = np.random.default_rng(0)
NOISY = np.sin(np.arange(150) * 2 * np.pi / 12) + 0.1 * DICE.normal(size=150)


@functools.cache
def fitted() -> Trees:
    """Once, for all who only ask it."""
    return Trees.fit(panel(NOISY), horizon=3, season=12)


@pytest.mark.parametrize("rows", [9_000, 11_000])
def test_the_policy_does_not_depend_on_the_size(rows: int, monkeypatch: pytest.MonkeyPatch):
    """scikit-learn's own early stopping would begin above 10000 rows."""
    monkeypatch.setattr(trees, "MOST", 2)
    model = Trees.fit(panel(DICE.normal(size=rows)), horizon=1).model
    assert model.early_stopping is False and not model.do_early_stopping_
    assert len(model.validation_score_) == 0 and model.n_iter_ <= 2


def test_a_wave_is_learned():
    rows = np.arange(120, 147)
    model = Trees.fit(panel(NOISY[:120]), horizon=3, season=12)
    found = model.rolling(panel(NOISY), np.zeros(27, int), rows)
    truth = np.stack([NOISY[row : row + 3] for row in rows])[..., None]
    assert mae(truth=truth, forecast=found).value < 0.3 < mae(truth=truth, forecast=0 * truth).value


def test_rolling_forecasts_are_those_of_each_history(monkeypatch: pytest.MonkeyPatch):
    rows = np.arange(1, 147, 9)
    together = fitted().rolling(panel(NOISY), np.zeros(len(rows), int), rows)
    apart = np.concatenate([fitted().forecast(panel(NOISY[:row])) for row in rows])
    np.testing.assert_allclose(together, apart, rtol=1e-12)
    monkeypatch.setattr(trees, "TOGETHER", 5)
    np.testing.assert_array_equal(fitted().rolling(panel(NOISY), np.zeros(len(rows), int), rows), together)


def test_levels_never_seen_are_forecast():
    np.testing.assert_allclose(
        fitted().forecast(panel(8 * NOISY + 1024)), 8 * fitted().forecast(panel(NOISY)) + 1024
    )


def test_the_number_of_trees_is_chosen_by_later_rows():
    """Of noise there is nothing to learn, so few trees are best."""
    assert Trees.fit(panel(DICE.normal(size=400)), horizon=1).model.n_iter_ < 40


def test_several_columns_and_holes():
    both = np.stack([NOISY, 50 - NOISY], 1)
    both[20:23, 0] = np.nan
    found = Trees.fit(panel(both), horizon=2, season=12).forecast(panel(both))
    assert found.shape == (1, 2, 2) and np.isfinite(found).all() and (found[..., 1] > 45).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(BadInput, match="horizon of at most 3, got 4"):
        fitted().forecast(panel(NOISY), 4)
    with pytest.raises(BadInput, match="rows of 3 steps to learn from, got none"):
        Trees.fit(panel(NOISY[:3]), horizon=3)


@pytest.mark.parametrize("rows, horizon", [(2, 1), (3, 2), (4, 3)])
def test_a_window_that_does_not_vary_teaches_no_unit(rows: int, horizon: int):
    """All windows of so short a series hold one value: a change, in units of 1e-30, was told as 1e30."""
    with pytest.raises(BadInput, match=f"values that vary before the {horizon} to forecast, got none"):
        Trees.fit(panel(np.arange(float(rows))), horizon=horizon)
    assert Trees.fit(panel(np.zeros(rows)), horizon=horizon).forecast(panel(np.zeros(rows))).tolist() == [
        [[0.0]] * horizon
    ]


@pytest.mark.parametrize("rows, horizon", [(3, 1), (5, 2), (6, 3)])
def test_the_shortest_series_that_vary_are_learned(rows: int, horizon: int):
    """The part to learn from before the choice may have no lag at all: it is no error of another library."""
    short = panel(np.arange(float(rows)))
    found = Trees.fit(short, horizon=horizon).forecast(short)
    assert (rows - 1 < found).all() and (found < rows + horizon).all()


def test_how_trees_are_grown():
    assert (trees.FITTED, trees.MOST, trees.RATE) == (15_000, 100, 0.1)
    assert (trees.LEAVES, trees.BINS, trees.TOGETHER, trees.SEEN) == (15, 64, 1024, 1e-6)
    words = trees._trees(7).get_params()
    wanted = {"max_iter": 7, "learning_rate": 0.1, "max_leaf_nodes": 15, "max_bins": 64}
    wanted |= {"early_stopping": False, "random_state": 0}
    assert {name: words[name] for name in wanted} == wanted
    for kind in (trees.Trees, LastValue):
        assert inspect.signature(kind.fit).parameters["season"].default == 1


def test_what_a_value_is_told_from():
    """Lags, the step, the column, the value of the phase, and what is known ahead at that step."""
    one = Series(name="", values=np.arange(24.0).reshape(8, 3) ** 2)
    whole = Panel(columns=("a", "b", "z"), series=(one,), targets=("a", "b"), known=("z",))
    model = trees.Trees(horizon=2, season=2, lags=3, model=trees._trees(1))
    read = model._read(whole, np.zeros(1, int), np.array([5]))
    inputs = model._inputs(read)
    assert inputs.shape == (1, 2, 2, 7) and model._width(read) == 7
    for target in range(2):
        for step in range(2):
            wanted = [
                *read.lags[0, target],
                step,
                target,
                read.season[0, target, step],
                one.values[5 + step, 2],
            ]
            assert inputs[0, target, step].tolist() == wanted


@pytest.mark.parametrize(("season", "lags"), [(32, 64), (33, 33), (64, 64), (65, 8)])
def test_lags_that_are_read_are_sixty_four_at_most(season: int, lags: int, monkeypatch: pytest.MonkeyPatch):
    """And windows as many as hold 15000 values."""

    def asked(whole: Panel, **sizes: int) -> None:
        assert sizes == {"horizon": 4, "lags": lags, "most": 1875}
        raise BadInput("asked")

    monkeypatch.setattr(trees, "origins", asked)
    with pytest.raises(BadInput, match="asked"):
        Trees.fit(panel(np.zeros((300, 2))), horizon=4, season=season)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_number_of_trees_has_the_least_error_in_the_last_rows(seed: int):
    """The weighed mean of absolute errors; then as many are fitted to all rows."""
    y = NOISY[:80] + 0.3 * np.random.default_rng(seed).normal(size=80)
    y[:9] = 1e-3 * y[:9]
    model = Trees.fit(panel(y), horizon=2, season=12)
    each = origins(panel(y), horizon=2, lags=model.lags, most=trees.FITTED // 2)
    train, valid, whole = (model._rows(model._read(panel(y), *part)) for part in each)
    grown = trees._trees(100).fit(train[0], train[1], sample_weight=train[2] ** 2)
    errors = [float((np.abs(one - valid[1]) * valid[2]).mean()) for one in grown.staged_predict(valid[0])]
    best = 1 + int(np.argmin(errors))
    assert model.model.n_iter_ == best
    again = trees._trees(best).fit(whole[0], whole[1], sample_weight=whole[2] ** 2)
    np.testing.assert_array_equal(again.predict(whole[0]), model.model.predict(whole[0]))
