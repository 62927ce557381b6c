"""Handwritten digits, 8 x 8 pixels, read one pixel a step (64 steps); they come with scikit-learn.

Optical Recognition of Handwritten Digits, Alpaydin and Kaynak 1998, UCI, test part (1,797 images).
Pixels are scaled from 0..16 to [0, 1]. The split is by a fixed shuffle: 1,197 to train, 300 to choose by,
300 to report. `permuted` is the seed of one fixed order of the pixels.
"""

import torch
from sklearn.datasets import load_digits

from wavetrain.core import Recorded
from wavetrain.data.images._shared import pixel_sequences


def digits(permuted: int | None = None) -> Recorded:
    """x (N, 64, 1) in [0, 1], y (N,) from 0 to 9.

    >>> from wavetrain.data import digits
    >>> task = digits()
    >>> task.train.x.shape, task.test().x.shape  # 64 pixels, one a step
    (torch.Size([1197, 64, 1]), torch.Size([300, 64, 1]))
    >>> round(task.chance, 2)
    0.12
    """
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    x = torch.from_numpy(images).float()[order].unflatten(1, (8, 8)) / 16
    return pixel_sequences(x, torch.from_numpy(labels).long()[order], (1197, 300), permuted)
