"""Distances of stimuli, with and without noise, and what is left of a score when noise is accounted for."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from sklearn.covariance import ledoit_wolf

from wavetrain.errors import BadInput
from wavetrain.lenses.population.rsa import Comparison, Distance, compared, correlation, rsa, squared


def noisy(seed: int, units: int = 20, stimuli: int = 30, repeats: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Rates and repeats of them with as much noise as there is signal."""
    dice = np.random.default_rng(seed)
    rates = dice.standard_normal((1, stimuli, units))
    return rates, rates + dice.standard_normal((repeats, stimuli, units))


def test_distances_are_those_of_scipy():
    rates, _ = noisy(0)
    found = rsa(rates, 3 * rates[..., :5], draws=0)
    for distance, seen in ((found.distance, rates[0]), (found.distance_other, rates[0, :, :5])):
        wanted = squareform(pdist(seen, "sqeuclidean")) / seen.shape[1] / seen.var(0).mean()
        np.testing.assert_allclose(distance, wanted, atol=1e-12)
    tied = rsa(rates, rates, Distance.CORRELATION, draws=0)
    centred = rates[0] - rates[0].mean(0)
    np.testing.assert_allclose(tied.distance, squareform(pdist(centred, "correlation")), atol=1e-12)
    assert found.pairs == 30 * 29 / 2


def test_repeats_take_the_noise_out_of_distances():
    """Two stimuli with one pattern: 0 in the mean, at times below; a single repeat says 2 noise variances."""
    dice = np.random.default_rng(1)
    found = np.array([squared(dice.standard_normal((4, 4, 10))) for _ in range(300)])
    alone = np.array([squared(dice.standard_normal((1, 4, 10))) for _ in range(300)])
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(found.size / 3) and 0.3 < (found < 0).mean() < 0.7
    assert alone.mean() == pytest.approx(2, abs=0.1)


def test_repeats_are_paired_with_every_other_repeat():
    value = np.random.default_rng(2).standard_normal((3, 4, 5))
    gaps = value[:, 0] - value[:, 1]
    wanted = np.mean([gaps[r] @ gaps[s] / 5 for r in range(3) for s in range(3) if r != s])
    assert squared(value)[0] == pytest.approx(wanted)


def test_the_truth_scores_one_when_noise_is_accounted_for_and_another_population_nothing():
    """20 units, 30 stimuli, 10 repeats, as much noise as signal: 1.00 and 0, each to a twentieth."""
    truth, other = [], []
    for seed in range(12):
        rates, seen = noisy(seed)
        truth.append(rsa(seen, rates, draws=0))
        other.append(rsa(seen, noisy(seed + 100)[0], draws=0).corrected)
    assert np.mean([one.corrected for one in truth]) == pytest.approx(1, abs=0.05)
    assert all(one.score < one.corrected and one.reliability_other == 1 for one in truth)
    assert abs(np.mean(other)) < 0.1
    whitened = rsa(noisy(0)[1], noisy(0)[0], whiten=True, draws=0)
    assert whitened.corrected == pytest.approx(1, abs=0.1)


def test_whitening_takes_out_noise_that_units_share():
    """Noise 10 times as large along one direction hides the distances, until it is whitened."""
    dice = np.random.default_rng(3)
    rates = dice.standard_normal((1, 12, 6))
    shared = dice.standard_normal((8, 12, 1)) * np.ones(6) * 10
    seen = rates + shared + 0.3 * dice.standard_normal((8, 12, 6))
    assert rsa(seen, rates, draws=0).score < 0.5
    across = rates - rates.mean(2, keepdims=True)  # what the noise leaves to be seen
    assert rsa(seen, across, whiten=True, draws=0).score > 0.9


def test_unrelated_populations_pass_as_often_as_the_test_says():
    dice = np.random.default_rng(4)
    p = [
        rsa(dice.standard_normal((2, 8, 5)), dice.standard_normal((1, 8, 4)), draws=19).p for _ in range(200)
    ]
    assert 1 <= (np.array(p) <= 0.05).sum() <= 21 and abs(np.mean(p) - 0.525) < 0.08


