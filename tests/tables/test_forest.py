"""Trees by hand: which way a value, a border and a missing value go."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from wavetrain.tables.forest import Forest

NAN = np.nan


def test_two_trees_by_hand():
    """The first asks column 1 at 2.0 and, below it, column 0 at 1.0; the second is a leaf."""
    trees = Forest(
        start=100.0,
        levels=2,
        roots=np.array([0, 5]),
        column=np.array([1, 0, 0, 0, 0, 0]),
        threshold=np.array([2.0, 1.0, 0, 0, 0, 0]),
        low=np.array([1, 3, 2, 3, 4, 5]),
        high=np.array([2, 4, 2, 3, 4, 5]),
        unknown=np.array([1, 0, 0, 0, 0, 0], np.uint8),
        value=np.array([9.0, 9.0, 1.0, 2.0, 3.0, 40.0]),
    )
    x = np.array([[0, 3], [1, 2], [1.1, 2], [0, NAN], [NAN, 0], [5, 2.1]], float)
    assert trees.predict(x).tolist() == [141, 142, 143, 142, 143, 141]


@pytest.mark.parametrize("depth", [1, 3, None])
def test_trees_that_scikit_learn_has_grown(depth: int | None):
    dice = np.random.default_rng(0)
    x = dice.normal(size=(300, 3))
    x[dice.random(x.shape) < 0.1] = NAN
    y = np.nan_to_num(x[:, 0]) * 2 + (np.nan_to_num(x[:, 1]) > 0) + 50
    grown = HistGradientBoostingRegressor(max_iter=4, max_depth=depth, max_leaf_nodes=9).fit(x, y)
    trees = Forest.of(grown)
    np.testing.assert_array_equal(trees.predict(x), grown.predict(x))
    assert (
        len(trees.roots) == 4
        and trees.roots[0] == 0
        and trees.levels == max(int(one.nodes["depth"].max()) for (one,) in grown._predictors)
    )
    assert trees.start == pytest.approx(y.mean())
    alone = HistGradientBoostingRegressor(max_iter=3).fit(x[:, :1], y)
    np.testing.assert_array_equal(Forest.of(alone).predict(x[:, :1]), alone.predict(x[:, :1]))
