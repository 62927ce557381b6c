"""Arrays in a file of R (`save`, version 3, XDR): lists of matrices and vectors, and nothing else.

R Core Team, R Internals, section Serialization Formats. Attributes are read for the axes of matrices alone.
Nothing in a file is run; what is neither a list nor numbers nor strings is refused.
"""

import bz2
import gzip
import lzma
import struct
import zlib
from typing import Any

import numpy as np

from wavetrain.errors import BadInput

HEAD = b"RDX3\nX\n"
PACKED = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7z": lzma.decompress}
SYMBOL, PAIRS, CHARACTERS, LOGICAL, INTEGERS, REALS, STRINGS, LIST = 1, 2, 9, 10, 13, 14, 16, 19
NULL, SEEN = 254, 255
ATTRIBUTES, TAGGED = 1 << 9, 1 << 10  # flags of an object


def objects(content: bytes) -> dict[str, Any]:
    """The objects of a file by their names: lists, arrays, and lists of strings."""
    try:
        for mark, unpacked in PACKED.items():
            if content.startswith(mark):
                content = unpacked(content)
        if not content.startswith(HEAD):
            raise BadInput("expected a file of R's `save`, version 3")
        return _Reader(content).pairs()
    except (OSError, EOFError, ValueError, IndexError, struct.error, zlib.error, lzma.LZMAError) as error:
        raise BadInput(f"expected a whole file of R ({error})") from error


class _Reader:
    def __init__(self, content: bytes):
        self.content, self.place = content, len(HEAD)
        self.seen: list[str] = []  # symbols, which later ones refer to
        self.numbers(3)  # versions
        self.taken(self.number())  # encoding

    def taken(self, count: int) -> bytes:
        part = self.content[self.place : self.place + count]
        if count < 0 or len(part) != count:
            raise EOFError("it ends too soon")
        self.place += count
        return part

    def numbers(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f">{count}i", self.taken(4 * count))

    def number(self) -> int:
        return self.numbers(1)[0]

    def pairs(self) -> dict[str, Any]:
        """A list of names and values, up to its end."""
        found: dict[str, Any] = {}
        while (flags := self.number()) & 0xFF != NULL:
            if flags & 0xFF != PAIRS or not flags & TAGGED:
                raise BadInput(f"expected names with values, got an object of type {flags & 0xFF}")
            name = self.value()
            found[str(name)] = self.value()
        return found

    def value(self) -> Any:
        flags = self.number()
        kind = flags & 0xFF
        if kind == NULL:
            return None
        if kind == SEEN:
            return self.seen[(flags >> 8) - 1]
        if kind == SYMBOL:
            self.seen.append(self.value())
            return self.seen[-1]
        found = self.vector(kind, self.number())
        if flags & ATTRIBUTES:
            axes = self.pairs().get("dim")
            if axes is not None and isinstance(found, np.ndarray):
                found = found.reshape(axes.astype(int), order="F")
        return found

    def vector(self, kind: int, length: int) -> Any:
        if kind == CHARACTERS:
            return None if length == -1 else self.taken(length).decode("utf-8", "replace")
        if kind in (LIST, STRINGS):
            return [self.value() for _ in range(length)]
        types = {REALS: ">f8", INTEGERS: ">i4", LOGICAL: ">i4"}
        if kind not in types:
            raise BadInput(f"expected lists, numbers and strings, got an object of type {kind}")
        return np.frombuffer(self.taken(length * int(types[kind][2])), types[kind])
