"""The files that UEA and UCR series are published in, and how they become arrays.

aeon keeps series as `.ts` files, a file each to train and to test; mlmts keeps them as a list in a file of R,
those to train first. Each file is named by its commit and checked by its sha256. Numbers are stored as
float32, classes as their places in sorted order.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from wavetrain.data import _files
from wavetrain.data.series import _rdata
from wavetrain.errors import BadInput
from wavetrain.tables.read.labelled import labelled

AEON = "aeon-toolkit/aeon/a101ddc8b35a65441609b45c9bcce5aeafa0c131/aeon/datasets/data"
MLMTS = "cran/mlmts/5b62d2f4610d696b5b617149915d6fc5d2ff7142/data"


class Published(NamedTuple):
    """Files by their addresses below the host, with the sha256 of each, and what is made of them."""

    files: tuple[tuple[str, str], ...]
    made: Callable[[list[bytes]], dict[str, np.ndarray]]


def brought(published: Published) -> dict[str, np.ndarray]:
    """Download the files and make the arrays; needs the network."""
    contents = []
    with TemporaryDirectory() as folder:
        for place, sha256 in published.files:
            path = Path(folder) / place.rpartition("/")[2]
            _files.brought(f"{_files.HOST}/{place}", path, sha256)
            contents.append(path.read_bytes())
    return published.made(contents)


def of_ts(contents: list[bytes]) -> dict[str, np.ndarray]:
    """The arrays of two `.ts` files: NaN behind the end of series that are shorter than the longest."""
    parts = [labelled(content.decode()) for content in contents]
    longest = max(len(one) for part in parts for one in part.series)
    names = sorted({name for part in parts for name in part.labels or ()})
    found = {}
    for side, part in zip(("train", "test"), parts, strict=True):
        if part.labels is None:
            raise BadInput(f"expected a class of each series to {side}, got none")
        x = np.full((len(part.series), longest, part.series[0].shape[1]), np.nan, np.float32)
        for row, one in enumerate(part.series):
            x[row, : len(one)] = one
        found[side] = x
        found[f"{side}_label"] = np.array([names.index(name) for name in part.labels], np.uint8)
    return found


def of_rdata(contents: list[bytes], name: str, train: int) -> dict[str, np.ndarray]:
    """The arrays of a file of R: a list of matrices (steps, channels) and their classes, counted from 1."""
    (content,) = contents
    found: Any = _rdata.objects(content).get(name)
    if not isinstance(found, list) or len(found) != 2 or len(found[0]) != len(found[1]):
        raise BadInput(f"expected a list called {name} of series and as many classes")
    x, y = np.stack(found[0]).astype(np.float32), (found[1] - 1).astype(np.uint8)
    return {"train": x[:train], "test": x[train:], "train_label": y[:train], "test_label": y[train:]}


def _aeon(name: str, train: str, test: str) -> Published:
    sides = (("TRAIN", train), ("TEST", test))
    return Published(tuple((f"{AEON}/{name}/{name}_{side}.ts", sha256) for side, sha256 in sides), of_ts)


def _mlmts(name: str, train: int, sha256: str) -> Published:
    return Published(((f"{MLMTS}/{name}.RData", sha256),), lambda contents: of_rdata(contents, name, train))


PUBLISHED = {
    "acsf1": _aeon(
        "ACSF1",
        "0646b90dc4843e02baed6b2ba345c5601a4991b6796565489cef1b2d92a7537b",
        "93e8aaeb44a10af181d24a156e60da7021193cd990ca28f263fccf3b905bfebf",
    ),
    "atrial_fibrillation": _mlmts(
        "AtrialFibrillation", 15, "1f99985ee5860e2b327832c8348d64cbc3fe52eb8d56caa545076ba407928fe6"
    ),
    "basic_motions": _aeon(
        "BasicMotions",
        "8dc43cc6306cb679c888c01e26f91772ac4441a916da43bac8b79734a538b9d6",
        "79213102bc6fca1a398ad98ce1185dff0208fa3d1465e687f48288946b0ff8dc",
    ),
    "epilepsy": _mlmts("Epilepsy", 137, "772c176e76461bd6572d50795daab3c30d6c65e75f6d42e71cdb517cdbed48dd"),
    "ering": _mlmts("ERing", 30, "38f97618c12798ce208f9ad23cb8b3da13106e2eb5e795d969e6bbe16e8e882f"),
    "japanese_vowels": _aeon(
        "JapaneseVowels",
        "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
        "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
    ),
    "racket_sports": _mlmts(
        "RacketSports", 151, "7a81c9074e014d4102a3369b8280c2254b6453b73b4858ce6a3b64814b612c5e"
    ),
    "stand_walk_jump": _mlmts(
        "StandWalkJump", 12, "9039a14f97ef037cdc28836b2e9e0ccb59526fde57acc763005575c7670ee7c3"
    ),
}
