"""UEA series: parts, scaling, unequal lengths, files that are missing or damaged, and the real sets."""

import bz2
import gzip
import hashlib
import lzma
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.core import Batch
from wavetrain.data import _files
from wavetrain.data._files import File
from wavetrain.data.series import _published, _rdata
from wavetrain.data.series import uea as module
from wavetrain.data.series._published import PUBLISHED, Published
from wavetrain.data.series.uea import FILES, series, stratified, uea
from wavetrain.errors import BadInput

DICE = np.random.default_rng(0)


def made(count: int, time: int = 7, channels: int = 2, seed: int = 0) -> Batch:
    """Sequences of three classes in turn."""
    x = 5 + 3 * torch.randn(count, time, channels, generator=torch.Generator().manual_seed(seed))
    return Batch(x, torch.arange(count) % 3)


def rows(x: torch.Tensor) -> list[bytes]:
    return sorted(row.tobytes() for row in x.numpy())


def test_validation_is_a_fifth_of_each_class():
    published = made(60)
    chosen = stratified(published, seed=0)
    assert published.y[chosen].bincount().tolist() == [4, 4, 4]
    assert torch.equal(chosen, stratified(published, seed=0))
    assert not torch.equal(chosen, stratified(published, seed=1))
    assert stratified(made(6), seed=0).sum() == 3, "a class of two gives one"


def test_what_is_there_twice_is_never_held_out():
    x = made(9).x
    twice = Batch(torch.cat([x, x[:8]]), (torch.arange(17) % 9) % 3)
    for seed in range(20):
        chosen = stratified(twice, seed)
        assert not chosen[9:].any() and not chosen[:8].any() and chosen[8]


def test_parts_are_all_sequences_standardised_by_the_training_part():
    published, test = made(30), made(9, seed=1)
    task = series(published, test, seed=3)
    chosen = stratified(published, seed=3)
    train = published.x[~chosen].double()
    mean, deviation = train.mean((0, 1)), train.std((0, 1), unbiased=False)
    for part, raw, y in (
        (task.train, train, published.y[~chosen]),
        (task.valid(), published.x[chosen], published.y[chosen]),
        (task.test(), test.x, test.y),
    ):
        torch.testing.assert_close(part.x, ((raw - mean) / deviation).float())
        assert torch.equal(part.y, y) and part.x.dtype == torch.float32
    assert (task.inputs, task.outputs, task.every_step, task.chance) == (2, 3, False, pytest.approx(1 / 3))


def test_test_part_changes_nothing_in_training():
    one, two = (series(made(30), Batch(scale * made(9).x, made(9).y), seed=0) for scale in (1, 100))
    assert torch.equal(one.train.x, two.train.x) and torch.equal(one.valid().x, two.valid().x)


def test_a_constant_channel_stays_finite():
    published = made(12)
    published.x[..., 1] = 4
    task = series(published, made(3), seed=0)
    assert task.train.x[..., 1].abs().max() == 0 and task.test().x.isfinite().all()


