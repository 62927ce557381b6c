"""Headers of EDF and BDF byte by byte: units as written, the length of a record, and when each begins."""

from pathlib import Path

import numpy as np
import pytest
from tests.formats.recordings.edf_files import TOLD, write_edf

from wavetrain.errors import BadInput
from wavetrain.formats.recordings.edf_header import edf_header

DATA = np.zeros((2, 500))


def changed(path: Path, at: int, text: bytes) -> Path:
    content = bytearray(path.read_bytes())
    content[at : at + len(text)] = text
    path.write_bytes(content)
    return path


def test_units_are_those_of_the_signals(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "a.edf", DATA, unit="mV")
    assert edf_header(path) == ({"EEG C0": "mV", "EEG C1": "mV"}, 1.0, None)
    for at, number in (
        (184, "    1024"),
        (236, "       5"),
        (244, "       1"),
        (252, "   3"),
    ):  # at the right
        changed(path, at, number.encode())
    assert edf_header(path) == ({"EEG C0": "mV", "EEG C1": "mV"}, 1.0, None)
    changed(path, 244, b"0.25    ")
    changed(path, 256 + 96 * 3 + 8, b"\xb5V      ")  # the second unit, latin-1
    assert edf_header(path) == ({"EEG C0": "mV", "EEG C1": "µV"}, 0.25, None)


def test_each_record_says_when_it_begins(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "a.edf", DATA, onsets=[-1, 0, 7, 8.5, 20], kind="EDF+D")
    changed(path, 256 * 4 + 2 * 200, b"-1.5\x150.5\x14\x14")
    found = edf_header(path).onsets
    assert found is not None and found.tolist() == [-1.5, 0, 7, 8.5, 20]
    changed(path, 192, b"EDF+C")
    assert edf_header(path).onsets is None


def test_a_sample_of_bdf_has_three_bytes(tmp_path: Path) -> None:
    """The signal of annotations stands between two others; 4, 6 and 5 samples in a record."""
    head = b"\xffBIOSEMI".ljust(184) + b"1024".ljust(8) + b"BDF+D".ljust(44) + b"2".ljust(8) + b"3".ljust(8)
    head += b"3   "
    labels = b"A1".ljust(16) + b"BDF Annotations ".ljust(16) + b"A2".ljust(16)
    units = b"uV      " + b" " * 8 + b"nV      "
    samples = b"4".ljust(8) + b"6".ljust(8) + b"5".ljust(8)
    head += labels + b" " * 80 * 3 + units + b" " * (216 - 104) * 3 + samples + b" " * 32 * 3
    assert len(head) == 1024
    records = b"".join(
        b"\x01" * 12 + f"+{at}\x14\x14".encode().ljust(18, b"\x00") + b"\x01" * 15 for at in (3, 9)
    )
    (tmp_path / "a.bdf").write_bytes(head + records)
    units_, seconds, onsets = edf_header(tmp_path / "a.bdf")
    assert units_ == {"A1": "uV", "A2": "nV"} and seconds == 3
    assert onsets is not None and onsets.tolist() == [3, 9]


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (184, b"x"),
        (236, b"x"),
        (244, b"x"),
        (252, b"x   "),
        (252, b"0   "),
        (252, b"9999"),
        (256 + 216 * 3, b"x"),
    ],
)
def test_a_header_of_other_bytes_is_refused(at: int, text: bytes, tmp_path: Path) -> None:
    path = changed(write_edf(tmp_path / "a.edf", DATA), at, text)
    with pytest.raises(BadInput, match=r"^a.edf: expected the header of an EDF or BDF file, got another$"):
        edf_header(path)


def test_a_discontinuous_file_without_onsets_is_refused(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "a.edf", DATA, kind="EDF+D")
    place = 256 * 4 + (2 * 100 + TOLD) * 2 + 2 * 200  # the annotations of the second record
    changed(path, place, b"x")
    with pytest.raises(BadInput, match=rf"^a.edf: the record at byte {place} does not say when it begins$"):
        edf_header(path)
    changed(path, 256 + 32, b"EDF Notes".ljust(16))
    with pytest.raises(
        BadInput, match=r"^a.edf: expected a signal called EDF Annotations in EDF\+D, got none"
    ):
        edf_header(path)
