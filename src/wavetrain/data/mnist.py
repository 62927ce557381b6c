"""MNIST: handwritten digits, 28 x 28 pixels, read one pixel a step (784 steps).

LeCun, Bottou, Bengio and Haffner 1998. 57,000 to train, the last 3,000 of the training file to choose by,
10,000 to report, as in Keller et al. 2023. Pixels are scaled from 0..255 to [0, 1]. The four IDX files lie
in the data folder, or in its subfolder `mnist`, gzipped or not; `wavetrain fetch mnist` brings them.
"""

import struct
from pathlib import Path

import torch

from wavetrain import data
from wavetrain.core import Recorded
from wavetrain.errors import BadInput

SOURCE = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FILES = {  # sha256 of the content, unzipped
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def mnist(permuted: int | None = None) -> Recorded:
    """x (N, 784, 1) in [0, 1], y (N,) from 0 to 9; `permuted` is the seed of one order of the pixels."""
    parts = [_read(name) for name in FILES]
    images, labels = torch.cat(parts[0::2]), torch.cat(parts[1::2])
    return data.pixel_sequences(images.float() / 255, labels.long(), (57_000, 3_000), permuted)


def fetch() -> Path:
    """Download the four files into the data folder and check them; needs the network."""
    import pooch

    home = data.folder() / "mnist"
    for name in FILES:
        try:
            pooch.retrieve(SOURCE + name, known_hash=None, fname=name, path=home)
        except Exception as error:  # whatever the network raises
            raise BadInput(f"{name} could not be fetched from {SOURCE}: {error}") from error
        _read(name)
    return home


def _read(name: str) -> torch.Tensor:
    """One IDX file: two zero bytes, a type (8 for bytes), the number of axes, their sizes, the bytes."""
    home = data.folder()
    home = home / "mnist" if (home / "mnist").is_dir() else home
    content = data.unzipped(home / name, FILES[name], "run `wavetrain fetch mnist` or set WAVETRAIN_DATA")
    axes = content[3]
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=4 + 4 * axes).view(shape)
