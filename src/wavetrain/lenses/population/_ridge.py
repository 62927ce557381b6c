"""Ridge regression of many columns at once, with a strength for each that left-out samples choose.

What scikit-learn's `RidgeCV` finds, at the price of one decomposition for all columns: nulls have hundreds.
"""

import numpy as np
from jaxtyping import Float

RIDGES = np.logspace(-6, 3, 10)  # times the mean variance of a unit and the number of samples
FLAT = 1e-12  # of its own error, the least that a sample leaves when it is fitted too


def predicted(
    x: Float[np.ndarray, "m units"], y: Float[np.ndarray, "m others"], at: Float[np.ndarray, "n units"]
) -> Float[np.ndarray, "n others"]:
    """What a ridge regression of y on x, of a strength found by leaving out single samples, says at `at`."""
    middle, zero = x.mean(0), y.mean(0)
    size = float(((x - middle) ** 2).mean())
    if not size > 0:
        return np.tile(zero, (len(at), 1))
    left, sizes, axes = np.linalg.svd(x - middle, full_matrices=False)
    inner = left.T @ (y - zero)
    least, best = np.full(y.shape[1], np.inf), np.zeros_like(inner)
    for ridge in RIDGES * size * len(x):
        kept = sizes**2 / (sizes**2 + ridge)
        fitted = left @ (kept[:, None] * inner)
        free = 1 - left**2 @ kept - 1 / len(x)  # what a sample leaves of its own error when it is fitted too
        alone = (((y - zero - fitted) / np.maximum(free, FLAT)[:, None]) ** 2).sum(0)
        best = np.where(alone < least, (sizes / (sizes**2 + ridge))[:, None] * inner, best)
        least = np.minimum(least, alone)
    return np.asarray((at - middle) @ axes.T @ best + zero)