def test_shorter_sequences_end_with_the_longest():
    published, lengths = made(30), torch.arange(30) % 5 + 3
    whole = published.x.clone()
    for row, length in enumerate(lengths.tolist()):
        published.x[row, length:] = torch.nan
    task = series(published, made(3), seed=0)
    chosen = stratified(published, seed=0)
    present = published.x[~chosen].flatten(0, 1)
    present = present[~present.isnan().any(1)].double()  # the real steps alone
    scaled = ((whole - present.mean(0)) / present.std(0, unbiased=False)).float()
    for part, which in ((task.train, ~chosen), (task.valid(), chosen)):
        for x, row, length in zip(part.x, scaled[which], lengths[which].tolist(), strict=True):
            torch.testing.assert_close(x[7 - length :], row[:length])
            assert not x[: 7 - length].any()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a small file of ours that counts as the published one."""
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    train, test = made(30), made(9, seed=1)
    path = tmp_path / "uea_ering.npz"
    labels = {"train_label": train.y.numpy().astype("uint8"), "test_label": test.y.numpy().astype("uint8")}
    np.savez(path, train=train.x.numpy(), test=test.x.numpy(), **labels)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(module.FILES, "ering", File("uea_ering.npz", digest, "someone/something"))
    return tmp_path


def test_reads_the_file_of_that_name(home: Path):
    task, expected = uea("ering", seed=4), series(made(30), made(9, seed=1), seed=4)
    for one, two in zip(
        (task.train, task.valid(), task.test()),
        (expected.train, expected.valid(), expected.test()),
        strict=True,
    ):
        assert torch.equal(one.x, two.x) and torch.equal(one.y, two.y)
    assert not torch.equal(task.valid().x, uea("ering", seed=5).valid().x)


def test_missing_damaged_and_unknown_are_refused(home: Path):
    with pytest.raises(BadInput, match=r"ucr_acsf1.npz is not in .*the repository aeon-toolkit/aeon"):
        uea("acsf1")
    (home / "uea_ering.npz").write_bytes((home / "uea_ering.npz").read_bytes()[:-1])
    with pytest.raises(BadInput, match=r"another sha256 .*someone/something"):
        uea("ering")
    with pytest.raises(BadInput, match="no series is called 'epilepsi'; did you mean epilepsy"):
        uea("epilepsi")


def test_what_is_no_npz_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch):
    contents = {"pickled": None, "words": b"hello", "cut": (home / "uea_ering.npz").read_bytes()[:-30]}
    for content in contents.values():
        path = home / "uea_ering.npz"
        if content is None:
            np.savez(path, train=np.array([{}], dtype=object))
        else:
            path.write_bytes(content)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        monkeypatch.setitem(module.FILES, "ering", File("uea_ering.npz", digest, "someone/something"))
        with pytest.raises(BadInput, match="holds no arrays"):
            uea("ering")


class Written:
    """A file of R as its `save` writes it, version 3: a list of matrices and their classes, under a name."""

    def __init__(self, name: str, matrices: list[np.ndarray], classes: np.ndarray):
        symbol = self.word("dim")
        axes = self.whole(1 << 10 | 2)
        parts = []
        for place, one in enumerate(matrices):
            named = self.whole(1) + symbol if place == 0 else self.whole(2 << 8 | 255)  # the second, again
            size = self.whole(13, 2, *one.shape)
            numbers = one.astype(">f8").tobytes(order="F")
            parts.append(self.whole(1 << 9 | 14, one.size) + numbers + axes + named + size + self.whole(254))
        held = self.whole(19, len(parts)) + b"".join(parts)
        names = self.whole(1 << 10 | 2, 1) + self.word("names") + self.whole(16, 2)
        names += self.word("data") + self.word("classes") + self.whole(254)
        kept = self.whole(14, len(classes)) + classes.astype(">f8").tobytes()
        whole = self.whole(1 << 9 | 19, 2) + held + kept + names
        head = b"RDX3\nX\n" + self.whole(3, 262402, 197888, 5) + b"UTF-8"
        self.content = head + axes + self.whole(1) + self.word(name) + whole + self.whole(254)

    @staticmethod
    def whole(*numbers: int) -> bytes:
        return struct.pack(f">{len(numbers)}i", *numbers)

    def word(self, text: str) -> bytes:
        return self.whole(9, len(text)) + text.encode()


MATRICES = [DICE.normal(size=(4, 3)) for _ in range(5)]
CLASSES = np.array([1.0, 2.0, 1.0, 2.0, 2.0])


@pytest.mark.parametrize("packed", [bytes, gzip.compress, lzma.compress, bz2.compress])
def test_a_file_of_r_is_read(packed: Callable[[bytes], bytes]):
    content = packed(Written("Waves", MATRICES, CLASSES).content)
    found = _rdata.objects(content)["Waves"]
    np.testing.assert_array_equal(np.stack(found[0]), np.stack(MATRICES))
    np.testing.assert_array_equal(found[1], CLASSES)
    arrays = _published.of_rdata([content], "Waves", train=2)
    np.testing.assert_array_equal(arrays["train"], np.stack(MATRICES[:2]).astype(np.float32))
    assert arrays["test"].shape == (3, 4, 3) and arrays["test"].dtype == np.float32
    assert arrays["train_label"].tolist() == [0, 1] and arrays["test_label"].tolist() == [0, 1, 1]


def test_all_that_a_file_of_r_may_hold():
    """Numbers of three kinds, strings, one that is missing, nothing at all, and a symbol that comes again."""
    whole, word = Written.whole, Written("a", MATRICES, CLASSES).word
    head = b"RDX3\nX\n" + whole(3, 262402, 197888, 5) + b"UTF-8"
    name = whole(1 << 10 | 2)
    numbers = struct.pack(">2d", 1.5, -2.0)
    parts = [
        name + whole(1) + word("a") + whole(13, 2, 7, -1),
        name + whole(1) + word("b") + whole(14, 2) + numbers,
        name + whole(2 << 8 | 255) + whole(10, 1, 1),  # `b` again, now a truth
        name + whole(1) + word("c") + whole(16, 2) + word("xy") + whole(9, -1),
        name + whole(1) + word("d") + whole(254),
    ]
    found = _rdata.objects(head + b"".join(parts) + whole(254))
    assert found["a"].tolist() == [7, -1] and found["b"].tolist() == [1]
    assert found["c"] == ["xy", None] and found["d"] is None and list(found) == list("abcd")
    untagged = head + whole(2) + whole(13, 1, 7) + whole(254)
    with pytest.raises(BadInput, match="expected names with values, got an object of type 2"):
        _rdata.objects(untagged)
    with pytest.raises(BadInput, match=r"expected a whole file of R \(it ends too soon\)"):
        _rdata.objects(head + name + whole(1) + whole(9, -5))
    with pytest.raises(BadInput, match="expected a list called Waves of series and as many classes"):
        _published.of_rdata([Written("Waves", MATRICES, CLASSES[:4]).content], "Waves", train=2)


def test_other_and_damaged_files_of_r_are_refused():
    content = Written("Waves", MATRICES, CLASSES).content
    for length in range(8, len(content) - 1, 7):
        with pytest.raises(BadInput, match="expected"):
            _rdata.objects(content[:length])
    with pytest.raises(BadInput, match="expected a file of R's `save`, version 3"):
        _rdata.objects(b"RDX2\nX\n")
    closure = content.replace(Written.whole(19, 5), Written.whole(3, 5))
    with pytest.raises(BadInput, match="expected lists, numbers and strings, got an object of type 3"):
        _rdata.objects(closure)
    with pytest.raises(BadInput, match="expected a list called Winds"):
        _published.of_rdata([content], "Winds", train=2)


def test_two_ts_files_become_arrays_of_one_length():
    head = "@dimensions 2\n@classLabel true Run Walk\n@data\n"
    train, test = (head + rows for rows in ("1,2:3,4:Walk\n5,6:7,8:Run\n", "1,2,3:4,5,6:Walk\n"))
    arrays = _published.of_ts([train.encode(), test.encode()])
    nan = np.nan
    expected = [[[1, 3], [2, 4], [nan, nan]], [[5, 7], [6, 8], [nan, nan]]]
    np.testing.assert_array_equal(arrays["train"], np.array(expected, np.float32))
    assert arrays["train_label"].tolist() == [1, 0] and arrays["test_label"].tolist() == [1]
    many = "@data\n" + "".join(f"1,2:{name}\n" for name in "fbdace")
    arrays = _published.of_ts([f"@classLabel true {' '.join('fedcba')}\n{many}".encode()] * 2)
    assert arrays["test_label"].tolist() == [5, 1, 3, 0, 2, 4]  # in sorted order, as everywhere
    with pytest.raises(BadInput, match="expected a class of each series to train"):
        _published.of_ts([b"@data\n1,2\n", b"@data\n1,2\n"])


@pytest.fixture
def published(host: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host that gives out one file of R, and the arrays that are to be made of it."""
    content = gzip.compress(Written("Waves", MATRICES, CLASSES).content)
    (host / "waves.RData").write_bytes(content)

    def made_of(contents: list[bytes]) -> dict[str, np.ndarray]:
        return _published.of_rdata(contents, "Waves", train=3)

    source = Published((("waves.RData", hashlib.sha256(content).hexdigest()),), made_of)
    same = _files.digest(made_of([content]))
    file = File("uea_waves.npz", "0" * 64, "someone/something", same=same)
    monkeypatch.setattr(module, "FILES", {"waves": file})
    monkeypatch.setattr(_published, "PUBLISHED", {"waves": source})
    return host


