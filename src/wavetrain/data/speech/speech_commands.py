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
from wavetrain.data.speech._commands import clips
from wavetrain.errors import BadInput


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
    found = clips()
    sound = resample_poly(found.sound, 1, decimate, axis=1)
    x = torch.from_numpy(sound.astype(np.float32)).unsqueeze(-1)
    y, part = torch.from_numpy(found.label), torch.from_numpy(found.part)
    train, valid, test = (Batch(x[part == place], y[part == place]) for place in range(3))
    return Recorded(train, valid, test, 1, len(found.words), False, False, CLASSES, majority(test.y))
