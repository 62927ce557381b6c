"""A rat's hippocampus on a linear track and at rest: spikes of 31 units, and where the rat was.

As it comes with nelpy's example data: a run of 17 minutes, then 16 of rest, on one clock. Three things must
be known of its places. The camera stands still at both ends: for 26 s in the beginning, at a spot off the
track, and for 16.6 minutes in the end, of which the first 34 s belong to the run. There the place is not
known. Time stamps of frames jitter, and one comes twice, so that speed is not to be had from their
differences. And the track lies askew in the picture: places are told along the first principal axis of those
that are known.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from wavetrain.data import _files
from wavetrain.errors import BadInput
from wavetrain.parts.spikes import counts

FILE = _files.File(
    "hippocampus_linear_track.npz",
    "77aa239dfd5d4b1b8fc3029bbbe0a043aab92d2ddc742cd46b7933c47952110f",
    "nelpy/example-data",
)
RUN = 1020.0  # s from the first frame, in which it was on the track


class Track(NamedTuple):
    """Spikes and places in the same steps, from the first frame to the last."""

    counts: Float[np.ndarray, "time units"]  # spikes in each step
    place: Float[np.ndarray, "time"]  # pixels along the track, 0 in the mean; NaN where it is not known
    rate: float  # steps per second
    run: int  # steps of the run; those that follow are of rest


def linear_track(rate: float = 200.0) -> Track:
    """The recording in `rate` steps a second, places in the middle of each step.

    Raises BadInput for a rate that is not above 0, and where the file is not there.
    """
    if not 0 < rate < np.inf:
        raise BadInput(f"linear track: expected a rate above 0 steps a second, got {rate}")
    found = _files.arrays(*FILE.where())
    frame, seen = found["position_time"], found["position"].astype(np.float64)
    start, seconds = float(frame[0]), float(frame[-1] - frame[0])
    known = slice(_still(seen[::-1]), len(seen) - _still(seen))
    time, seen = frame[known] - start, seen[known]
    middle = seen.mean(0)
    axis = np.linalg.svd(seen - middle, full_matrices=False)[2][0]
    axis *= np.sign(axis[np.abs(axis).argmax()])  # the sign of an axis is anybody's
    trains = [found["spike_time"][found["spike_unit"] == unit] for unit in range(len(found["tetrode"]))]
    spikes = counts(trains, rate=rate, start=start, seconds=seconds)
    steps = (np.arange(len(spikes)) + 0.5) / rate
    place = np.interp(steps, time, (seen - middle) @ axis, left=np.nan, right=np.nan)
    return Track(spikes, place, rate, min(round(RUN * rate), len(spikes)))


def _still(seen: np.ndarray) -> int:
    """How many frames at the end all say the same; 0 unless there are two or more."""
    same = (seen == seen[-1]).all(1)
    many = len(seen) if same.all() else int((~same[::-1]).argmax())
    return many if many > 1 else 0
