"""Text: three parts of all bytes, windows end to end, the vocabulary, and files that are whole or not."""

import gzip
import hashlib
from pathlib import Path

import pytest
import torch

from wavetrain.core import Batch
from wavetrain.data import _files
from wavetrain.data._files import File
from wavetrain.data.texts import text as module
from wavetrain.data.texts.text import Bytes, text
from wavetrain.errors import BadInput

WORDS = b"".join(b"%d sheep jump. " % number for number in range(200))


def test_parts_are_the_text_one_after_another():
    task = Bytes(WORDS, window=10)
    held = len(WORDS) // 10
    assert [len(part) for part in task.parts] == [len(WORDS) - 2 * held, held, held]
    assert "".join(task.decode(part) for part in task.parts) == WORDS.decode()


@pytest.mark.parametrize("window", [1, 7, 10, 100])
def test_held_out_windows_ask_for_each_byte_of_their_part_once(window: int):
    task = Bytes(WORDS, window=window)
    for part, held_out in zip(task.parts[1:], (task.valid(), task.test()), strict=True):
        asked = held_out.y.flatten()
        assert torch.equal(asked, part[1 : 1 + len(asked)].long())
        assert torch.equal(held_out.x.flatten(), part[: len(asked)].long())
        assert 0 <= len(part) - 1 - len(asked) < window and held_out.x.shape[1] == window


def test_training_windows_start_anywhere_and_stay_in_their_part():
    content = bytes(range(250)) + bytes(250)  # each place of the first half has a byte of its own
    task = Bytes(content, window=9, all_bytes=True)
    x, y = task.draw(3000, torch.Generator().manual_seed(0))
    assert torch.equal(x[:, 1:], y[:, :-1])
    assert set(x[:, 0].tolist()) == set(range(250)), "a place of the training part never starts a window"
    short = Bytes(bytes(range(100)), window=9)
    drawn = short.draw(3000, torch.Generator().manual_seed(0))
    assert drawn.y.max() == 79 and drawn.x.min() == 0, "a window reaches out of the training part"
    assert set(drawn.x[:, 0].tolist()) == set(range(71))


def test_vocabulary_is_of_the_bytes_that_occur_or_of_all():
    task = Bytes(WORDS, window=10)
    assert task.kinds.tolist() == sorted(set(WORDS)) and task.inputs == task.outputs == len(set(WORDS))
    whole = Bytes(WORDS, window=10, all_bytes=True)
    assert whole.inputs == whole.outputs == 256
    assert whole.encode(WORDS).tolist() == list(WORDS)
    assert torch.equal(task.kinds[task.test().x], whole.test().x)
    assert task.chance == pytest.approx(whole.chance)


def test_encode_and_decode_are_inverse():
    task = Bytes(WORDS, window=10)
    assert task.encode("9 sheep jump").tolist() == [
        sorted(set(WORDS)).index(byte) for byte in b"9 sheep jump"
    ]
    assert task.decode(task.encode("9 sheep jump")) == "9 sheep jump"
    assert task.encode(b"").shape == (0,) and task.decode(task.encode("")) == ""
    whole = Bytes(WORDS, window=10, all_bytes=True)
    assert whole.decode(whole.encode("naïve")) == "naïve" and len(whole.encode("naïve")) == 6
    assert whole.decode(torch.tensor([255])) == "\N{REPLACEMENT CHARACTER}"
    with pytest.raises(BadInput, match="the byte b'd' does not occur"):
        task.encode("sheepdog")
    for wrong in (-1, task.inputs):
        with pytest.raises(BadInput, match=f"expected tokens from 0 to {task.inputs - 1}, got {wrong}"):
            task.decode(torch.tensor([wrong]))


def test_chance_is_the_entropy_of_single_bytes():
    task = Bytes(bytes(80) + b"\0\1" * 5 + b"\0\1\0\1\0\1\0\1\0", window=4)  # 99 bytes: 81, 9, 9
    assert sorted(task.test().y.flatten().tolist()) == [0] * 4 + [1] * 4
    assert task.chance == pytest.approx(torch.tensor(2.0).log().item())


