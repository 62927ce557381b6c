"""EDF files made by hand, byte by byte, as the specification says."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

TOLD = 60  # samples of the annotations in a record


def write_edf(
    path: Path,
    data: np.ndarray,  # (channels, records * rate), in `unit`
    *,
    rate: int = 100,
    unit: str | bytes = "uV",
    limit: float = 200.0,
    onsets: Sequence[float] | None = None,
    events: Sequence[tuple[float, str]] = (),
    kind: str = "EDF+C",
) -> Path:
    """Records of one second; `onsets` are theirs where they do not follow each other."""
    channels, samples = data.shape
    records, signals = samples // rate, channels + 1
    begins = list(range(records)) if onsets is None else list(onsets)

    def field(text: object, width: int) -> bytes:
        return (text if isinstance(text, bytes) else str(text).encode("latin-1")).ljust(width)[:width]

    head = [("0", 8), ("X X X X", 80), ("Startdate 01-JAN-2020 X X X", 80), ("01.01.20", 8), ("00.00.00", 8)]
    head += [(256 * (signals + 1), 8), (kind, 44), (records, 8), (1, 8), (signals, 4)]
    columns: list[tuple[int, list[object]]] = [
        (16, [*(f"EEG C{at}" for at in range(channels)), "EDF Annotations"]),
        (80, [""] * signals),
        (8, [*[unit] * channels, ""]),
        (8, [*[-limit] * channels, -1]),
        (8, [*[limit] * channels, 1]),
        (8, [-32768] * signals),
        (8, [32767] * signals),
        (80, [""] * signals),
        (8, [*[rate] * channels, TOLD]),
        (32, [""] * signals),
    ]
    content = b"".join(field(text, width) for text, width in head)
    content += b"".join(field(text, width) for width, texts in columns for text in texts)
    stored = np.round((data + limit) / (2 * limit) * 65535 - 32768).astype("<i2")
    for record, begin in enumerate(begins):
        content += stored[:, record * rate : (record + 1) * rate].tobytes()
        told = f"+{begin}\x14\x14\x00" + "".join(
            f"+{at}\x14{name}\x14\x00" for at, name in events if begin <= at < begin + 1
        )
        content += told.encode().ljust(2 * TOLD, b"\x00")
    path.write_bytes(content)
    return path
