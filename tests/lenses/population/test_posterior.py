"""Bayes' rule for units that count events, against the distribution of Poisson itself."""

import numpy as np
import pytest
from scipy.stats import poisson

from wavetrain.lenses.population._posterior import FLOOR, posterior

RATE = 0.5 + np.random.default_rng(0).gamma(1.0, 2.0, (4, 6))


def bayes(counts: np.ndarray, rate: np.ndarray) -> np.ndarray:
    chance = poisson.pmf(counts[:, :, None], rate).prod(1)
    return chance / chance.sum(1, keepdims=True)


def test_it_is_the_product_of_the_units_chances():
    counts = np.random.default_rng(1).poisson(2.0, (7, 4))
    np.testing.assert_allclose(posterior(counts, RATE), bayes(counts, RATE), rtol=1e-10)


@pytest.mark.parametrize(("words", "share"), [({}, FLOOR), ({"floor": 0.25}, 0.25)])
def test_a_rate_is_at_least_a_share_of_the_units_mean(words: dict, share: float):
    rate = RATE.copy()
    rate[1] = [0.0, 6.0, 0.0, 0.01, 3.0, 2.99]
    assert rate[1].mean() == pytest.approx(2)
    least = np.array([np.maximum(one, share * one.mean()) for one in rate])
    counts = np.array([[0, 1, 0, 0], [3, 2, 1, 0]])
    np.testing.assert_allclose(posterior(counts, rate, **words), bayes(counts, least), rtol=1e-10)
    assert share == 0.25 or FLOOR == 1e-3


def test_bins_without_a_rate_are_no_places_and_silent_units_say_nothing():
    rate, counts = RATE.copy(), np.array([[2, 0, 5, 1], [0, 0, 0, 0]])
    rate[2], rate[0, 3] = 0.0, np.nan
    found, there = posterior(counts, rate), [0, 1, 2, 4, 5]
    units = [0, 1, 3]
    np.testing.assert_allclose(
        found[:, there], bayes(counts[:, units], rate[np.ix_(units, there)]), rtol=1e-10
    )
    assert (found[:, 3] == 0).all()


def test_a_hundred_thousand_events_are_no_overflow():
    found = posterior(np.array([[100_000, 0]]), np.array([[1.0, 2.0], [3.0, 1.0]]))
    np.testing.assert_allclose(found, [[0, 1]], atol=1e-12)
