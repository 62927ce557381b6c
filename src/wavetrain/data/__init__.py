"""Recordings, one file each, and where they lie.

A loader looks in the folder that the environment variable WAVETRAIN_DATA names (by default `data` in the
user's cache), and checks what it reads against the sha256 written in its file. It never uses the network;
`wavetrain fetch NAME` does.
"""

import gzip
import hashlib
import io
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import CLASSES, Batch, Recorded, majority
from wavetrain.errors import BadInput
from wavetrain.evidence import reads

HOST = "https://raw.githubusercontent.com"
TRIES, PAUSE = 3, 1.0  # to download a file, and seconds before the next, more each time
MNIST = {  # sha256 of the content, unzipped
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def folder() -> Path:
    """The folder of recordings."""
    named = os.environ.get("WAVETRAIN_DATA")
    return Path(named) if named else Path.home() / ".cache" / "wavetrain" / "data"


def unzipped(path: Path, sha256: str, source: str) -> bytes:
    """The content of a file, gzipped or not, checked by the sha256 of the content.

    A name that ends in `.gz` is found without it too. `source` is told where the file is missing or damaged.
    """
    zipped = path.suffix == ".gz"
    plain = path.with_suffix("") if zipped else path
    if not path.exists() and not plain.exists():
        raise BadInput(f"{path.name} is not in {path.parent}: {source}")
    try:
        content = gzip.decompress(path.read_bytes()) if zipped and path.exists() else plain.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path} cannot be read ({error}); get it again: {source}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadInput(
            f"{path} is damaged: its content has another sha256 than published; get it again: {source}"
        )
    reads.note(path.name, sha256)
    return content


def arrays(path: Path, sha256: str, source: str) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by their names, checked as `unzipped` does; pickled objects are refused."""
    content = unzipped(path, sha256, source)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} holds no arrays ({error}); get it again: {source}") from error


def comes_from(repository: str) -> str:
    """Where a file of the data folder comes from, for who does not have it."""
    return f"it comes from the repository {repository}; set WAVETRAIN_DATA to the folder it lies in"


class File(NamedTuple):
    """A published file that lies in the data folder."""

    name: str
    sha256: str  # of its content, unzipped where the name ends in .gz
    repository: str  # that it comes from, owner/name on GitHub
    place: str = ""  # commit/path of the same content there; empty where it was put together from parts

    def where(self) -> tuple[Path, str, str]:
        """What `unzipped` and `arrays` need to know."""
        brings = "`wavetrain fetch` brings it; " if self.place else ""
        return folder() / self.name, self.sha256, brings + comes_from(self.repository)


def fetched(*files: File) -> Path:
    """Download files into the data folder, unzipped; needs the network."""
    for file in files:
        brought(f"{HOST}/{file.repository}/{file.place}", folder() / file.name, file.sha256)
    return folder()


def brought(url: str, path: Path, sha256: str) -> None:
    """Download a file to the path, or to it without `.gz` where the address has none, unless it is there.

    What is there counts only whole, by the sha256 of its content, unzipped; what is damaged is replaced. A
    download that comes damaged is tried again, and never takes the place of anything.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    found = [one for one in {path, plain} if one.exists()]
    whole = [one for one in found if _is_whole(one, sha256)]
    if not whole:
        new = path if url.endswith(".gz") else plain
        part = new.with_name(f".part-{new.name}")
        why = ""
        for attempt in range(TRIES):
            time.sleep(attempt * PAUSE)
            try:
                part.unlink(missing_ok=True)
                pooch.retrieve(url, known_hash=None, fname=part.name, path=part.parent)
                if _is_whole(part, sha256):
                    part.replace(new)
                    break
                why = f"its content has another sha256 than published, {sha256}"
                part.unlink()
            except Exception as error:  # whatever the network raises
                why = str(error)
        else:
            raise BadInput(f"{path.name} could not be fetched from {url} in {TRIES} tries: {why}")
        whole = [new]
    for one in found:  # a damaged one would be read before the whole one
        if one not in whole:
            one.unlink()


def _is_whole(path: Path, sha256: str) -> bool:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error):
        return False
    return hashlib.sha256(content).hexdigest() == sha256


def standardised(x: Tensor, train: Tensor) -> Tensor:
    """Each channel (last axis) less its mean in `train` and over its deviation there; NaN counts nowhere."""
    train = train.double().flatten(0, -2)
    mean = train.nanmean(0)
    deviation = (train - mean).square().nanmean(0).sqrt()
    return ((x - mean) / deviation.where(deviation > 0, 1)).float()


def forecasts(
    rows: Tensor, targets: int, past: int, ahead: int, ends: tuple[int, int]
) -> tuple[Batch, Batch, Batch]:
    """Windows of rows (N, C), one from each row on: x (K, past, C), and what follows, y (K, ahead targets).

    Asked are the first `targets` channels, row after row. `ends` are the rows at which the training
    and the validation part end. The answers of a window lie inside one part; the past of the first windows
    of a part lies in the part before. All are views of the rows.
    """
    if past < 1 or ahead < 1:
        raise BadInput(f"expected a past and rows ahead of at least 1, got {past} and {ahead}")
    wanted = rows[:, :targets].contiguous()

    def cut(first: int, end: int) -> Batch:
        if end - first < ahead:
            raise BadInput(
                f"expected windows that fit parts ending at rows {ends[0]}, {ends[1]} and {len(rows)}, got "
                f"{past} rows of past and {ahead} ahead"
            )
        x = rows[first - past : end - ahead].unfold(0, past, 1).movedim(-1, 1)
        return Batch(x, wanted[first:end].flatten().unfold(0, ahead * targets, targets))

    return cut(past, ends[0]), cut(max(past, ends[0]), ends[1]), cut(max(past, ends[1]), len(rows))


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
        steps=False,
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
