"""Least squares with a price against their normal equations, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from wavetrain.tables.least_squares import FREE, ridge

DICE = np.random.default_rng(0)
X, Y = DICE.normal(size=(50, 3)), DICE.normal(7.0, 1.0, size=(50, 2))
WITH_ONE = np.concatenate([X, np.ones((50, 1))], 1)


@pytest.mark.parametrize("alpha", [0.01, 1.0, 100.0])
def test_a_price_for_each_row_and_none_for_the_constant(alpha: float):
    found = ridge(WITH_ONE, Y, [alpha])[0]
    wanted = Ridge(alpha=alpha * len(X)).fit(X, Y)
    np.testing.assert_allclose(found[:3].T, wanted.coef_, atol=1e-5)
    np.testing.assert_allclose(found[3], wanted.intercept_, atol=1e-5)


def test_several_prices_at_once_are_each_by_itself():
    both = ridge(WITH_ONE, Y, [0.1, 10.0])
    for found, alpha in zip(both, (0.1, 10.0), strict=True):
        np.testing.assert_array_equal(found, ridge(WITH_ONE, Y, [alpha])[0])


def test_the_constant_costs_no_more_than_the_rest():
    assert FREE == 1e-8
    for alpha, price in ((1e-12, 1e-12), (1.0, 1e-8)):
        found = ridge(np.full((4, 1), 1e-6), np.full((4, 1), 1e-6), [alpha]).item()
        assert found == pytest.approx(1e-12 / (1e-12 + price))


def test_a_column_of_nothing_has_no_weight():
    nothing = np.concatenate([X[:, :1], np.zeros((50, 1))], 1)
    np.testing.assert_allclose(ridge(nothing, 3 * X[:, :1], [0.0])[0], [[3.0], [0.0]], atol=1e-12)
