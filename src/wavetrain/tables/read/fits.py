"""Whether a text fits into memory as a table: said before the machine is out of it, not after."""

import os
from pathlib import Path

from wavetrain.errors import BadInput

TIMES = 9  # bytes that reading takes at its peak, for each byte of text; decision 32 has the measurement
SMALL = 2**26  # bytes of text that are read without a question
MEMORY = Path("/proc/meminfo")


def check_fits(size: int) -> None:
    """Raise BadInput where a text of `size` bytes takes more memory than is free.

    >>> from wavetrain.tables.read.fits import check_fits
    >>> check_fits(10**6)  # nothing where it fits
    >>> from wavetrain.errors import BadInput
    >>> try:
    ...     check_fits(10**15)
    ... except BadInput as error:
    ...     print(str(error).partition(" to read")[0])
    931,323 GiB of text take about 8,381,903 GiB of memory
    """
    left = free()
    if size > SMALL and left is not None and TIMES * size > left:
        told, needed, there = (
            f"{bytes_ / 2**30:,.{0 if bytes_ >= 2**33 else 1}f} GiB" for bytes_ in (size, TIMES * size, left)
        )
        raise BadInput(
            f"{told} of text take about {needed} of memory to read, and {there} are free; "
            "leave out rows or columns, or write it as Parquet"
        )


def free() -> int | None:
    """Bytes of memory that are free, or all that the machine has where it does not tell; None for neither."""
    if MEMORY.is_file():
        lines = (line.split() for line in MEMORY.read_text(encoding="ascii").splitlines())
        found = {name: int(size) for name, size, *_ in lines}
        if "MemAvailable:" in found:
            return 1024 * found["MemAvailable:"]
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return None
