"""Where units that count events say an animal is: Bayes with a flat prior, for decoding and for replay."""

import numpy as np
from jaxtyping import Float

FLOOR = 1e-3  # of a unit's mean rate: one event does not rule a place out
SMOOTH = 1.5  # bins, of rates


def posterior(
    counts: Float[np.ndarray, "steps units"], rate: Float[np.ndarray, "units bins"], floor: float = FLOOR
) -> Float[np.ndarray, "steps bins"]:
    """The probability of each bin, of sum 1, where units count events at a mean `rate` a step.

    Every bin is as likely before. A rate is at least `floor` of the unit's mean; bins of NaN are no places.
    """
    there = np.isfinite(rate).all(0)
    least = floor * np.nanmean(np.where(np.isfinite(rate), rate, np.nan), 1, keepdims=True)
    used = (least > 0).ravel()
    safe = np.maximum(rate[used][:, there], least[used])
    log = counts[:, used] @ np.log(safe) - safe.sum(0)
    log = np.exp(log - log.max(1, keepdims=True))
    found = np.zeros((len(counts), rate.shape[1]))
    found[:, there] = log / log.sum(1, keepdims=True)
    return found
