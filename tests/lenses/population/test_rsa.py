"""Distances of stimuli, with and without noise, and what is left of a score when noise is accounted for."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from wavetrain.errors import BadInput
from wavetrain.lenses.population.rsa import Comparison, Distance, rsa, squared


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
    ],
)
def test_what_does_not_fit_is_refused(one, two, words, message):
    dice = np.random.default_rng(0)
    with pytest.raises(BadInput, match=message):
        rsa(dice.standard_normal(one), dice.standard_normal(two), **words)
    with pytest.raises(BadInput, match="finite numbers in other"):
        rsa(np.ones((1, 5, 2)), np.full((1, 5, 2), np.nan))