def test_fetch_makes_what_is_published(published: Path):
    with pytest.raises(BadInput, match="`wavetrain fetch` brings it; it comes from the repository someone"):
        uea("waves")
    home = module.fetch()
    assert [path.name for path in home.iterdir()] == ["uea_waves.npz"]
    assert uea("waves").test().x.shape == (2, 4, 3)
    before = (home / "uea_waves.npz").stat().st_mtime_ns
    (published / "waves.RData").unlink()
    module.fetch()  # what is there is not made again
    assert (home / "uea_waves.npz").stat().st_mtime_ns == before


def test_the_same_numbers_in_other_bytes_are_taken_and_others_not(published: Path):
    home = module.fetch()
    with np.load(home / "uea_waves.npz") as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(home / "uea_waves.npz", **arrays)  # not compressed
    expected = uea("waves").train.x
    arrays["train"] = arrays["train"] + np.float32(1e-6)
    np.savez(home / "uea_waves.npz", **arrays)
    with pytest.raises(BadInput, match="another sha256"):
        uea("waves")
    module.fetch()  # what is damaged is made again
    assert torch.equal(uea("waves").train.x, expected)


def test_a_published_file_that_has_changed_is_refused(published: Path, monkeypatch: pytest.MonkeyPatch):
    (published / "waves.RData").write_bytes(b"other")
    with pytest.raises(BadInput, match=r"waves\.RData could not be fetched from .* another sha256"):
        module.fetch()
    assert not list(_files.folder().glob("*"))


