"""UEA series: parts, scaling, unequal lengths, files that are missing or damaged, and the real sets."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.core import Batch
from wavetrain.data._files import File
from wavetrain.data.series import uea as module
from wavetrain.data.series.uea import FILES, series, stratified, uea
from wavetrain.errors import BadInput


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
