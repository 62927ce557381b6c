"""Spoken digits as 32 frames of 12 mel bands, spread over the word."""

import functools

import numpy as np
import torch

from wavetrain.core import CLASSES, Batch, Recorded, majority
from wavetrain.data import _files
from wavetrain.data.speech.spoken_digits import (
    FILE,
    HOP,
    RANGE,
    REPOSITORY,
    SHA256,
    TEST,
    VALID,
    WINDOW,
    filters,
)

BANDS, FRAMES = 12, 32


@functools.cache
def words() -> Recorded:
    """x (N, 32, 12), the level of bands from -1 to 1, y (N,) from 0 to 9; parts as of `spoken_digits`."""
    arrays = _files.arrays(_files.folder() / FILE, SHA256, _files.comes_from(REPOSITORY))
    clips, bank = np.split(arrays["samples"], arrays["start"][1:-1].astype(np.int64)), filters(BANDS)
    x = torch.stack([torch.from_numpy(levels(clip.astype(np.float64), bank)) for clip in clips])
    y, take = (torch.from_numpy(arrays[name].astype(np.int64)) for name in ("digit", "take"))
    train, valid, test = (
        Batch(x[part], y[part]) for part in (take >= VALID, (take >= TEST) & (take < VALID), take < TEST)
    )
    return Recorded(train, valid, test, BANDS, 10, False, False, CLASSES, majority(test.y))


def levels(sound: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """Levels (32, bands) of a sound (samples,): -1 at 60 decibels below the loudest, 1 at the loudest."""
    sound = np.pad(sound, (0, max(0, WINDOW - len(sound))))
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP] * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(windows, 2 * WINDOW)) ** 2 @ bank.T
    level = 10 * np.log10(np.maximum(power, 1e-12) / max(power.max(), 1e-12))
    frames = np.linspace(0, len(level) - 1, FRAMES).round().astype(int)
    return (2 * np.clip(1 + level[frames] / RANGE, 0, 1) - 1).astype(np.float32)
