"""Pairs of digits in turn, and perceptrons for them: MNIST, or the small digits of scikit-learn."""

import itertools

from torch import nn

from wavetrain.core import Recorded
from wavetrain.data.images._shared import mnist_images, of_classes
from wavetrain.data.images.digits import digits
from wavetrain.data.images.split_mnist import TASKS

PAIRS = tuple((2 * task, 2 * task + 1) for task in range(TASKS))


def mnist_pairs(steps: int = 1) -> list[Recorded]:
    """Split MNIST in the fixed order, 0 and 1 to 8 and 9, which is read once for all tasks."""
    whole = mnist_images(steps=steps)
    return [of_classes(whole, pair) for pair in PAIRS]


def small_pairs() -> list[Recorded]:
    """The same of 8 x 8 pixels, for a try."""
    whole = digits()
    return [of_classes(whole, pair) for pair in PAIRS]


def perceptron(pixels: int, width: int, outputs: int, *, xavier: bool = False) -> nn.Sequential:
    """Two hidden layers of rectified units, for sequences of any shape."""
    sizes = (pixels, width, width, outputs)
    maps = [nn.Linear(one, other) for one, other in itertools.pairwise(sizes)]
    for one in maps if xavier else ():
        nn.init.xavier_uniform_(one.weight)
    return nn.Sequential(nn.Flatten(), maps[0], nn.ReLU(), maps[1], nn.ReLU(), maps[2])
