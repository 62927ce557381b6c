"""MNIST: handwritten digits, 28 x 28 pixels, read one pixel a step (784 steps).

LeCun, Bottou, Bengio and Haffner 1998. 57,000 to train, the last 3,000 of the training file to choose by,
10,000 to report, as in Keller et al. 2023. Pixels are scaled from 0..255 to [0, 1]. The four IDX files lie
in the data folder, or in its subfolder `mnist`, gzipped or not; `wavetrain fetch mnist` brings them.
"""

from pathlib import Path

from wavetrain import data
from wavetrain.core import Recorded
from wavetrain.errors import BadInput

SOURCE = "https://ossci-datasets.s3.amazonaws.com/mnist/"


def mnist(permuted: int | None = None) -> Recorded:
    """x (N, 784, 1) in [0, 1], y (N,) from 0 to 9; `permuted` is the seed of one order of the pixels."""
    return data.mnist_images(permuted)


def fetch() -> Path:
    """Download the four files into the data folder and check them; needs the network."""
    import pooch

    home = data.folder() / "mnist"
    for name in data.MNIST:
        try:
            pooch.retrieve(SOURCE + name, known_hash=None, fname=name, path=home)
        except Exception as error:  # whatever the network raises
            raise BadInput(f"{name} could not be fetched from {SOURCE}: {error}") from error
        data.read_mnist(name)
    return home
