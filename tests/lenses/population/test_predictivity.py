"""Linear predictivity of what can be predicted, of what cannot, and under noise that is known."""

import itertools

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.lenses.population import _likeness
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


def held_out(x: np.ndarray, y: np.ndarray, parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Correlations (parts, others) and r2 (others), unit by unit."""
    each, r2 = np.empty((len(parts), y.shape[1])), np.empty(y.shape[1])
    for unit in range(y.shape[1]):
        wrong = chance = 0.0
        for number, part in enumerate(parts):
            rest = np.setdiff1d(np.arange(len(x)), part)
            guess, seen = predicted(x[rest], y[rest, unit : unit + 1], x[part])[:, 0], y[part, unit]
            each[number, unit] = np.corrcoef(guess, seen)[0, 1]
            wrong += ((seen - guess) ** 2).sum()
            chance += ((seen - y[rest, unit].mean()) ** 2).sum()
        r2[unit] = 1 - wrong / chance
    return each, r2


@pytest.mark.parametrize(
    ("shape", "cuts"),
    [
        ((20,), [0, 4, 8, 12, 16, 20]),
        ((47,), [0, 5, 10, 15, 20, 25, 30, 35, 39, 43, 47]),
        ((5, 8), [0, 8, 16, 24, 32, 40]),
        ((4, 6), [0, 4, 8, 12, 16, 20, 24]),
        ((12, 4), [0, 8, 16, 20, 24, 28, 32, 36, 40, 44, 48]),
    ],
)
def test_all_figures_by_hand(shape: tuple[int, ...], cuts: list[int]):
    """Parts of four samples or more, ten at most; whole sequences from five on; each unit by itself."""
    dice = np.random.default_rng(3)
    x = dice.standard_normal((*shape, 3)) + 2
    y = x @ dice.standard_normal((3, 3)) + 2 * dice.standard_normal((*shape, 3))
    found = predictivity(x, y, draws=0)
    parts = [np.arange(*two) for two in itertools.pairwise(cuts)]
    each, r2 = held_out(x.reshape(-1, 3), y.reshape(-1, 3), parts)
    np.testing.assert_allclose(found.each, each.mean(0), atol=1e-9)
    np.testing.assert_allclose(found.r2, r2, atol=1e-9)
    assert found.score == pytest.approx(np.median(each.mean(0)))
    assert found.error == pytest.approx(np.median(each, 1).std(ddof=1) / np.sqrt(len(parts)))
    assert (
        found.samples == len(x.reshape(-1, 3)) and np.isnan(found.corrected) and np.isnan(found.ceiling).all()
    )


@pytest.mark.parametrize(("shape", "many"), [((22,), 5), ((2, 24), 6)])
def test_the_null_and_its_rank_by_hand(shape: tuple[int, ...], many: int):
    """All samples in another order; of two sequences, other halves against the middle one, in six parts."""
    dice = np.random.default_rng(4)
    x = dice.standard_normal((*shape, 2))
    y = x @ dice.standard_normal((2, 3)) + 3 * dice.standard_normal((*shape, 3))
    found = predictivity(x, y, draws=7, seed=5)
    of = _likeness.samples("a test", "x", x)
    kept, rows = _likeness.middle(of), y.reshape(-1, 3)
    parts = np.array_split(np.arange(len(kept)), many)

    def score(at: np.ndarray) -> float:
        return float(np.median(held_out(x.reshape(-1, 2)[kept], rows[at], parts)[0].mean(0)))

    null = np.array([score(at) for at in _likeness.draws(of, 7, 5)])
    np.testing.assert_allclose(found.null, null, atol=1e-9)
    assert found.p == (1 + (null >= score(kept)).sum()) / 8
    np.testing.assert_array_equal(found.each, predictivity(x, y, draws=0).each)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_ceiling_by_hand(count: int):
    """Forty splits in halves, of three repeats one against one; no ceiling where they do not agree."""
    dice = np.random.default_rng(6)
    rates = dice.standard_normal((24, 2))
    repeats = rates + 0.7 * dice.standard_normal((count, 24, 2))
    opposed = dice.standard_normal(24) * (-1.0) ** np.arange(count)[:, None]
    repeats = np.concatenate([repeats, opposed[..., None] + 0.01 * dice.standard_normal((count, 24, 1))], 2)
    x = rates + 0.5 * dice.standard_normal((24, 2))
    found = predictivity(x, repeats.mean(0), repeats, draws=0, seed=9)
    half, dice, r = count // 2, np.random.default_rng(9), []
    for _ in range(40):
        order = dice.permutation(count)
        one, two = repeats[order[:half]].mean(0), repeats[order[half : 2 * half]].mean(0)
        r.append([np.corrcoef(one[:, unit], two[:, unit])[0, 1] for unit in range(3)])
    k = count / half
    full = k * np.mean(r, 0) / (1 + (k - 1) * np.mean(r, 0))
    np.testing.assert_allclose(found.ceiling[:2], np.sqrt(full[:2]))
    assert np.isnan(found.ceiling[2]) == (np.mean(r, 0)[2] <= 0) and np.mean(r, 0)[2] < 0
    assert found.corrected == pytest.approx(np.median(found.each[:2] / found.ceiling[:2]))


def test_a_column_varies_by_more_than_rounding():
    ramp = np.linspace(-1, 1, 9)[:, None]
    for size, wanted in ((1e-13, np.nan), (1e-11, 1.0)):
        np.testing.assert_allclose(correlated(ramp, 1 + size * ramp), [wanted], atol=0.01)
        np.testing.assert_allclose(correlated(1 + size * ramp, ramp), np.nan_to_num([wanted]), atol=0.01)
    np.testing.assert_allclose(correlated(3e5 * ramp, -2e-5 * ramp + 1), [-1])
    np.testing.assert_allclose(correlated(np.c_[ramp, ramp**2], np.c_[ramp**3, ramp**2])[1], 1)
