"""MNIST: handwritten digits, 28 x 28 pixels, read one pixel a step (784 steps).

LeCun, Bottou, Bengio and Haffner 1998. 57,000 to train, the last 3,000 of the training file to choose by,
10,000 to report, as in Keller et al. 2023. Pixels are scaled from 0..255 to [0, 1]. The four IDX files lie
in the data folder, or in its subfolder `mnist`, gzipped or not; `wavetrain fetch mnist` brings them.
"""

from pathlib import Path

from wavetrain.core import Recorded
from wavetrain.data import _files
from wavetrain.data.images import _shared

SOURCE = "https://ossci-datasets.s3.amazonaws.com/mnist/"


def mnist(permuted: int | None = None) -> Recorded:
    """x (N, 784, 1) in [0, 1], y (N,) from 0 to 9; `permuted` is the seed of one order of the pixels.

    >>> from wavetrain.data import mnist
    >>> task = mnist()
    >>> task.train.x.shape, task.test().x.shape  # 784 pixels, one a step
    (torch.Size([57000, 784, 1]), torch.Size([10000, 784, 1]))
    """
    return _shared.mnist_images(permuted)


def fetch() -> Path:
    """Download the four files into the data folder and check them; needs the network."""
    home = _files.folder() / "mnist"
    for name, sha256 in _shared.MNIST.items():
        _files.brought(SOURCE + name, home / name, sha256)
    return home
