"""MNIST, and images read pixel by pixel."""

import struct
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from wavetrain.core import CLASSES, Batch, Recorded, majority
from wavetrain.data._files import folder, unzipped
from wavetrain.errors import BadInput

MNIST = {  # sha256 of the content, unzipped
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def mnist_images(permuted: int | None = None, steps: int = 784) -> Recorded:
    """MNIST in three parts of 57,000, 3,000 and 10,000, each image cut into steps of equal size."""
    parts = [read_mnist(name) for name in MNIST]
    images, labels = torch.cat(parts[0::2]), torch.cat(parts[1::2])
    return pixel_sequences(images.float() / 255, labels.long(), (57_000, 3_000), permuted, steps)


def read_mnist(name: str) -> Tensor:
    """One IDX file: two zero bytes, a type (8 for bytes), the number of axes, their sizes, the bytes."""
    home = folder() / "mnist" if (folder() / "mnist").is_dir() else folder()
    content = unzipped(home / name, MNIST[name], "run `wavetrain fetch mnist` or set WAVETRAIN_DATA")
    axes = content[3]
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=4 + 4 * axes).view(shape)


def pixel_sequences(
    images: Tensor, labels: Tensor, sizes: tuple[int, int], permuted: int | None, steps: int | None = None
) -> Recorded:
    """Images (N, height, width) in [0, 1] as sequences of single pixels, in three parts one after another.

    `sizes` are those of the training and validation part; the rest is for the test. `permuted` is the seed
    of one fixed order of the pixels; None reads them row by row. In fewer `steps` each takes as many pixels.
    """
    x = images.flatten(1)
    steps = x.shape[1] if steps is None else steps
    if not isinstance(steps, int) or steps < 1 or x.shape[1] % steps:
        raise BadInput(f"expected steps that divide {x.shape[1]} pixels, got {steps!r}")
    if permuted is not None:
        x = x[:, torch.randperm(x.shape[1], generator=torch.Generator().manual_seed(permuted))]
    train, valid, test = (
        Batch(*parts)
        for parts in zip(
            x.unflatten(1, (steps, -1)).tensor_split((sizes[0], sum(sizes))),
            labels.tensor_split((sizes[0], sum(sizes))),
            strict=True,
        )
    )
    return Recorded(
        train=train,
        held_valid=valid,
        held_test=test,
        inputs=x.shape[1] // steps,
        outputs=10,
        tokens=False,
        every_step=False,
        objective=CLASSES,
        chance=majority(test.y),
    )


def of_classes(task: Recorded, classes: Sequence[int]) -> Recorded:
    """The sequences of some classes, under the labels they had: one of a series of tasks for one network."""

    def kept(part: Batch) -> Batch:
        rows = torch.isin(part.y, torch.tensor(classes))
        return Batch(part.x[rows], part.y[rows])

    train, valid, test = (kept(part) for part in (task.train, task.held_valid, task.held_test))
    if not all(len(part.y) for part in (train, valid, test)):
        raise BadInput(f"expected sequences of classes {list(classes)} in all three parts, got none in one")
    return replace(task, train=train, held_valid=valid, held_test=test, chance=majority(test.y))
