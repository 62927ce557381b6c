"""Recordings, one file each, and where they lie.

A loader looks in the folder that the environment variable WAVETRAIN_DATA names (by default `data` in the
user's cache), and checks what it reads against the sha256 written in its file. It never uses the network;
`wavetrain fetch NAME` does.
"""

import gzip
import hashlib
import os
import zlib
from pathlib import Path

import torch

from wavetrain.core import CLASSES, Batch, Recorded, majority
from wavetrain.errors import BadInput


def folder() -> Path:
    """The folder of recordings."""
    named = os.environ.get("WAVETRAIN_DATA")
    return Path(named) if named else Path.home() / ".cache" / "wavetrain" / "data"


def unzipped(path: Path, sha256: str, source: str) -> bytes:
    """The content of a gzipped file, or of the file without `.gz`, checked by the sha256 of the content."""
    plain = path.with_suffix("")
    if not path.exists() and not plain.exists():
        raise BadInput(f"{path.name} is not in {path.parent}: {source}")
    try:
        content = gzip.decompress(path.read_bytes()) if path.exists() else plain.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path} cannot be read ({error}); get it again: {source}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadInput(
            f"{path} is damaged: its content has another sha256 than published; get it again: {source}"
        )
    return content


def pixel_sequences(
    images: torch.Tensor, labels: torch.Tensor, sizes: tuple[int, int], permuted: int | None
) -> Recorded:
    """Images (N, height, width) in [0, 1] as sequences of single pixels, in three parts one after another.

    `sizes` are those of the training and validation part; the rest is for the test. `permuted` is the seed
    of one fixed order of the pixels; None reads them row by row.
    """
    x = images.flatten(1)
    if permuted is not None:
        x = x[:, torch.randperm(x.shape[1], generator=torch.Generator().manual_seed(permuted))]
    train, valid, test = (
        Batch(*parts)
        for parts in zip(
            x.unsqueeze(-1).tensor_split((sizes[0], sum(sizes))),
            labels.tensor_split((sizes[0], sum(sizes))),
            strict=True,
        )
    )
    return Recorded(
        train=train,
        held_valid=valid,
        held_test=test,
        inputs=1,
        outputs=10,
        tokens=False,
        steps=False,
        objective=CLASSES,
        chance=majority(test.y),
    )
