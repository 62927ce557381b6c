"""The cells of a table of text: its encoding, its delimiter, its header."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from wavetrain.errors import BadInput
from wavetrain.tables import times

MARKS = {  # that a text begins with; the longer ones first, as they begin with the shorter
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
HEAD = 2**16  # characters in which the delimiter is looked for
QUOTED = re.compile(r'"[^"]*"')
DECLARED = re.compile(r"sep=(.)\r?\n")  # a first line that spreadsheets write


class Cells(NamedTuple):
    """A table as it is written, without its header and its blank lines."""

    names: list[str]  # of the columns
    columns: list[tuple[str, ...]]  # without spaces around the cells
    lines: list[int]  # the number in the file of each row's line


def cells(content: bytes) -> Cells:
    """The cells of a table; raises BadInput where there are none, or not equally many in each line."""
    text = decoded(content)
    declared = DECLARED.match(text)
    delimiter = declared[1] if declared else _delimiter(text)
    reader = csv.reader(
        io.StringIO(text[declared.end() :] if declared else text, newline=""), delimiter=delimiter
    )
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except csv.Error as error:
        raise BadInput(f"line {reader.line_num}: {error}") from error
    if not rows:
        raise BadInput("expected rows of numbers, got blank lines")
    first = rows[0][1]
    names = [f"column {place + 1}" for place in range(len(first))]
    if not any(reads(float, [cell]) or times.is_time(cell) for cell in first):
        names = rows.pop(0)[1]
    for line, row in rows:
        if len(row) != len(names):
            raise BadInput(f"line {line}: expected {len(names)} cells, got {len(row)}")
    columns = list(zip(*(row for _, row in rows), strict=True)) or [() for _ in names]
    return Cells(names, columns, [line + bool(declared) for line, _ in rows])


def decoded(content: bytes) -> str:
    """Text by its byte order mark; without one UTF-8, UTF-16 where every other byte is zero, or Windows'."""
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "")
    if not encoding:
        zeros = [content[first:HEAD:2].count(0) / (min(len(content), HEAD) / 2) for first in (0, 1)]
        encoding = "utf-16-be" if zeros[0] > 0.5 else "utf-16-le" if zeros[1] > 0.5 else "utf-8"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise BadInput(f"expected text in {encoding}, got a damaged one ({error.reason})") from error
        return content.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    """The commonest of the usual ones in the first line that says something, outside quotes."""
    lines = QUOTED.sub('""', text[:HEAD]).split("\n")
    return max(",;\t|", key=next((line for line in lines if line.strip()), "").count)


def reads(read: Callable[[str], object], cells: Iterable[str]) -> bool:
    """Whether each of the cells can be read as what `read` makes of it."""
    try:
        for cell in cells:
            read(cell)
    except ValueError:
        return False
    return True
