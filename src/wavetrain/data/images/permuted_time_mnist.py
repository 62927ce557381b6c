"""Permuted time: task after task of the same digits, read row by row in an order of rows of its own.

What permuted MNIST is for pixels, for a network that reads in time: an image is a sequence of its rows, and
task k shows them in the order of seed k. Each row stays as it is, so that what a network makes of one step
serves every task, and what it makes of their order serves none but one. Ours: the protocol is that of
Goodfellow et al. 2013, arXiv 1312.6211, with steps in the place of pixels. The first task is permuted, too.
"""

from dataclasses import replace

import torch

from wavetrain.core import Batch, Recorded
from wavetrain.data.images import _shared
from wavetrain.errors import BadInput


def permuted_time_mnist(part: int = 0, steps: int = 28) -> Recorded:
    """Task `part`, from 0 on: x (N, steps, 784 / steps) in [0, 1], y (N,) from 0 to 9.

    Raises BadInput for a part below 0, and where the recording is not there.

    >>> from wavetrain.data import permuted_time_mnist
    >>> task = permuted_time_mnist(part=3)
    >>> task.train.x.shape, round(task.chance, 2)  # the rows of an image, in an order of their own
    (torch.Size([57000, 28, 28]), 0.11)
    """
    if not isinstance(part, int) or part < 0:
        raise BadInput(f"permuted_time_mnist: expected a part of at least 0, got {part!r}")
    task = _shared.mnist_images(steps=steps)
    order = torch.randperm(steps, generator=torch.Generator().manual_seed(part))
    train, valid, test = (
        Batch(one.x[:, order], one.y) for one in (task.train, task.held_valid, task.held_test)
    )
    return replace(task, train=train, held_valid=valid, held_test=test)