@pytest.mark.parametrize("window", [0, -1, 10, 1000])
def test_a_window_that_does_not_fit_is_refused(window: int):
    with pytest.raises(BadInput, match=f"got 100 bytes and a window of {window}"):
        Bytes(bytes(100), window)
    assert Bytes(bytes(100), 9).test().x.shape == (1, 9)


def _same(one: Batch, two: Batch) -> None:
    assert torch.equal(one.x, two.x) and torch.equal(one.y, two.y)


def test_any_file_zipped_or_not(tmp_path: Path):
    (tmp_path / "sheep.txt").write_bytes(WORDS)
    (tmp_path / "sheep.gz").write_bytes(gzip.compress(WORDS))
    for source in (tmp_path / "sheep.txt", str(tmp_path / "sheep.gz")):
        _same(text(source, 20).test(), Bytes(WORDS, 20).test())
    assert text(tmp_path / "sheep.gz", 20, all_bytes=True).inputs == 256


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path):
    (tmp_path / "cut.gz").write_bytes(gzip.compress(WORDS)[:-20])
    (tmp_path / "words.gz").write_bytes(WORDS)
    for name in ("cut.gz", "words.gz", "none.txt", "none.gz", ""):
        with pytest.raises(BadInput, match="cannot be read"):
            text(tmp_path / name)


def test_published_texts_lie_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    digest = hashlib.sha256(WORDS).hexdigest()
    for name in ("tiny_shakespeare.txt", "wikitext2_test.txt.gz"):
        with pytest.raises(BadInput, match=f"{name} is not in .*repository [a-z]+/[a-z-]+;"):
            text(name)
        monkeypatch.setitem(module.FILES, name, File(name, digest, "someone/something"))
    (tmp_path / "tiny_shakespeare.txt").write_bytes(WORDS)
    (tmp_path / "wikitext2_test.txt.gz").write_bytes(gzip.compress(WORDS))
    for task in (text(window=20), text("wikitext2_test.txt.gz", window=20)):
        _same(task.test(), Bytes(WORDS, 20).test())
    (tmp_path / "wikitext2_test.txt.gz").write_bytes(gzip.compress(WORDS + b"!"))
    with pytest.raises(BadInput, match=r"another sha256 .* someone/something"):
        text("wikitext2_test.txt.gz")


def test_fetch_keeps_only_what_was_published(host: Path, monkeypatch: pytest.MonkeyPatch):
    digest = hashlib.sha256(WORDS).hexdigest()
    name, file = "wikitext2_test.txt.gz", File("wikitext2_test.txt.gz", digest, "some/where", "abc/words.txt")
    monkeypatch.setattr(module, "FILES", {name: file})
    with pytest.raises(BadInput, match=r"could not be fetched from .*/some/where/abc/words.txt"):
        module.fetch()
    (host / "some" / "where" / "abc").mkdir(parents=True)
    (host / "some" / "where" / "abc" / "words.txt").write_bytes(WORDS + b"!")
    with pytest.raises(BadInput, match="could not be fetched"):
        module.fetch()
    assert not list(_files.folder().glob("*.txt*"))
    with pytest.raises(BadInput, match="`wavetrain fetch` brings it"):
        text(name, 20)
    (host / "some" / "where" / "abc" / "words.txt").write_bytes(WORDS)
    assert module.fetch() == _files.folder()
    _same(text(name, 20).test(), Bytes(WORDS, 20).test())


def test_the_real_thing():
    try:
        task = text()
    except BadInput as error:
        pytest.skip(str(error))
    assert (len(task.content), task.inputs) == (1_115_394, 65)
    assert task.decode(task.parts[0][:14]) == "First Citizen:"
    assert task.valid().x.shape == task.test().x.shape == (871, 128)
    assert task.chance == pytest.approx(3.337, abs=1e-3)
