"""Spikes of units as times in seconds: checked, counted in bins, and tied to what was there when they came.

A bin holds the spikes from its first moment to before its last. A spike on an edge, to a millionth of a bin,
belongs to the bin that begins there, whatever rounding has made of either.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from wavetrain.errors import BadInput

EDGE = 1e-6  # of a bin
FAR = 10.0  # times the length of a recording, beyond which seconds cannot be meant


def checked(
    trains: Sequence[np.ndarray], names: Sequence[str], start: float = 0.0, seconds: float | None = None
) -> list[np.ndarray]:
    """The spikes of each unit in float64, in order; of a recording from `start` that lasts so many `seconds`.

    Raises BadInput, with the unit and the place in it, for times that are not finite, that go back, or that
    lie outside of the recording.
    """
    found = []
    for name, train in zip(names, trains, strict=True):
        times = np.asarray(train, dtype=np.float64)
        if times.ndim != 1 or not np.isfinite(times).all():
            raise BadInput(f"unit {name}: expected finite times of spikes in one row, got {times.shape}")
        back = np.flatnonzero(np.diff(times) < 0)
        if len(back):
            at = int(back[0]) + 1
            raise BadInput(
                f"unit {name}: expected times that rise, got {times[at - 1]:g} and then {times[at]:g} s at "
                f"spike {at}"
            )
        if seconds is not None and len(times):
            _inside(name, times, start, seconds)
        found.append(times)
    return found


def _inside(name: str, times: np.ndarray, start: float, seconds: float) -> None:
    outside = np.flatnonzero((times < start) | (times > start + seconds))
    if not len(outside):
        return
    at = int(outside[0])
    scaled = times[-1] - start > FAR * seconds
    hint = "; are they in milliseconds?" if scaled else ""
    raise BadInput(
        f"unit {name}: expected spikes from {start:g} to {start + seconds:g} s, got one at {times[at]:g} s "
        f"(spike {at}){hint}"
    )


def counts(
    trains: Sequence[np.ndarray], *, rate: float, start: float, seconds: float
) -> Float[np.ndarray, "time units"]:
    """How many spikes of each unit fall into each bin, `rate` of them a second.

    >>> from wavetrain.parts.spikes import counts
    >>> counts([np.array([0.0, 0.1, 0.3])], rate=10, start=0.0, seconds=0.5).ravel().tolist()
    [1.0, 1.0, 0.0, 1.0, 0.0]
    """
    many = int(np.ceil(seconds * rate - EDGE)) if np.isfinite([rate, seconds * rate]).all() else 0
    if rate <= 0 or many < 1:
        raise BadInput(
            f"expected a rate above 0 bins a second and a bin or more, got {rate:g} in {seconds:g} s"
        )
    found = np.zeros((many, len(trains)))
    for unit, times in enumerate(trains):
        bins = np.floor((times - start) * rate + EDGE).astype(int)
        bins[bins == many] -= 1  # at the very end
        found[:, unit] = np.bincount(bins[(bins >= 0) & (bins < many)], minlength=many)
    return found


def before(
    spikes: Float[np.ndarray, "spikes"], changes: Float[np.ndarray, "changes"]
) -> Int[np.ndarray, "spikes"]:
    """Which change came last before each spike, or with it: never a later one. -1 before the first.

    >>> from wavetrain.parts.spikes import before
    >>> before(np.array([0.4, 1.4, 1.6, 2.0]), np.array([1.0, 2.0])).tolist()
    [-1, 0, 0, 1]
    """
    found: np.ndarray = np.searchsorted(changes, spikes, side="right") - 1
    return found
