"""The period of a trajectory, and the share of its variance that a cycle of that period explains.

The period in steps is near the first lag, once the trajectory has left its beginning, at which it comes back
to itself about as well as it ever does. Near it the frequency is taken whose harmonics hold the most power.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

PARTS = 5  # principal components that are looked at
HARMONICS = 10
EARLY = 1 - 0.05 * np.arange(HARMONICS)  # of two frequencies with the same line, that of the lower harmonic
FINE = 8  # frequencies to one of the Fourier transform


class Comb(NamedTuple):
    """A period; NaN where the trajectory never leaves its beginning, or never comes back."""

    frequency: float  # cycles per step
    share: float  # of the power in its harmonics


def components(states: Float[np.ndarray, "time units"]) -> Float[np.ndarray, "time parts"]:
    """The leading principal components, over the largest number in them; the largest weight is positive."""
    centred = states - states.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:PARTS]
    signs = np.sign(np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1))
    seen = centred @ (axes * signs).T
    return seen / (np.abs(seen).max() or 1.0)


def comb(seen: Float[np.ndarray, "time parts"]) -> Comb:
    """The frequency whose harmonics hold the most power, near the lag of the first return."""
    time = len(seen)
    seen = seen - seen.mean(0)
    power = (np.abs(np.fft.rfft(seen, FINE * time, axis=0)) ** 2).sum(1)
    again = np.fft.irfft(power, FINE * time)[: time // 2] / (time - np.arange(time // 2))
    apart = 1 - again / again[0]  # half of the mean square of h(t + lag) - h(t), over the variance
    gone = np.flatnonzero(apart > 0.5)
    if not len(gone) or gone[0] > time // 4:
        return Comb(np.nan, np.nan)
    lags = np.arange(max(int(gone[0]), 1) + 1, time // 2 - 1)
    least = apart[lags].min(initial=np.inf)
    low = lags[
        (apart[lags] <= apart[lags - 1]) & (apart[lags] <= apart[lags + 1]) & (apart[lags] <= least + 0.1)
    ]
    if not len(low):
        return Comb(np.nan, np.nan)
    lag = int(low[0])
    tried = np.arange(1 / (lag + 0.6), min(1 / (lag - 0.6), 0.5 + 1e-9), 1 / (FINE * time))
    at = np.rint(tried[:, None] * np.arange(1, HARMONICS + 1) * FINE * time).astype(int) % (FINE * time)
    at = np.minimum(at, FINE * time - at)
    at = np.where(_new(at, FINE), at, -1)
    held = np.where(at >= 0, power[np.maximum(at, 0)], 0.0)
    best = int((held @ EARLY).argmax())
    return Comb(float(tried[best]), float(2 * held[best].sum() / (time * (seen**2).sum())))


def _new(at: np.ndarray, near: int) -> np.ndarray:
    """Which harmonics (tried, harmonics) fall on no frequency that is counted already, nor on 0."""
    fresh = at >= near
    for k in range(1, at.shape[1]):
        taken = (np.abs(at[:, :k] - at[:, k : k + 1]) < near) & fresh[:, :k]
        fresh[:, k] &= ~taken.any(1)
    return fresh


def sharpened(seen: Float[np.ndarray, "time parts"], frequency: float) -> float:
    """The frequency nearby for which a cycle leaves the least variance."""
    near = 0.5 / len(seen)
    low = max(frequency - near, 1e-9)
    found = minimize_scalar(
        lambda f: float(((seen - waves(len(seen), f) @ fitted(seen, f)) ** 2).sum()),
        bounds=(low, frequency + near),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(found.x)


def waves(time: int | np.ndarray, frequency: float) -> Float[np.ndarray, "time waves"]:
    """1, and cosine and sine of each harmonic, at steps from 0 on, or at those given."""
    steps = np.arange(time) if isinstance(time, int) else time
    angle = 2 * np.pi * frequency * steps[:, None] * np.arange(1, HARMONICS + 1)
    return np.concatenate([np.ones((len(steps), 1)), np.cos(angle), np.sin(angle)], 1)


def fitted(seen: Float[np.ndarray, "time parts"], frequency: float) -> Float[np.ndarray, "waves parts"]:
    """The cycle of that frequency nearest to a trajectory, as weights of its waves."""
    return np.linalg.lstsq(waves(len(seen), frequency), seen, rcond=1e-8)[0]
