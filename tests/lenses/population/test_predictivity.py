"""Linear predictivity of what can be predicted, of what cannot, and under noise that is known."""

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.lenses.population._ridge import RIDGES, predicted
from wavetrain.lenses.population.predictivity import correlated, predictivity


def test_a_linear_readout_in_noise_reaches_its_ceiling():
    """Noise of 1.5 times the deviation of the rates: six repeats have the reliability 1 / (1 + 2.25 / 6)."""
    found = []
    for seed in range(6):
        dice = np.random.default_rng(seed)
        x = dice.standard_normal((300, 6))
        rates = x @ dice.standard_normal((6, 8))
        repeats = rates + 1.5 * rates.std(0) * dice.standard_normal((6, 300, 8))
        found.append(predictivity(x, repeats.mean(0), repeats, draws=0))
    wanted = np.sqrt(1 / (1 + 1.5**2 / 6))
    assert np.mean([one.ceiling for one in found]) == pytest.approx(wanted, abs=0.01)
    assert np.mean([one.score for one in found]) == pytest.approx(wanted, abs=0.02)
    assert np.mean([one.corrected for one in found]) == pytest.approx(1, abs=0.03)
    assert np.mean([one.r2 for one in found]) == pytest.approx(wanted**2, abs=0.04)


def test_unrelated_samples_pass_as_often_as_the_test_says_and_have_no_correlation():
    dice = np.random.default_rng(0)
    found = [
        predictivity(dice.standard_normal((40, 5)), dice.standard_normal((40, 3)), draws=19)
        for _ in range(120)
    ]
    assert 1 <= sum(one.p <= 0.05 for one in found) <= 15
    scores = [one.score for one in found]
    assert abs(np.mean(scores)) < 4 * np.std(scores) / np.sqrt(120)
    assert np.mean([one.r2 for one in found]) < 0, "the mean is a better guess"


def slow(dice: np.random.Generator, units: int) -> np.ndarray:
    walk = dice.standard_normal((2, 80, units))
    for t in range(1, 80):
        walk[:, t] += 0.9 * walk[:, t - 1]
    return walk


def test_slow_sequences_that_share_nothing_pass_as_often_as_the_test_says():
    dice = np.random.default_rng(1)
    p = np.array([predictivity(slow(dice, 4), slow(dice, 2), draws=19).p for _ in range(80)])
    assert (p <= 0.05).sum() <= 11 and abs(p.mean() - 0.525) < 0.12
    x = slow(dice, 4)
    assert predictivity(x, x[..., :2] + 0.1 * slow(dice, 2), draws=19).p == 0.05


def test_the_ridge_is_that_of_scikit_learn():
    """Of a strength chosen by leaving out each sample, which is among those that it tries, too."""
    from sklearn.linear_model import RidgeCV

    dice = np.random.default_rng(6)
    x, y = dice.standard_normal((40, 30)), dice.standard_normal((40, 1))
    y += 2 * x[:, :1]
    size = ((x - x.mean(0)) ** 2).mean() * 40
    ridge = RidgeCV(RIDGES * size, fit_intercept=True).fit(x, y[:, 0])
    np.testing.assert_allclose(predicted(x, y, x)[:, 0], ridge.predict(x), rtol=1e-6)


def test_nothing_is_fitted_outside_of_its_part():
    """More units than samples: the fitted part is matched whatever it is, what is held out is not."""
    dice = np.random.default_rng(2)
    x, y = dice.standard_normal((60, 200)), dice.standard_normal((60, 20))
    assert correlated(predicted(x, y, x), y).min() > 0.3
    assert abs(predictivity(x, y, draws=0).score) < 0.2


def test_it_is_not_symmetric_and_blind_to_linear_maps():
    dice = np.random.default_rng(3)
    x = dice.standard_normal((200, 6))
    narrow = x[:, :2] @ dice.standard_normal((2, 4))
    assert predictivity(x, narrow, draws=0).score > 0.99 > 0.6 > predictivity(narrow, x, draws=0).score
    mixed = x @ (dice.standard_normal((6, 6)) + 2 * np.eye(6)) + 7
    assert predictivity(mixed, narrow, draws=0).score > 0.99


def test_a_part_counts_as_much_as_any_other():
    """The score of a unit is the mean over all parts, the last of which is noise here."""
    dice = np.random.default_rng(4)
    x = dice.standard_normal((100, 2))
    y = x[:, :1].copy()
    y[90:] = dice.standard_normal((10, 1))
    found = predictivity(x, y, draws=0)
    assert 0.8 < found.score < 0.99 and found.error == pytest.approx((1 - found.score), rel=0.3)


def test_a_unit_that_does_not_vary_has_no_score():
    dice = np.random.default_rng(5)
    x = dice.standard_normal((50, 3))
    found = predictivity(x, np.c_[x[:, :1], np.ones(50)], draws=5)
    assert np.isnan(found.each[1]) and found.score > 0.99
    found = predictivity(np.ones((50, 2)), x, draws=5)
    assert found.score == 0 and found.p == 1, "a constant predicts nothing"
    assert np.isnan(predictivity(x, np.ones((50, 2)), draws=5).p)


@pytest.mark.parametrize(
    ("one", "two", "again", "message"),
    [
        ((10, 3), (10, 2), None, "20 samples or more, got 10"),
        ((30, 3), (31, 2), None, "the same samples"),
        ((30, 3), (30, 2), (4, 30, 3), r"repeats or more of \(30, 2\).* got \(4, 30, 3\)"),
        ((30, 3), (30, 2), (1, 30, 2), r"two repeats or more"),
    ],
)
def test_what_does_not_fit_is_refused(one, two, again, message):
    dice = np.random.default_rng(0)
    repeats = None if again is None else dice.standard_normal(again)
    with pytest.raises(BadInput, match=message):
        predictivity(dice.standard_normal(one), dice.standard_normal(two), repeats)
