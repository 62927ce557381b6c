"""Split MNIST: five tasks one after another, of two digits each, and one network that has to name all ten.

The benchmark of van de Ven and Tolias 2019, arXiv 1904.07734, in its hardest form, class-incremental: labels
are digits, from 0 to 9, and nobody says which task an image is from. Digits 0 and 1 come first, 8 and 9 last,
or in an order drawn with the seed `shuffled`, as that decides much. About 12,000 images a task, in the three
parts that MNIST has. An image is one step of 784 pixels, or cut into `steps` of equal size: 28 rows, 784
pixels. A network that forgets all but the last task names a fifth right.
"""

import torch

from wavetrain.core import Recorded
from wavetrain.data.images import _shared
from wavetrain.errors import BadInput

TASKS = 5


def split_mnist(part: int = 0, shuffled: int | None = None, steps: int = 1) -> Recorded:
    """Task `part`, from 0 to 4: x (N, steps, 784 / steps) in [0, 1], y (N,) two of the digits.

    Raises BadInput for a part that is not from 0 to 4, and where the recording is not there.

    >>> from wavetrain.data import split_mnist
    >>> task = split_mnist(part=1)
    >>> task.train.y.unique().tolist(), task.outputs  # two new digits, and all ten to choose from
    ([2, 3], 10)
    """
    if part not in range(TASKS):
        raise BadInput(f"split_mnist: expected a part from 0 to {TASKS - 1}, got {part!r}")
    digits = torch.arange(10)
    if shuffled is not None:
        digits = torch.randperm(10, generator=torch.Generator().manual_seed(shuffled))
    return _shared.of_classes(_shared.mnist_images(steps=steps), digits.view(TASKS, 2)[part].tolist())
