"""MNIST: the loader on tiny files that are whole or damaged, and on the real ones where they are."""

import gzip
import hashlib
import struct
from pathlib import Path

import pytest
import torch

from wavetrain.data import _files
from wavetrain.data.images import _shared as _images
from wavetrain.data.images import mnist as module
from wavetrain.errors import BadInput

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def idx(*shape: int) -> bytes:
    """An IDX file of bytes 0, 1, 2 ..."""
    size = int(torch.tensor(shape).prod())
    return struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape) + bytes(i % 256 for i in range(size))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a subfolder for MNIST, where files of ours count as the published ones."""
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    for name, content in ((IMAGES, idx(5, 4, 3)), (LABELS, idx(5))):
        monkeypatch.setitem(_images.MNIST, name, hashlib.sha256(content).hexdigest())
    folder = tmp_path / "mnist"
    folder.mkdir()
    return folder


def test_reads_zipped_and_plain(home: Path):
    (home / IMAGES).write_bytes(gzip.compress(idx(5, 4, 3)))
    (home / LABELS.removesuffix(".gz")).write_bytes(idx(5))
    images = _images.read_mnist(IMAGES)
    assert images.shape == (5, 4, 3) and images.dtype == torch.uint8
    assert torch.equal(images.flatten(), torch.arange(60, dtype=torch.uint8))
    assert _images.read_mnist(LABELS).tolist() == [0, 1, 2, 3, 4]


def test_reads_beside_the_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    monkeypatch.setitem(_images.MNIST, LABELS, hashlib.sha256(idx(5)).hexdigest())
    (tmp_path / LABELS).write_bytes(gzip.compress(idx(5)))
    assert len(_images.read_mnist(LABELS)) == 5


def refused(words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        _images.read_mnist(IMAGES)
    message = str(caught.value)
    assert (
        IMAGES.removesuffix(".gz") in message and "wavetrain fetch mnist" in message and "\n" not in message
    )


def test_missing_is_refused_with_where_to_get_it(home: Path):
    refused(f"is not in {home}")
    with pytest.raises(BadInput, match="wavetrain fetch mnist"):
        module.mnist()


def test_missing_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path / "none"))
    refused("is not in")


@pytest.mark.parametrize("damage", ["cut", "not gzip", "empty", "flipped", "a folder"])
def test_what_cannot_be_read_is_refused(home: Path, damage: str):
    zipped = gzip.compress(idx(5, 4, 3))
    path = home / IMAGES
    if damage == "a folder":
        path.mkdir()
    else:
        middle = len(zipped) // 2
        wrong = bytes(255 - byte for byte in zipped[middle : middle + 8])
        flipped = zipped[:middle] + wrong + zipped[middle + 8 :]
        contents = {"cut": zipped[:-20], "not gzip": b"hello", "empty": b"", "flipped": flipped}
        path.write_bytes(contents[damage])
    refused("cannot be read|is damaged")


@pytest.mark.parametrize("zipped", [True, False])
def test_another_content_is_refused(home: Path, zipped: bool):
    content = idx(5, 4, 3)[:-1] + b"\xff"
    if zipped:
        (home / IMAGES).write_bytes(gzip.compress(content))
    else:
        (home / IMAGES.removesuffix(".gz")).write_bytes(content)
    refused("another sha256")


def test_truncated_plain_file_is_refused(home: Path):
    (home / IMAGES.removesuffix(".gz")).write_bytes(idx(5, 4, 3)[:-10])
    refused("another sha256")


def test_folder_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    assert _files.folder() == tmp_path
    monkeypatch.delenv("WAVETRAIN_DATA")
    assert _files.folder() == Path.home() / ".cache" / "wavetrain" / "data"


def test_pixel_sequences_read_row_by_row():
    images = torch.arange(24.0).view(4, 2, 3)
    task = _images.pixel_sequences(images, torch.tensor([0, 1, 1, 1]), (1, 1), None)
    assert task.train.x[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert [len(part.x) for part in (task.train, task.valid(), task.test())] == [1, 1, 2]
    assert task.chance == 1


def test_the_real_thing():
    try:
        task = module.mnist(permuted=0)
    except BadInput as error:
        pytest.skip(str(error))
    parts = [task.train, task.valid(), task.test()]
    assert [tuple(part.x.shape) for part in parts] == [(57_000, 784, 1), (3_000, 784, 1), (10_000, 784, 1)]
    assert task.train.x.min() == 0 and task.train.x.max() == 1 and task.train.x.dtype == torch.float32
    assert task.chance == pytest.approx(1135 / 10_000)  # the ones of the test part
    assert parts[0].y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert parts[2].y[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    plain = torch.empty_like(parts[2].x[0])
    order = torch.randperm(784, generator=torch.Generator().manual_seed(0))
    plain[order] = parts[2].x[0]
    image = plain.view(28, 28)
    assert not image[:5].any() and image[7:9].sum() > 10, "the first test image is no seven, right side up"


def published(monkeypatch: pytest.MonkeyPatch, host: Path) -> None:
    """The host gives out four tiny files that count as the published ones."""
    for place, name in enumerate(_images.MNIST):
        content = idx(place + 1)
        (host / name).write_bytes(gzip.compress(content))
        monkeypatch.setitem(_images.MNIST, name, hashlib.sha256(content).hexdigest())


def test_a_damaged_file_is_fetched_again(host: Path, monkeypatch: pytest.MonkeyPatch):
    """Zipped or not: a cut-off download, one of other content, and one beside a whole file."""
    published(monkeypatch, host)
    home = _files.folder() / "mnist"
    home.mkdir(parents=True)
    cut, other, plain, beside = _images.MNIST
    (home / cut).write_bytes((host / cut).read_bytes()[:20])
    (home / other).write_bytes(gzip.compress(b"of another make"))
    (home / plain.removesuffix(".gz")).write_bytes(b"damaged")
    (home / beside).write_bytes(b"damaged")
    (home / beside.removesuffix(".gz")).write_bytes(idx(4))
    assert module.fetch() == home
    assert [len(_images.read_mnist(name)) for name in _images.MNIST] == [1, 2, 3, 4]
    whole = {path: path.stat().st_mtime_ns for path in home.iterdir()}
    assert sorted(path.name for path in whole) == sorted({cut, other, plain, beside.removesuffix(".gz")})
    for name in _images.MNIST:
        (host / name).unlink()  # what is there whole is not fetched again
    assert module.fetch() == home and whole == {path: path.stat().st_mtime_ns for path in home.iterdir()}


def test_a_download_that_comes_damaged_is_tried_again(host: Path, monkeypatch: pytest.MonkeyPatch):
    published(monkeypatch, host)
    first = next(iter(_images.MNIST))
    (host / f"{first}.once").write_bytes((host / first).read_bytes()[:20])
    home = module.fetch()
    assert len(_images.read_mnist(first)) == 1 and not (host / f"{first}.once").exists()
    (home / first).unlink()
    (host / first).write_bytes(b"damaged for ever")
    with pytest.raises(BadInput, match=f"{first} could not be fetched from .* in 3 tries: .* another sha256"):
        module.fetch()
    assert first not in [path.name for path in home.iterdir()] and not list(home.glob(".part*"))
