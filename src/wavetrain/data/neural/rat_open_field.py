"""The path of a rat that forages in a square box of 1 m, ten minutes; integrate its velocity.

Sargolini et al. 2006, Science 312:758; the path alone, as it comes with RatInABox (George et al. 2024, eLife
13:e85274). Places are followed by a camera, one about every 0.02 s; here they are the mean over each
period of a lower `rate`, which also smooths them. Between samples that are missing the path is straight.

    x  velocity in each period, m/s      y  how far from its start the window has come by its end, m

Windows begin with each sample; the parts follow one another in time, 70/15/15. Adding up the velocities
solves the task: it asks for two integrators, and of a network for two that do not leak. `path` gives the
places themselves. Left out: the recorded cells, which are not in the file.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import VALUES, Batch, Recorded
from wavetrain.data import _files
from wavetrain.errors import BadInput

FILE = _files.File(
    "rat_open_field.npz",
    "6911a18f3c3216cf0e1cc5d9b41495640cf75b66bfe481fe6db7c4c5d4bbb1b2",
    "RatInABox-Lab/RatInABox",
    "191df1fbccae8f5e570d84956a50173f713ca8a0/ratinabox/data/sargolini.npz",
)
CAMERA = 50.0  # Hz


def rat_open_field(window: int = 50, rate: float = 5.0) -> Recorded:
    """x and y (N, window, 2); `rate` in Hz.

    Raises BadInput for a window that does not fit into 15% of the path, a rate that does not divide 50 Hz,
    and where the recording is not there.

    >>> from wavetrain.data import rat_open_field
    >>> task = rat_open_field(window=50, rate=5.0)
    >>> x, y = task.test()
    >>> torch.allclose(x.cumsum(1) / 5, y, atol=1e-5)  # to add up the velocities solves it
    True
    """
    place = path(rate)
    if not 0 < window < 0.15 * len(place) - 1:
        raise BadInput(
            f"rat open field: expected a window of at least 1 step that fits into 15% of {len(place)}, "
            f"got {window}"
        )
    ends = round(0.7 * len(place)), round(0.85 * len(place))
    parts = []
    for part in place.tensor_split(ends):
        windows = part.unfold(0, window + 1, 1).mT  # (N, window + 1, 2)
        parts.append(Batch(windows.diff(dim=1) * rate, windows[:, 1:] - windows[:, :1]))
    train, valid, test = parts
    return Recorded(train, valid, test, 2, 2, tokens=False, every_step=True, objective=VALUES, chance=0.0)


def path(rate: float = 5.0) -> Tensor:
    """Places (T, 2) in m, from 0 to 1 along each wall, each the mean over a period of 1 / rate seconds.

    Raises BadInput for a rate that does not divide that of the camera.
    """
    each = round(CAMERA / rate) if 0 < rate <= CAMERA else 0
    if not each or abs(each * rate - CAMERA) > 1e-9:
        raise BadInput(f"rat open field: expected a rate that divides {CAMERA:g} Hz, got {rate}")
    arrays = _files.arrays(*FILE.where())
    time, place = arrays["t"], arrays["pos"]
    even = np.arange(time[0], time[-1], 1 / CAMERA)
    samples = np.stack([np.interp(even, time, axis) for axis in place.T], 1)
    whole = len(samples) // each * each
    return torch.from_numpy(samples[:whole].reshape(-1, each, 2).mean(1)).float()


def fetch() -> Path:
    """Download the path into the data folder and check it; needs the network."""
    return _files.fetched(FILE)