def test_few_stimuli_have_few_orders_and_each_counts_once():
    """Four stimuli: 24 orders, so that a perfect match has p = 1 / 24 and never 0; all ties have p = 1."""
    rates = np.random.default_rng(5).standard_normal((1, 4, 9))
    found = rsa(rates, rates)
    assert found.p == pytest.approx(1 / 24) and len(found.null) == 23 and found.score == pytest.approx(1)
    corners = np.eye(4)[None]
    assert np.isnan(rsa(corners, rates).score), "all pairs are equally far apart"


def test_what_each_distance_is_blind_to():
    rates, _ = noisy(6)
    gains, zeros = np.linspace(1, 3, 30)[:, None], np.linspace(-5, 5, 30)[:, None]
    flat = rates - rates.mean(1, keepdims=True)
    moved = flat * gains + zeros
    assert rsa(flat, moved, draws=0).score < 0.9
    one = rsa(flat, flat * gains, Distance.CORRELATION, draws=0)  # size, and no mean to be taken out
    turn = np.linalg.qr(np.random.default_rng(7).standard_normal((20, 20)))[0]
    assert rsa(rates, -2 * rates @ turn + 3, draws=0).score == pytest.approx(1)
    assert one.score > 0.9


@pytest.mark.parametrize("comparison", Comparison)
def test_comparisons(comparison: Comparison):
    from scipy import stats

    first, second = noisy(8)[0], noisy(9)[1]
    found = rsa(first, second, comparison=comparison, draws=0)
    at = np.triu_indices(30, 1)
    test = {
        Comparison.PEARSON: stats.pearsonr,
        Comparison.SPEARMAN: stats.spearmanr,
        Comparison.KENDALL: stats.kendalltau,  # tau-b, the same without ties
    }[comparison]
    assert found.score == pytest.approx(test(found.distance[at], found.distance_other[at])[0])
    assert np.isnan(found.ceiling) == (comparison is Comparison.KENDALL)
    assert rsa(first, first, comparison=comparison, draws=0).score == pytest.approx(1)


def test_the_error_is_the_spread_over_stimuli():
    runs = []
    for seed in range(60):
        dice = np.random.default_rng(seed)
        rates = dice.standard_normal((1, 25, 20))
        runs.append(rsa(0.55 * rates + dice.standard_normal((4, 25, 20)), rates, draws=0))
    spread = np.std([run.score for run in runs])
    assert np.mean([run.error for run in runs]) == pytest.approx(spread, rel=0.3)


@pytest.mark.parametrize(
    ("one", "two", "words", "message"),
    [
        ((2, 3, 4), (2, 3, 4), {}, "4 stimuli or more in activity, got 3"),
        ((2, 5, 4), (1, 6, 4), {}, r"the same stimuli .* got \(2, 5, 4\) and \(1, 6, 4\)"),
        ((5, 4), (1, 5, 4), {}, r"activity \(repeats, stimuli, units\), got \(5, 4\)"),
        ((1, 5, 4), (1, 5, 4), {"whiten": True}, "whitening wants repeats .* got 1"),
        ((0, 5, 4), (1, 5, 4), {}, r"activity .* got \(0, 5, 4\)"),
    ],
)
def test_what_does_not_fit_is_refused(one, two, words, message):
    dice = np.random.default_rng(0)
    with pytest.raises(BadInput, match=message):
        rsa(dice.standard_normal(one), dice.standard_normal(two), **words)
    with pytest.raises(BadInput, match="finite numbers in other"):
        rsa(np.ones((1, 5, 2)), np.full((1, 5, 2), np.nan))


@pytest.mark.parametrize(
    ("one", "told"),
    [
        ([1.0, 2.0], False),  # any two lie on a line
        ([1.0, 2.0, 4.0], True),
        ([1.0, 2.0, np.nan], False),
        ([1.0, 2.0, 4.0, np.nan], True),
        ([5.0, 5.0 + 2e-12, 5.0], False),  # rounding
        ([5.0, 5.0 + 2e-11, 5.0], True),
        ([0.0, 0.0, 0.0], False),
    ],
)
def test_distances_that_do_not_differ_have_no_correlation(one: list[float], told: bool):
    three = np.array([3.0, 1.0, 2.0, 7.0])[: len(one)]
    for pair in ((np.array(one), three), (three, np.array(one))):
        assert np.isfinite(compared(*pair, Comparison.PEARSON)) == told


