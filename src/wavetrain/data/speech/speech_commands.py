"""Ten spoken words as raw sound, one sample a step: a small part of Speech Commands.

Warden 2018, arXiv 1804.03209 (version 0.02, CC BY 4.0): 40 clips each of yes, no, up, down, left, right, on,
off, stop and go from the official test files, one second at 16 kHz, 78 speakers, at most one clip of a
speaker and word. No speaker is in two parts: speakers in a fixed random order go to the test part until it
has 60 clips or more, then likewise to the validation part, the rest to train. Samples are scaled to [-1, 1).
`decimate` keeps every so many samples, after a low-pass filter that leaves what the lower rate can carry.
"""

import numpy as np
import torch
from scipy.signal import resample_poly

from wavetrain.core import CLASSES, Batch, Recorded, majority
from wavetrain.data import _files
from wavetrain.errors import BadInput

FILE = _files.File(
    "speech_commands.npz",
    "32e60f28514be9ab6e6b144ee327593203ef5c5aa589b30cc61e676c0ef0c25b",
    "thegtagamer/PICO-tinyML-benchmark",
)
HELD_OUT = 0.15  # share of the clips in the validation part, and in the test part


def speech_commands(decimate: int = 1) -> Recorded:
    """x (N, 16000 / decimate, 1), rounded up, in about [-1, 1); y (N,) from 0 to 9, in the order above.

    Raises BadInput for `decimate` below 1, and where the recording is not there.

    >>> from wavetrain.data import speech_commands
    >>> task = speech_commands(decimate=4)
    >>> task.train.x.shape, round(task.chance, 3)  # a second of sound, at 4 kHz
    (torch.Size([268, 4000, 1]), 0.127)
    """
    if decimate < 1:
        raise BadInput(f"speech_commands: expected to keep every 1st, 2nd ... sample, got {decimate}")
    arrays = _files.arrays(*FILE.where())
    sound = resample_poly(arrays["audio"].astype(np.float64) / 2**15, 1, decimate, axis=1)
    x = torch.from_numpy(sound.astype(np.float32)).unsqueeze(-1)
    y = torch.from_numpy(arrays["label"].astype(np.int64))
    part = torch.from_numpy(parts(np.array([name.partition("_")[0] for name in arrays["name"]])))
    train, valid, test = (Batch(x[part == place], y[part == place]) for place in range(3))
    outputs = len(arrays["words"])
    return Recorded(train, valid, test, 1, outputs, False, False, CLASSES, majority(test.y))


def parts(speaker: np.ndarray) -> np.ndarray:
    """For the speaker of each clip (N,) the part it is in: 0 to train, 1 to choose by, 2 to report."""
    names, clips = np.unique(speaker, return_counts=True)
    part = np.zeros(len(names), dtype=np.int64)
    order = iter(np.random.default_rng(0).permutation(len(names)))
    for place in (2, 1):
        while clips[part == place].sum() < HELD_OUT * len(speaker):
            part[next(order)] = place
    return part[np.searchsorted(names, speaker)]