def test_arrays_that_are_not_those_expected_are_not_written(published: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(module.FILES, "waves", module.FILES["waves"]._replace(same="1" * 64))
    with pytest.raises(BadInput, match="expected arrays of the digest 1111"):
        module.fetch()
    assert not list(_files.folder().glob("*"))


def test_every_series_has_its_published_files():
    assert PUBLISHED.keys() == FILES.keys()
    for one in PUBLISHED.values():
        for place, sha256 in one.files:
            assert re.fullmatch(r"[\w-]+/[\w-]+/[0-9a-f]{40}/[\w/]+\.(ts|RData)", place)
            assert re.fullmatch("[0-9a-f]{64}", sha256)
    assert all(re.fullmatch("[0-9a-f]{64}", file.same) for file in FILES.values())


@pytest.mark.parametrize("name", FILES)
def test_the_arrays_at_hand_are_those_that_fetch_makes(name: str):
    """The digest that `fetch` checks by, taken from the arrays themselves."""
    file = FILES[name]
    if not (_files.folder() / file.name).exists():
        pytest.skip(f"{file.name} is not here")
    arrays = _files.arrays(*file.where())
    sides = ("train", "test", "train_label", "test_label")
    assert _files.digest({side: arrays[side] for side in sides}) == file.same


@pytest.mark.parametrize("name", FILES)
def test_the_real_thing(name: str):
    try:
        task = uea(name)
    except BadInput as error:
        pytest.skip(str(error))
    line = next(line for line in (module.__doc__ or "").splitlines() if line.strip().startswith(name))
    numbers = [int(word.strip(",").replace(",", "")) for word in line.split() if word.strip(",")[0].isdigit()]
    train, test, *_, steps, channels, classes = numbers
    assert len(task.train.x) + len(task.valid().x) == train and len(task.test().x) == test
    assert task.test().x.shape[1:] == task.train.x.shape[1:] == (steps, channels)
    assert task.outputs == classes and set(task.test().y.tolist()) == set(range(classes))
    assert set(task.train.y.tolist()) == set(task.valid().y.tolist()) == set(range(classes))
    parts = [rows(part.x) for part in (task.train, task.valid(), task.test())]
    assert not set(parts[0]) & set(parts[1]) and not set(parts[0] + parts[1]) & set(parts[2])
    assert task.train.x.isfinite().all() and task.test().x.isfinite().all()
    if name == "japanese_vowels":
        real = task.test().x.any(-1).sum(1)
        assert (int(real.min()), int(real.max())) == (7, 29) and task.test().x[:, -1].any(-1).all()
