"""Calcium in the head of a freely moving worm: tell what all other neurons do from a few.

Atanas et al. 2023, Cell 186:4134, one animal of C. elegans as it comes with the_worm_machine: 98 neurons,
1600 steps of 0.6 s, each neuron scaled to mean 0 and deviation 1 over the whole recording.

    x  the neurons that are recorded, at every step      y  all others at the same steps

The parts follow one another in time: steps 0 to 1099 to learn from, 1100 to 1199 to choose by, 1200 to 1599
to report. Windows begin with each step. The recorded neurons are drawn by `seed`. Left out: behaviour and the
names of neurons, which are not in the file.
"""

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import VALUES, Batch, Recorded, explained
from wavetrain.data import _files
from wavetrain.errors import BadInput

FILE = _files.File(
    "worm_whole_brain.npz",
    "89e831d7b7c9baa523216050f019614d6f8a95d3ac4f6bd41048df3b0b235cc1",
    "BenThrelfall/the_worm_machine",
)
PARTS = (slice(0, 1100), slice(1100, 1200), slice(1200, 1600))  # steps


def worm(recorded: int = 20, window: int = 20, seed: int = 0) -> Recorded:
    """x (N, window, recorded) and y (N, window, neurons - recorded).

    Raises BadInput for a window that does not fit into the 100 steps of the shortest part, for too few or too
    many recorded neurons, and where the recording is not there.

    >>> from wavetrain.data import worm
    >>> x, y = worm(recorded=20, window=50).test()
    >>> x.shape, y.shape
    (torch.Size([351, 50, 20]), torch.Size([351, 50, 78]))
    """
    trace = traces()
    if not 0 < window <= 100:
        raise BadInput(f"worm: expected a window of 1 to 100 steps, got {window}")
    few, rest = drawn(trace.shape[1], recorded, seed)
    parts = (trace[part].unfold(0, window, 1).mT for part in PARTS)  # (N, window, neurons)
    train, valid, test = (Batch(part[..., few], part[..., rest]) for part in parts)
    y = test.y
    chance = float(explained(y.mean(0, keepdim=True).expand_as(y), y))
    others = len(rest)
    return Recorded(
        train, valid, test, recorded, others, tokens=False, every_step=True, objective=VALUES, chance=chance
    )


def drawn(neurons: int, recorded: int, seed: int) -> tuple[Tensor, Tensor]:
    """Which neurons are recorded, and all others, each in order."""
    if not 0 < recorded < neurons:
        raise BadInput(f"worm: expected 1 to {neurons - 1} recorded neurons, got {recorded}")
    order = torch.from_numpy(np.random.default_rng(seed).permutation(neurons))
    return order[:recorded].sort().values, order[recorded:].sort().values


def traces() -> Tensor:
    """All neurons over time, (1600, 98), float32."""
    return torch.from_numpy(_files.arrays(*FILE.where())["trace"].astype(np.float32))
