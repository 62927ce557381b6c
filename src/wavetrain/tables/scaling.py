"""What is measured on the training part alone: mean and deviation of channels, and which tokens there are."""

import numpy as np

from wavetrain.errors import BadInput


def scaled(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Each channel less its mean in the training part, and over its deviation there unless it is constant."""
    values, axes = values.astype(np.float64), tuple(range(train.ndim - 1))
    with np.errstate(all="ignore"):
        mean, deviation = train.mean(axes, dtype=np.float64), train.std(axes, dtype=np.float64)
        result = (values - mean) / np.where(deviation > 1e-12 * np.abs(mean), deviation, 1.0)
        result = result.astype(np.float32)
    if not (np.isfinite(deviation).all() and np.isfinite(result).all()):
        raise BadInput(
            f"expected numbers that can be scaled to deviation 1, got up to {np.abs(values).max():g}"
        )
    return result


def units(train: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What one and what zero of each scaled channel are, in the units of the training part.

    >>> from wavetrain.tables.scaling import units
    >>> units(np.array([[1.0, 5.0], [3.0, 5.0]]))
    ((1.0, 1.0), (2.0, 5.0))
    """
    axes = tuple(range(train.ndim - 1))
    mean, deviation = train.mean(axes, dtype=np.float64), train.std(axes, dtype=np.float64)
    scale = np.where(deviation > 1e-12 * np.abs(mean), deviation, 1.0)
    return tuple(scale.tolist()), tuple(mean.tolist())


def tokens(x: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, int]:
    """Numbers from 0 for what occurs in the training part, one more for anything else; and how many."""
    seen = np.unique(train)
    place = np.searchsorted(seen, x).clip(max=len(seen) - 1)
    return np.where(seen[place] == x, place, len(seen)).astype(np.int64), len(seen) + 1
