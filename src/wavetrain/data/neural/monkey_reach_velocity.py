"""A monkey that reaches: tell the velocity of its hand from what its motor cortex does.

Flint et al. 2012, run 1, as preprocessed for DKF-implementations: ten features of the activity and the two
components of the velocity, 7,792 steps.

    x  features at every step      y  velocity at the same steps

The parts are the customary ones: the first 5,000 steps to learn from, of which we keep the last 1,000 to
choose by, and the 1,000 that follow to report. Windows begin with each step. Features and velocity are
scaled to mean 0 and deviation 1 of the steps that are learned from. Two things must be known. The file does
not say how long a step is: by how fast the velocity changes, 50 to 100 ms. And the ten features have no
correlation at all over the whole file, so that whoever made them has seen the steps that are held out.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import VALUES, Batch, Recorded, explained
from wavetrain.data import _files
from wavetrain.errors import BadInput

FILE = _files.File(
    "monkey_reach_velocity.npz",
    "0c23091a28c65228c8916f4287e0b131dde8eed9da820c326e2a98f3f5fd145b",
    "burkh4rt/DKF-implementations",
)
PARTS = (slice(0, 4000), slice(4000, 5000), slice(5000, 6000))  # steps


class Reaches(NamedTuple):
    """All steps, scaled by those that are learned from."""

    features: Tensor  # (7792, 10)
    velocity: Tensor  # (7792, 2)
    scale: tuple[float, ...]  # one of each velocity, in the unit of the file
    level: tuple[float, ...]  # and what 0 is


def monkey_reach_velocity(window: int = 50) -> Recorded:
    """x (N, window, 10) and y (N, window, 2).

    Raises BadInput for a window that does not fit into the 1000 steps of the shortest part, and where the
    recording is not there.

    >>> from wavetrain.data import monkey_reach_velocity
    >>> x, y = monkey_reach_velocity(window=100).test()
    >>> x.shape, y.shape
    (torch.Size([901, 100, 10]), torch.Size([901, 100, 2]))
    """
    found = reaches()
    if not 0 < window <= 1000:
        raise BadInput(f"monkey reach velocity: expected a window of 1 to 1000 steps, got {window}")
    parts = (
        Batch(*(one[part].unfold(0, window, 1).mT for one in (found.features, found.velocity)))
        for part in PARTS
    )
    train, valid, test = parts
    chance = float(explained(torch.zeros_like(test.y), test.y))  # the mean of what was learned from
    return Recorded(
        train,
        valid,
        test,
        10,
        2,
        tokens=False,
        every_step=True,
        objective=VALUES,
        chance=chance,
        scale=found.scale,
        level=found.level,
    )


def reaches() -> Reaches:
    """The whole recording; raises BadInput where the file is not there."""
    arrays = _files.arrays(*FILE.where())
    features, velocity = (arrays[name].astype(np.float64) for name in ("features", "velocity"))
    (x, _, _), (y, level, scale) = (standard(one, PARTS[0]) for one in (features, velocity))
    return Reaches(torch.from_numpy(x).float(), torch.from_numpy(y).float(), tuple(scale), tuple(level))


def standard(values: np.ndarray, part: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values (T, channels) less their mean in a part and by their deviation there, and these two."""
    level, scale = values[part].mean(0), values[part].std(0)
    return (values - level) / scale, level, scale
