"""Boosted trees as arrays: what scikit-learn has grown, in a form that files can hold.

All nodes of all trees stand in one row of arrays. A leaf leads to itself, so that every value is at its leaf
after as many turns as the deepest tree has levels.
"""

from typing import Any, NamedTuple, Self

import numpy as np


class Forest(NamedTuple):
    """Trees whose answers are added to a start.

    >>> from sklearn.ensemble import HistGradientBoostingRegressor
    >>> from wavetrain.tables.forest import Forest
    >>> x = np.arange(60.0)[:, None]
    >>> grown = HistGradientBoostingRegressor(max_iter=5).fit(x, np.sqrt(x.ravel()))
    >>> bool((Forest.of(grown).predict(x) == grown.predict(x)).all())
    True
    """

    start: float
    levels: int  # of the deepest tree
    roots: np.ndarray  # (trees,) places of nodes
    column: np.ndarray  # (nodes,) what each one asks
    threshold: np.ndarray  # (nodes,) up to which it leads to `low`
    low: np.ndarray  # (nodes,) where it leads to
    high: np.ndarray
    unknown: np.ndarray  # (nodes,) whether a missing value goes to `low`
    value: np.ndarray  # (nodes,) the answer of a leaf

    @classmethod
    def of(cls, model: Any) -> Self:
        """The trees of a fitted `HistGradientBoostingRegressor` without categories."""
        trees = [one.nodes for (one,) in model._predictors]
        roots = np.cumsum([0, *(len(one) for one in trees[:-1])])
        nodes, shift = np.concatenate(trees), np.repeat(roots, [len(one) for one in trees])
        leaf, itself = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
        return cls(
            start=float(np.ravel(model._baseline_prediction)[0]),
            levels=int(nodes["depth"].max()),
            roots=roots,
            column=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
            threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
            low=np.where(leaf, itself, shift + nodes["left"]),
            high=np.where(leaf, itself, shift + nodes["right"]),
            unknown=nodes["missing_go_to_left"].astype(np.uint8),
            value=nodes["value"].astype(np.float64),
        )

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Answers (n,) to rows (n, columns); NaN where a value is missing."""
        found, rows = np.full(len(x), self.start), np.arange(len(x))
        for root in self.roots:
            at = np.full(len(x), root)
            for _ in range(self.levels):
                asked = x[rows, self.column[at]]
                low = np.where(np.isnan(asked), self.unknown[at] > 0, asked <= self.threshold[at])
                at = np.where(low, self.low[at], self.high[at])
            found += self.value[at]
        return found
