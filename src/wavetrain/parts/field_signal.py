"""A field potential from the currents into cells, after Mazzoni et al. 2015, PLoS Computational Biology 11.

    field(t) = | E(t - 6 ms) - 1.65 I(t) |

E and I are the mean excitatory and inhibitory currents of a pool of cells, which have opposite signs.
"""

import numpy as np
from jaxtyping import Float

from wavetrain.errors import BadInput

LAG = 6.0  # ms by which the excitatory current counts later
RATIO = 1.65  # of the inhibitory current


def field_signal(
    excitatory: Float[np.ndarray, "*trials time pools"],
    inhibitory: Float[np.ndarray, "*trials time pools"],
    rate: float,
) -> Float[np.ndarray, "*trials left pools"]:
    """The field of each pool, (..., T, pools) currents at `rate` samples per second; less the first 6 ms.

    Raises BadInput where the lag is no whole number of samples, or there are not more than it takes.

    >>> from wavetrain.parts.field_signal import field_signal
    >>> e = np.zeros((20, 1)); e[5] = 3.0
    >>> field_signal(e, np.full((20, 1), -1.0), rate=1000.0)[:7, 0].tolist()  # from 6 ms on
    [1.65, 1.65, 1.65, 1.65, 1.65, 4.65, 1.65]
    """
    lag = round(LAG * rate / 1000)
    if excitatory.shape != inhibitory.shape or excitatory.ndim < 2:
        raise BadInput(
            "field signal: expected two currents (..., time, pools) of one shape, got "
            f"{excitatory.shape} and {inhibitory.shape}"
        )
    if abs(lag - LAG * rate / 1000) > 1e-6 or lag < 1 or excitatory.shape[-2] <= lag:
        raise BadInput(
            f"field signal: expected more samples than the {LAG:g} ms of its lag, and that whole, got "
            f"{excitatory.shape[-2]} at {rate:g} Hz"
        )
    found: np.ndarray = np.abs(excitatory[..., :-lag, :] - RATIO * inhibitory[..., lag:, :])
    return found
