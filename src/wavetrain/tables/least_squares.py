"""Least squares with a price on large weights, for several prices at once."""

from collections.abc import Sequence

import numpy as np

FREE = 1e-8  # the price of the constant at most: next to none


def ridge(x: np.ndarray, y: np.ndarray, alphas: Sequence[float]) -> np.ndarray:
    """Weights (alphas, inputs, answers) that lead from rows x (n, inputs) to y (n, answers).

    An alpha is the price for each row; the last input is the constant, which is nearly free.

    >>> from wavetrain.tables.least_squares import ridge
    >>> x = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]])
    >>> ridge(x, np.array([[5.0], [7.0], [9.0]]), [1e-12]).round(6).ravel().tolist()
    [2.0, 3.0]
    """
    square, side = x.T @ x, x.T @ y
    found = np.empty((len(alphas), *side.shape))
    for place, alpha in enumerate(alphas):
        price = np.full(len(square), alpha * len(x))
        price[-1] = min(alpha, FREE) * len(x)
        priced = square + np.diag(price)
        try:
            found[place] = np.linalg.solve(priced, side)
        except np.linalg.LinAlgError:
            found[place] = np.linalg.lstsq(priced, side, rcond=None)[0]
    return found
