"""The order of axes: ours is (sequences, steps, channels), aeon's and sktime's (cases, channels, steps)."""

from collections.abc import Sequence

import numpy as np

from wavetrain.errors import BadInput


def steps_first(X: np.ndarray | Sequence[np.ndarray]) -> np.ndarray | list[np.ndarray]:
    """A collection whose channels come before its steps, as our estimators read it.

    Cases of unequal length are a list of (channels, steps). One channel (cases, steps) is left as it is.

    >>> from wavetrain.estimators import steps_first
    >>> steps_first(np.zeros((40, 6, 100))).shape  # six channels of a hundred steps
    (40, 100, 6)
    >>> [one.shape for one in steps_first([np.zeros((2, 5)), np.zeros((2, 9))])]
    [(5, 2), (9, 2)]
    """
    if isinstance(X, np.ndarray):
        if X.ndim not in (2, 3):
            raise BadInput(f"expected X (cases, channels, steps) or (cases, steps), got {X.shape}")
        return X if X.ndim == 2 else X.transpose(0, 2, 1)
    found = [np.asarray(one) for one in X]
    if shapes := sorted({one.shape for one in found if one.ndim != 2})[:3]:
        raise BadInput(f"expected cases (channels, steps), got {shapes}")
    return [one.T for one in found]
