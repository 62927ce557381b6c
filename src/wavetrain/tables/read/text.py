"""Text with delimiters as a table: CSV, TSV and their relatives, in any usual encoding.

Numbers are read as numbers, by pandas; what may be an id, a time or a category stays text.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from wavetrain.errors import BadInput
from wavetrain.tables.cells import DECLARED, decoded
from wavetrain.tables.digits import ID, TIMELIKE
from wavetrain.tables.read import widths
from wavetrain.tables.read.fits import check_fits
from wavetrain.tables.read.layout import COMMENT, layout
from wavetrain.tables.read.table import WORDS, Table

if TYPE_CHECKING:
    import pandas as pd

HEAD = 200  # rows in which the layout is looked for
BEGINNING = 2**22  # characters in which these rows are
DELIMITERS = ",;\t|"
COMMENTED = re.compile(rf"^{COMMENT}[^\r\n]*(?:\r?\n|\r|\Z)", re.MULTILINE)
PLAIN = re.compile(r"[+-]?(?!0\d)(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")  # a number that pandas reads; no 007
LARGE = 15  # digits that a number may have and be exact


def table(content: bytes, as_text: Sequence[str] = (), delimiter: str = "") -> Table:
    """The table that a text holds; columns named in `as_text` are kept as text."""
    check_fits(len(content))
    whole = decoded(content)
    declared = DECLARED.match(whole)
    text = whole[declared.end() :] if declared else whole
    remarks = COMMENTED.findall(text[: 2**16])
    if remarks or (any(mark in text for mark in "#%/") and COMMENTED.search(text)):
        text = COMMENTED.sub("", text)
    if not text[: 2**16].strip() and not text.strip():
        raise BadInput("expected a table, got blank lines")
    mark = declared[1] if declared else delimiter or _delimiter(text)
    if not declared and not delimiter and _is_spaced(text):
        text, mark = "\n".join("\t".join(line.split()) for line in text.splitlines()), "\t"
    head = [row for row, _ in _head(text, mark)]
    told = remarks[-1].strip().lstrip("#%/ ") if remarks else ""
    found = layout(head, next(csv.reader([told], delimiter=mark), []))
    width = len(found.names)
    skipped = _skipped(text, mark, found.first)
    body = text[skipped:].rstrip("\r\n").encode()
    if not widths.are_even(body, mark, width):
        _check_widths(text, mark, width, found.first)
    line = partial(_line, whole, mark, found.first, bool(declared))
    rows = head[found.first :]
    if not rows:
        raise BadInput("expected rows below the header, got none")
    numbers = [
        place
        for place, name in enumerate(found.names)
        if name not in as_text
        and not ID.fullmatch(name)
        and not (TIMELIKE.fullmatch(name) or place == 0)
        and _are_plain([row[place].strip() for row in rows if place < len(row)])
    ]
    frame = _ended(_frame(body, mark, found.names, numbers))

    def raw(name: str) -> "pd.Series":
        if frame[name].dtype != float:
            return frame[name]
        place = found.names.index(name)
        return _frame(body, mark, found.names, [], [place])[name].iloc[: len(frame)]

    points = [
        found.names[place] for place in numbers if any("." in row[place] for row in rows if place < len(row))
    ]
    return Table(frame, line, mark, raw=raw, units=found.units, points=tuple(points))


def _frame(
    body: bytes, mark: str, names: Sequence[str], numbers: Sequence[int], taken: Sequence[int] | None = None
) -> "pd.DataFrame":
    import pandas as pd

    words = sorted({form for word in WORDS for form in (word, word.upper(), word.title(), word.capitalize())})
    places = range(len(names)) if taken is None else taken

    def parsed(floats: Sequence[int]) -> "pd.DataFrame":
        return pd.read_csv(
            io.BytesIO(body),
            sep=mark,
            header=None,
            names=list(range(len(names))),
            usecols=list(places),
            index_col=False,
            dtype={place: "float64" if place in floats else "str" for place in places},
            keep_default_na=False,
            na_values={place: words for place in floats},
            skipinitialspace=True,
        )

    try:
        try:
            frame = parsed(numbers)
        except ValueError:
            if not numbers:
                raise
            frame = parsed([])
    except (ValueError, csv.Error) as error:
        raise BadInput(f"expected a table, got {str(error).splitlines()[0]}") from error
    frame.columns = pd.Index([names[place] for place in places])
    return frame


def _ended(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Without rows at the end that are empty."""
    rows = len(frame)
    while rows and all(cell == "" or cell != cell for cell in frame.iloc[rows - 1]):
        rows -= 1
    return frame.iloc[:rows]


