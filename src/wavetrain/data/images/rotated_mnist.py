"""Rotated MNIST: task after task of the same ten digits, each turned by an angle of its own.

Lopez-Paz and Ranzato 2017, arXiv 1706.08840; the angles as in Buzzega et al. 2020, arXiv 2004.07211: drawn
evenly from 0 to 180 degrees. Task k has the angle of seed k, so the series has no end, and the first task is
turned like all others. A pixel is made of the four that lie nearest to where it comes from; what comes from
outside the image is black. Turned by angles that are near to each other, tasks are alike: what is learned in
one is of use in the other, which permuted pixels do not have.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import Batch, Recorded
from wavetrain.data.images import _shared
from wavetrain.errors import BadInput

CHUNK = 10_000  # images that are turned at once


def rotated_mnist(part: int = 0, steps: int = 1) -> Recorded:
    """Task `part`, from 0 on: x (N, steps, 784 / steps) in [0, 1], y (N,) from 0 to 9.

    Raises BadInput for a part below 0, and where the recording is not there.

    >>> from wavetrain.data import rotated_mnist
    >>> task = rotated_mnist(part=3, steps=28)
    >>> task.train.x.shape, round(task.chance, 2)  # 28 rows, turned by an angle of their own
    (torch.Size([57000, 28, 28]), 0.11)
    """
    if not isinstance(part, int) or part < 0:
        raise BadInput(f"rotated_mnist: expected a part of at least 0, got {part!r}")
    task, degrees = _shared.mnist_images(steps=steps), angle(part)

    def turned(one: Batch) -> Batch:
        side = round(one.x[0].numel() ** 0.5)
        images = [_turned(few.reshape(-1, side, side), degrees) for few in one.x.split(CHUNK)]
        return Batch(torch.cat(images).view(one.x.shape), one.y)

    train, valid, test = (turned(one) for one in (task.train, task.held_valid, task.held_test))
    return replace(task, train=train, held_valid=valid, held_test=test)


def angle(part: int) -> float:
    """The angle of a task, in degrees."""
    return 180 * float(torch.rand((), generator=torch.Generator().manual_seed(part), dtype=torch.double))


def _turned(images: Tensor, degrees: float) -> Tensor:
    """Images (N, side, side) turned about their middle, anticlockwise as they are looked at."""
    turn = torch.deg2rad(torch.tensor(degrees))
    cosine, sine = turn.cos(), turn.sin()
    back = torch.stack([torch.stack([cosine, -sine, turn * 0]), torch.stack([sine, cosine, turn * 0])])
    places = F.affine_grid(
        back.expand(len(images), 2, 3).to(images), [len(images), 1, *images.shape[1:]], align_corners=False
    )
    return F.grid_sample(images.unsqueeze(1), places, align_corners=False).squeeze(1)