def test_the_error_leaves_each_stimulus_out_in_turn():
    dice = np.random.default_rng(10)
    one, two = dice.standard_normal((3, 6, 5)), dice.standard_normal((1, 6, 4))
    left = [rsa(np.delete(one, at, 1), np.delete(two, at, 1), draws=0).score for at in range(6)]
    wanted = np.sqrt(5 / 6 * ((np.array(left) - np.mean(left)) ** 2).sum())
    assert rsa(one, two, draws=0).error == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("repeats", "splits"),
    [
        (2, [((0,), (1,))]),
        (3, [((0,), (1,)), ((1,), (0,)), ((2,), (0,))]),
        (4, [((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))]),
    ],
)
def test_reliability_is_that_of_halves_carried_over_to_all_repeats(repeats: int, splits: list):
    """Spearman and Brown: k halves that agree by r agree by k r / (1 + (k - 1) r) together."""
    seen = noisy(11, 12, 9, repeats)[1]
    at = np.triu_indices(9, 1)
    r = np.mean(
        [
            np.corrcoef(*(rsa(seen[list(half)], seen, draws=0).distance[at] for half in both))[0, 1]
            for both in splits
        ]
    )
    k = repeats / (repeats // 2)
    found = rsa(seen, noisy(11, 12, 9, 1)[0], draws=0)
    assert found.reliability == pytest.approx(k * r / (1 + (k - 1) * r))
    assert found.ceiling == pytest.approx(np.sqrt(found.reliability))
    assert found.corrected == pytest.approx(found.score / found.ceiling)
    both = rsa(seen, seen, draws=0)
    assert both.ceiling == pytest.approx(both.reliability) and both.reliability_other == both.reliability


def test_all_halves_of_seven_repeats_are_taken_and_forty_of_eight():
    for repeats, drawn in ((7, False), (8, True)):
        seen = noisy(12, 5, 6, repeats)[1]
        found = {rsa(seen, seen, draws=0, seed=seed).reliability for seed in range(3)}
        assert (len(found) > 1) == drawn


@pytest.mark.parametrize(("draws", "all_of_them"), [(22, False), (23, True), (24, True)])
def test_orders_are_drawn_where_they_are_more_than_the_draws(draws: int, all_of_them: bool):
    one, two = np.random.default_rng(13).standard_normal((2, 1, 4, 5))
    nulls = [np.sort(rsa(one, two, draws=draws, seed=seed).null) for seed in range(2)]
    assert (len(nulls[0]) == 23) == all_of_them == np.array_equal(*nulls)


def test_whitened_distances_are_those_of_mahalanobis():
    """d_r' S^-1 d_s over units, S the shrunk covariance of the noise, in as many degrees as there are."""
    dice = np.random.default_rng(14)
    seen = dice.standard_normal((1, 5, 3)) + dice.standard_normal((4, 5, 3)) @ dice.standard_normal((3, 3))
    found = rsa(seen, seen, whiten=True, draws=0).distance
    size = np.sqrt(((seen - seen.mean((0, 1))) ** 2).mean())  # shrinking knows of no other unit
    noise = (seen - seen.mean(0)).reshape(-1, 3) / size
    inverse = np.linalg.inv(ledoit_wolf(noise * np.sqrt(4 / 3), assume_centered=True)[0])
    gap = (seen[:, 0] - seen[:, 1]) / size
    wanted = np.mean([gap[r] @ inverse @ gap[s] / 3 for r in range(4) for s in range(4) if r != s])
    assert found[0, 1] == pytest.approx(wanted)


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e7])
def test_a_pattern_without_a_shape_has_no_correlation(scale: float):
    value = np.random.default_rng(15).standard_normal((1, 4, 5))
    value[0, 2] = 3.0
    apart = squareform(np.nan_to_num(correlation(scale * value), nan=9.0))
    assert (apart[2] == [9, 9, 0, 9]).all() and (apart[[0, 1, 3]][:, [0, 1, 3]] < 2.1).all()
    value[0, 2] = 3.0 + 1e-10 * np.arange(5)
    assert np.isfinite(correlation(scale * value)).all()