def _are_plain(cells: Sequence[str]) -> bool:
    told = [cell for cell in cells if cell.lower() not in WORDS]
    return bool(told) and all(
        PLAIN.fullmatch(cell) and (len(cell) <= LARGE or not cell.isdecimal()) for cell in told
    )


def _delimiter(text: str) -> str:
    """What most lines of the head hold as often; among several, what they hold most often."""
    lines = [re.sub(r'"[^"]*"', "", line) for line in text[: 2**16].splitlines()[:HEAD] if line.strip()]
    if _is_one_column(lines):
        return ";"  # which no line holds

    def fits(mark: str) -> tuple[int, bool, int]:
        counts = Counter(count for line in lines if (count := line.count(mark)))
        often, many = max(counts.items(), key=lambda one: one[1], default=(0, 0))
        return many, mark != ",", often

    return max(DELIMITERS, key=fits)


def _is_one_column(lines: Sequence[str]) -> bool:
    """Whether a name without a comma stands over numbers whose comma is that of a decimal: 0,844."""
    head, *rows = lines
    named = not any(mark in head for mark in DELIMITERS) and not re.match(r"\s*[+-]?\d", head)
    whole = rows[:-1] or rows  # the last one may be cut
    return named and bool(whole) and all(re.fullmatch(r"\s*[+-]?\d+(,\d+)?\s*", line) for line in whole)


def _is_spaced(text: str) -> bool:
    """Whether spaces alone divide the cells: as many of them in each line of the head, and no other mark."""
    lines = [line for line in text[: 2**16].splitlines()[:HEAD] if line.strip()]
    if any(mark in line for line in lines for mark in (*DELIMITERS, '"')):
        return False
    sizes = {len(line.split()) for line in lines[:-1]}
    return len(sizes) == 1 and sizes.pop() > 1


def _rows(text: str, mark: str) -> Iterator[tuple[list[str], int]]:
    """Rows that are not blank, with the line that each ends in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=True)
    try:
        for row in reader:
            if row and (len(row) > 1 or row[0].strip()):
                yield row, reader.line_num
    except csv.Error as error:
        raise BadInput(f"line {reader.line_num}: {error}") from error


def _head(text: str, mark: str) -> list[tuple[list[str], int]]:
    """The first rows, from the beginning of a text: the rest is not looked at."""
    part = text[:BEGINNING]
    found = [row for row, _ in zip(_rows(part, mark), range(HEAD), strict=False)]
    return found[:-1] if len(part) < len(text) and 1 < len(found) < HEAD else found  # the last one is cut


def _skipped(text: str, mark: str, rows: int) -> int:
    """Characters before the rows that are cells."""
    if not rows:
        return 0
    part = text[:BEGINNING]
    last = next(line for place, (_, line) in enumerate(_rows(part, mark)) if place == rows - 1)
    stream = io.StringIO(part, newline="")
    return sum(len(stream.readline()) for _ in range(last))


def _check_widths(text: str, mark: str, width: int, first: int) -> None:
    """Raise for the first row that has more cells than the others, or fewer."""
    for place, (row, line) in enumerate(_rows(text, mark)):
        if place >= first and len(row) != width and not _ends_empty(row, width):
            raise BadInput(f"line {line}: expected {width} cells, got {len(row)}")


def _ends_empty(row: Sequence[str], width: int) -> bool:
    """Whether a row is that long but for a delimiter at its end."""
    return len(row) == width + 1 and not row[-1].strip()


def _line(text: str, mark: str, first: int, declared: bool, row: int) -> int:
    """The line of the source in which a row stands, counted again from the beginning."""
    rows = (
        line
        for cells, line in _rows(text, mark)
        if not re.match(COMMENT, cells[0]) and not (declared and line == 1)
    )
    return next(line for place, line in enumerate(rows) if place == first + row)
