"""What a file holds, unpacked: files of gzip are known by their first bytes."""

import gzip
import zlib
from pathlib import Path

from wavetrain.errors import BadInput

GZIP, ENDING = b"\x1f\x8b", ".gz"


def content_of(path: Path) -> bytes:
    """The bytes of a file, unpacked; raises BadInput, without the name, where it cannot be read.

    >>> import gzip, tempfile
    >>> from wavetrain.tables.read.content import content_of
    >>> path = Path(tempfile.mkdtemp()) / "mine.csv.gz"
    >>> _ = path.write_bytes(gzip.compress(b"a,b"))
    >>> content_of(path)
    b'a,b'
    """
    if not path.exists():
        raise BadInput("there is no such file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}") from error
    if content and not content.startswith(GZIP) and path.name.lower().endswith(ENDING):
        raise BadInput("expected a file of gz, got other bytes")
    return unpacked(content)


def unpacked(content: bytes) -> bytes:
    """Bytes as they are, or what was packed by gzip in them."""
    if not content.startswith(GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"expected a whole file of gzip, got a damaged one ({error})") from error


def plain_name(path: Path) -> str:
    """The name of a file in small letters, without the ending of gzip.

    >>> from wavetrain.tables.read.content import plain_name
    >>> plain_name(Path("data/Mine.CSV.gz"))
    'mine.csv'
    """
    return path.name.lower().removesuffix(ENDING)
