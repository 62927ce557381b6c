"""Braille letters under a robot's finger, as spikes: a channel fires when a sensor has moved by a threshold.

Müller-Cleve et al. 2022, arXiv 2205.15864, as it comes with fzenke/spytorch (CC BY 4.0): 26 letters and a
space, 50 repetitions of each, 12 sensors of 256 values, 76 samples; as its tutorial does, this takes 255 less
the value. The last ten repetitions of each letter are for the test (270), the five before to choose by (135),
the first 35 to train (945).

Each sensor is sent on delta (`parts/level_crossing.py`) from its first sample on, so that the level at which
it rests is not heard. Steps are put between samples, on straight lines, until no sensor crosses more than one
level in a step: eight for each sample with the threshold of 5, four with 10, where some of the spaces have no
spike at all. What is read back is less than a threshold from what was felt. Left out: the encoding of the
authors, which has other thresholds and times.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import CLASSES, Batch, Recorded, majority
from wavetrain.data import _files
from wavetrain.errors import BadInput
from wavetrain.parts.level_crossing import finer, level_crossings, up_and_down

FILE = _files.File(
    "braille_touch.npz",
    "29dce99e0dafbe37dfd3f6aa36d4429cc525708548a726c68718024f43f72f97",
    "fzenke/spytorch",
)
TEST, VALID = 40, 35  # repetitions from here on
MOST = 255  # of a sensor that is not touched


def braille_touch(threshold: float = 5.0) -> Recorded:
    """x (N, steps, 24) of 0 and 1, 12 sensors up and 12 down; y (N,) from 0 to 26, the space and 26 letters.

    The threshold is in values of a sensor, of 256. Raises BadInput for one below 1, which no value is, and
    where the recording is not there.

    >>> from wavetrain.data import braille_touch
    >>> task = braille_touch()
    >>> task.train.x.shape, task.names[:3], round(float(task.train.x.sum((1, 2)).mean()), 1)
    (torch.Size([945, 608, 24]), ('Space', 'A', 'B'), 38.3)
    """
    if not 1 <= threshold < math.inf:
        raise BadInput(f"braille_touch: expected a threshold of at least 1, got {threshold!r}")
    arrays = _files.arrays(*FILE.where())
    touch = torch.from_numpy(MOST - arrays["taxel"].astype(np.float32))
    y, repetition = (torch.from_numpy(arrays[name].astype(np.int64)) for name in ("letter", "repetition"))
    x = spikes(touch, threshold)
    train, valid, test = (
        Batch(x[part], y[part])
        for part in (repetition < VALID, (repetition >= VALID) & (repetition < TEST), repetition >= TEST)
    )
    names = tuple(str(one) for one in arrays["letters"])
    return Recorded(
        train, valid, test, x.shape[2], len(names), False, False, CLASSES, majority(test.y), names
    )


def spikes(
    touch: Float[Tensor, "clips samples sensors"], threshold: float
) -> Float[Tensor, "clips steps both"]:
    """Sensors up, then sensors down, in as many steps for each sample as the fastest of them needs."""
    fastest = float(touch.diff(dim=1).abs().max())
    fine = finer(touch, max(1, math.ceil(fastest / threshold)))
    return up_and_down(level_crossings(fine, threshold, fine[:, 0])[0])
