"""Boosted trees never stop by rows drawn at random, and read what ridge reads."""

import functools

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables import trees
from wavetrain.tables.metrics import mae
from wavetrain.tables.panel import panel
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
