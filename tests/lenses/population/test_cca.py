"""Canonical correlations of what is known to go together, and the data that say nothing."""

import numpy as np
import pytest

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.lenses.population.cca import cca, correlations, mean, principal

DICE = np.random.default_rng(0)
X = DICE.standard_normal((200, 4))


def test_any_invertible_map_leaves_it_at_one():
    for matrix in (np.diag([1.0, 10, 100, 1e-3]), DICE.standard_normal((4, 4))):
        found = cca(X, X @ matrix + 3, draws=0)
        np.testing.assert_allclose(found.correlations, 1, atol=1e-9)
        assert found.held_out == pytest.approx(1, abs=1e-6) and found.kept == found.kept_other == 4


def test_as_many_directions_as_samples_are_refused_and_why():
    """40 samples of 30 and 30 units: 21 of 30 correlations are 1, whatever the data."""
    x, y = DICE.standard_normal((2, 40, 30))
    found = correlations(x - x.mean(0), y - y.mean(0))
    assert (found > 1 - 1e-9).sum() == 21 == 30 + 30 - (40 - 1)
    with pytest.raises(BadInput, match="more samples than the 60 directions of both together, got 40"):
        cca(x, y)
    enough = cca(x[:, :8], y[:, :8], draws=19)
    assert enough.score > 0.2 and abs(enough.held_out) < 0.25 and enough.p > 0.05


def test_one_shared_direction_has_its_correlation():
    """Signal and noise of the same variance in both: a correlation of a half."""
    dice = np.random.default_rng(1)
    signal = dice.standard_normal((20_000, 1))
    x, y = (
        np.c_[signal + dice.standard_normal((20_000, 1)), dice.standard_normal((20_000, 2))] for _ in "xy"
    )
    found = cca(x, y, draws=0)
    assert found.correlations[0] == pytest.approx(0.5, abs=0.02) and found.correlations[1] < 0.05
    assert cca(y, x, draws=0).score == pytest.approx(found.score)


def test_few_components_are_kept_where_asked_and_lost_ones_are_no_direction():
    wide = X[:, :2] @ DICE.standard_normal((2, 30)) + 1e-3 * DICE.standard_normal((200, 30))
    found = cca(wide, X, keep=0.99, draws=0)
    assert found.kept == 2 and found.correlations[:2].min() > 0.99
    assert cca(np.c_[X, X], X, draws=0).kept == 4, "the copy is no direction of its own"


def test_unrelated_data_pass_as_often_as_the_test_says():
    dice = np.random.default_rng(2)
    found = [cca(*dice.standard_normal((2, 40, 4)), draws=19) for _ in range(150)]
    assert 1 <= sum(one.p <= 0.05 for one in found) <= 17
    assert abs(np.nanmean([one.held_out for one in found])) < 0.05


def test_what_does_not_vary_has_none():
    found = cca(np.ones((200, 3)), X, draws=3)
    assert np.isnan([found.score, found.p, found.held_out]).all() and found.kept == 0


@pytest.mark.parametrize("keep", [0.0, 1.1])
def test_what_does_not_fit_is_refused(keep: float):
    with pytest.raises(BadInput, match="a share above 0 and at most 1"):
        cca(X, X, keep=keep)
    with pytest.raises(BadInput, match="the same samples"):
        cca(normal(5, 2), normal(4, 2))


def test_halves_too_short_for_the_directions_have_no_null():
    found = cca(normal(2, 12, 6), normal(2, 12, 6, seed=5), draws=9)
    assert np.isnan(found.null).all() and np.isnan(found.p) and 0 < found.score < 1


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize(("keep", "kept"), [(0.4, 1), (0.4001, 2), (0.7, 2), (0.9, 3), (1.0, 4)])
def test_as_many_components_are_kept_as_hold_the_share(keep: float, kept: int, scale: float):
    """Of variances 4, 3, 2 and 1, in any unit."""
    rows = np.linalg.qr(X - X.mean(0))[0] * np.sqrt([4.0, 3, 2, 1])
    found = principal(scale * rows, keep) / scale
    np.testing.assert_allclose(np.abs(found), np.abs(rows[:, :kept]), atol=1e-12)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_what_is_below_rounding_is_no_direction(scale: float):
    """Deviations of 2e-6 and 5e-7 beside 1: the square of one is lost beside that of the other."""
    rows = scale * np.linalg.qr(X - X.mean(0))[0] * [1, 1, 2e-6, 5e-7]
    assert principal(rows, 1.0).shape[1] == 3


def test_directions_of_the_rest_are_held_against_the_part_that_is_left_out():
    """By covariances, for activity that drifts, so that each part lies far from the rest."""
    dice = np.random.default_rng(3)
    drift = np.linspace(-20, 30, 60)[:, None] * [1.0, -2.0, 0.5]
    x = drift + dice.standard_normal((60, 3))
    y = x[:, :2] + drift[:, :2] + dice.standard_normal((60, 2))

    def root(matrix: np.ndarray) -> np.ndarray:
        values, axes = np.linalg.eigh(matrix)
        return axes / np.sqrt(values) @ axes.T

    wanted = []
    for part in np.arange(60).reshape(10, 6):
        rest = np.delete(np.arange(60), part)
        both = np.cov(np.c_[x, y][rest].T)
        one, two = root(both[:3, :3]), root(both[3:, 3:])
        left, _, right = np.linalg.svd(one @ both[:3, 3:] @ two, full_matrices=False)
        a, b = (x[part] - x[rest].mean(0)) @ one @ left, (y[part] - y[rest].mean(0)) @ two @ right.T
        wanted.append((a * b).sum(0) / np.sqrt((a**2).sum(0) * (b**2).sum(0)))
    assert cca(x, y, draws=0).held_out == pytest.approx(np.mean(wanted), rel=1e-9)


def test_as_many_directions_as_samples_have_no_score():
    """40 samples, of which parts leave 36: 18 and 18 directions are too many for those, 18 and 17 are not."""
    x, y = DICE.standard_normal((2, 40, 20))
    assert np.isnan(mean(x, y)) and np.isfinite(mean(x, y[:, :19]))
    assert np.isnan(cca(x[:, :18], y[:, :18], draws=0).held_out)
    assert np.isfinite(cca(x[:, :18], y[:, :17], draws=0).held_out)
    assert np.isfinite(cca(x[:, :20], y[:, :19], draws=0).score)
