"""Files that are packed, or only called so."""

import gzip
from pathlib import Path

import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.read.content import content_of, unpacked


def test_what_is_packed_is_known_by_its_bytes(tmp_path: Path):
    packed = gzip.compress(b"a,b\n1,2\n")
    for name in ("mine.csv.gz", "mine.csv", "MINE.CSV.GZ"):
        (tmp_path / name).write_bytes(packed)
        assert content_of(tmp_path / name) == unpacked(packed) == b"a,b\n1,2\n"
    (tmp_path / "plain.csv").write_bytes(b"a,b\n")
    assert content_of(tmp_path / "plain.csv") == b"a,b\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv.gz", b"a,b\n", "expected a file of gz, got other bytes"),
        ("a.csv.gz", gzip.compress(b"a,b\n" * 99)[:-9], "expected a whole file of gzip, got a damaged one"),
        ("a.csv.gz", b"\x1f\x8b and nothing else", "expected a whole file of gzip, got a damaged one"),
        ("a.csv", gzip.compress(b"a,b\n")[:9], "expected a whole file of gzip, got a damaged one"),
        ("a.csv", None, "there is no such file"),
    ],
)
def test_what_cannot_be_unpacked_is_one_line(name: str, content: bytes | None, message: str, tmp_path: Path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=message):
        content_of(tmp_path / name)


def test_an_empty_file_is_empty_whatever_it_is_called(tmp_path: Path):
    (tmp_path / "a.csv.gz").write_bytes(b"")
    assert content_of(tmp_path / "a.csv.gz") == b""


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        content_of(tmp_path)
