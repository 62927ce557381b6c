"""What the header of an EDF or BDF file says that MNE does not pass on: units as written, and gaps.

The header is 256 bytes of fixed fields and then, for each field of a signal, the values of all signals. In
EDF+ one signal is called `EDF Annotations`, and the first thing that it says in each record is the record's
own onset: `+65\\x14\\x14\\x00`. In EDF+D records need not follow each other; MNE strings them together and
says nothing (EDF+ specification, Kemp and Olivan 2003).
"""

import re
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from wavetrain.errors import BadInput

ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15[\d.]+)?\x14")


class EdfHeader(NamedTuple):
    """Of the signals that are no annotations, and of the records."""

    units: dict[str, str]  # by the label of a signal, as written
    seconds: float  # of a record
    onsets: np.ndarray | None  # (R,) seconds; None where records follow each other


def edf_header(path: Path) -> EdfHeader:
    """Read the header, and the onset of each record where they need not follow each other."""
    with path.open("rb") as file:
        head = file.read(256)
        try:
            begin, count = int(head[184:192]), int(head[236:244])
            seconds, signals = float(head[244:252]), int(head[252:256])
            labels = [_text(one) for one in _fields(file.read(16 * signals), 16)]
            file.seek(256 + 96 * signals)
            units = [_text(one) for one in _fields(file.read(8 * signals), 8)]
            file.seek(256 + 216 * signals)
            samples = [int(one) for one in _fields(file.read(8 * signals), 8)]
            if min(len(labels), len(units), len(samples)) < max(signals, 1):
                raise ValueError("too short")
        except ValueError as error:
            raise BadInput(f"{path.name}: expected the header of an EDF or BDF file, got another") from error
        onsets = None
        if head[192:197] in (b"EDF+D", b"BDF+D"):
            width = 3 if head[:1] == b"\xff" else 2  # bytes of a sample
            at = [label.endswith("Annotations") for label in labels]
            if True not in at:
                raise BadInput(f"{path.name}: expected a signal called EDF Annotations in EDF+D, got none")
            before, told = sum(samples[: at.index(True)]), samples[at.index(True)]
            places = (begin + width * (record * sum(samples) + before) for record in range(count))
            onsets = np.array([_onset(file, place, width * told, path) for place in places])
    return EdfHeader(
        {a: b for a, b in zip(labels, units, strict=True) if not a.endswith("Annotations")}, seconds, onsets
    )


def _onset(file: BinaryIO, place: int, size: int, path: Path) -> float:
    file.seek(place)
    found = ONSET.match(file.read(size))
    if found is None:
        raise BadInput(f"{path.name}: the record at byte {place} does not say when it begins")
    return float(found[1])


def _fields(text: bytes, width: int) -> list[bytes]:
    return [text[at : at + width] for at in range(0, len(text), width)]


def _text(field: bytes) -> str:
    try:
        return field.decode("utf-8").strip()
    except UnicodeDecodeError:
        return field.decode("latin-1").strip()
