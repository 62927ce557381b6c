"""Intervals from errors on data that training has not seen, by split conformal prediction.

With n absolute errors and a coverage c, the half-width is the k-th smallest of them, k = ceil((n + 1) c).
Then a new error of the same kind lies within it with probability c at least (Papadopoulos et al. 2002; Vovk
et al. 2005). With fewer than c / (1 - c) errors there is no such width, and it is infinite.
"""

import math
from fractions import Fraction

import numpy as np

from wavetrain.errors import BadInput


def rank(count: int, coverage: float) -> int:
    """ceil((count + 1) coverage), without the rounding of floats.

    >>> from wavetrain.tables.conformal import rank
    >>> rank(9, 0.9), rank(8, 0.9), rank(99, 0.55)
    (9, 9, 55)
    """
    if not 0 < coverage < 1:
        raise BadInput(f"expected a coverage between 0 and 1, got {coverage}")
    return math.ceil((count + 1) * Fraction(str(coverage)))


def needed(coverage: float) -> int:
    """The least number of errors from which an interval follows.

    >>> from wavetrain.tables.conformal import needed
    >>> needed(0.9), needed(0.5)
    (9, 1)
    """
    count = 1
    while rank(count, coverage) > count:
        count += 1
    return count


def half_width(errors: np.ndarray, coverage: float) -> np.ndarray:
    """The half-width of intervals from absolute errors (n, ...), for each place behind the first axis.

    Errors that are NaN were not measured and do not count. Where there are too few, the width is infinite.

    >>> from wavetrain.tables.conformal import half_width
    >>> float(half_width(np.arange(1.0, 10.0), 0.9)), float(half_width(np.arange(1.0, 9.0), 0.9))
    (9.0, inf)
    """
    ordered = np.sort(errors, 0)  # NaN last
    count = (~np.isnan(errors)).sum(0)
    ranks = np.vectorize(lambda n: rank(int(n), coverage), otypes=[int])(count)
    place = np.minimum(ranks, np.maximum(count, 1)) - 1
    if not len(errors):
        return np.full(errors.shape[1:], np.inf)
    width = np.take_along_axis(ordered, place[None], 0)[0]
    return np.where(ranks > count, np.inf, width)
