"""Spoken digits as spikes: six speakers say zero to nine, heard by a small model of the ear.

Free Spoken Digit Dataset (Jackson 2016, Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0), takes 0 to 19
of each digit and speaker, 8 kHz. As is customary, takes 0 to 4 are for the test (300 clips), so all speakers
are in all parts; takes 5 and 6 are to choose by (120), the rest to train (780).

The ear is ours: power in frames of 25 ms, one each 10 ms, summed in triangular bands evenly spaced in mel
from 0 to 4 kHz. A band is driven by its level in decibels, from 0 at 60 below the loudest of the clip to 1
at the loudest, and adds up its drive: it spikes whenever the sum passes a whole number, at most once a frame.
Clips end at the last frame, with silence before; of a longer one only the first `frames` are kept.
"""

import numpy as np
import torch

from wavetrain.core import CLASSES, Batch, Recorded, majority
from wavetrain.data import _files
from wavetrain.errors import BadInput

FILE = "spoken_digits.npz"
SHA256 = "886529e380a789fb179f642336a437a604567e38882e6205ec3220101930228c"
REPOSITORY = "Jakobovski/free-spoken-digit-dataset"
RATE, WINDOW, HOP = 8000, 200, 80  # samples in a second, in a frame, and between frames
RANGE = 60.0  # decibels that are heard
TEST, VALID = 5, 7  # takes below 5 for the test, below 7 for validation


def spoken_digits(bands: int = 40, frames: int = 80) -> Recorded:
    """x (N, frames, bands) of 0 and 1, y (N,) from 0 to 9.

    Raises BadInput without bands or frames, for bands too narrow to hold a frequency, and where the recording
    is not there.

    >>> from wavetrain.data import spoken_digits
    >>> task = spoken_digits()
    >>> task.train.x.shape, task.test().x.shape  # spikes in 40 bands
    (torch.Size([780, 80, 40]), torch.Size([300, 80, 40]))
    """
    if bands < 1 or frames < 1:
        raise BadInput(f"spoken_digits: expected bands and frames of at least 1, got {bands} and {frames}")
    arrays = _files.arrays(_files.folder() / FILE, SHA256, _files.comes_from(REPOSITORY))
    clips = np.split(arrays["samples"], arrays["start"][1:-1].astype(np.int64))
    x = torch.zeros(len(clips), frames, bands)
    for row, clip in zip(x, clips, strict=True):
        heard = torch.from_numpy(spikes(clip.astype(np.float64), bands))[:frames]
        row[frames - len(heard) :] = heard
    y, take = (torch.from_numpy(arrays[name].astype(np.int64)) for name in ("digit", "take"))
    train, valid, test = (
        Batch(x[part], y[part]) for part in (take >= VALID, (take >= TEST) & (take < VALID), take < TEST)
    )
    return Recorded(train, valid, test, bands, 10, False, False, CLASSES, majority(test.y))


def spikes(sound: np.ndarray, bands: int) -> np.ndarray:
    """The spikes (frames, bands) of a sound (samples,) at 8 kHz, as 0 and 1."""
    sound = np.pad(sound, (0, max(0, WINDOW - len(sound))))
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP] * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(windows, 2 * WINDOW)) ** 2 @ filters(bands).T  # (frames, bands)
    level = 10 * np.log10(np.maximum(power, 1e-12) / max(power.max(), 1e-12))
    drive = np.clip(1 + level / RANGE, 0, 1) * (power.max() > 0)
    sums = np.floor(np.cumsum(drive, 0))
    return np.diff(sums, axis=0, prepend=0).clip(0, 1).astype(np.float32)


def filters(bands: int) -> np.ndarray:
    """Triangles (bands, frequencies) whose corners are evenly spaced in mel; each is 1 at its middle."""
    hertz = np.linspace(0, RATE / 2, WINDOW + 1)
    corner = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), bands + 2) / 2595) - 1)
    low, middle, high = corner[:-2, None], corner[1:-1, None], corner[2:, None]
    triangles = np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle)).clip(0)
    if not triangles.any(1).all():
        raise BadInput(
            f"spoken_digits: {bands} bands are narrower than the {hertz[1]:g} Hz between frequencies"
        )
    return triangles
