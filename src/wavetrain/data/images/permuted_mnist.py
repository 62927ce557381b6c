"""Permuted MNIST: task after task of the same ten digits, each with the pixels in a random order of its own.

Goodfellow, Mirza, Xiao, Courville and Bengio 2013, arXiv 1312.6211. Task k has the order of seed k, so the
series has no end, and the first task is permuted like all others. Labels are the digits in every task: new
is the input. An image is one step of 784 pixels, or cut into `steps` of equal size. All tasks are equally
hard for whoever does not know where pixels lie, so a fall from the first to the last is forgetting.
"""

from wavetrain.core import Recorded
from wavetrain.data.images import _shared
from wavetrain.errors import BadInput


def permuted_mnist(part: int = 0, steps: int = 1) -> Recorded:
    """Task `part`, from 0 on: x (N, steps, 784 / steps) in [0, 1], y (N,) from 0 to 9.

    Raises BadInput for a part below 0, and where the recording is not there.

    >>> from wavetrain.data import permuted_mnist
    >>> task = permuted_mnist(part=3, steps=28)
    >>> task.train.x.shape, round(task.chance, 2)  # 28 steps of 28 pixels, in an order of its own
    (torch.Size([57000, 28, 28]), 0.11)
    """
    if not isinstance(part, int) or part < 0:
        raise BadInput(f"permuted_mnist: expected a part of at least 0, got {part!r}")
    return _shared.mnist_images(permuted=part, steps=steps)
