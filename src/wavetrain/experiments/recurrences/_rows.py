"""Small images of digits, one row of eight pixels a step: they are there without a download."""

import functools
from dataclasses import replace

from wavetrain.core import Batch, Recorded
from wavetrain.data.images.digits import digits


@functools.cache
def rows() -> Recorded:
    """x (N, 8, 8) in [0, 1], y (N,) from 0 to 9; 1,197, 300 and 300 images."""
    task = digits()
    train, valid, test = (
        Batch(part.x.view(-1, 8, 8), part.y) for part in (task.train, task.held_valid, task.held_test)
    )
    return replace(task, train=train, held_valid=valid, held_test=test, inputs=8)
