"""Columns of text as numbers, in one style a column: points or commas for decimals, marks of thousands.

`10,844` and `1.5` are numbers of one style, `10.844,2` and `1,5` of the other. A column that both read, such
as 1,234, follows the columns beside it; where they say nothing, a comma is a decimal comma only where it is
not the delimiter of the file. A mark of thousands stands behind no zero: 0.844 and 0,844 have decimals. True
and false, and yes and no, are one and zero.
"""

import math
import re
from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np

from wavetrain.tables.read.table import WORDS

GROUP = r"[ '’\u00a0\u202f\u2009]"
WRITTEN = {  # numbers, by the mark of their decimals
    decimal: rf"[+-]?(?=[{decimal}]?\d)"
    rf"(?:\d+|[1-9]\d{{0,2}}(?:[{thousands}]\d{{3}})+|[1-9]\d{{0,2}}(?:{GROUP}\d{{3}})+)?"
    rf"(?:[{decimal}]\d*)?(?:[eE][+-]?\d+)?"
    for decimal, thousands in (".,", ",.")
}
ONE = {decimal: re.compile(form) for decimal, form in WRITTEN.items()}
SPACE = r"[^\S\n]*+"
ALL = {  # the same, each on a line
    decimal: re.compile(rf"(?:{SPACE}{form}{SPACE}\n)*+") for decimal, form in WRITTEN.items()
}
SPECIAL = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
TRUTH = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
NOTHING = frozenset(WORDS)
LONGEST = max(map(len, WORDS))
MOSTLY = 0.9  # share of cells from which on a column is one of numbers, and another cell a mistake


class Kinds(NamedTuple):
    """The different cells of a column."""

    cells: list[str]  # each once
    codes: np.ndarray  # (rows,) places among them

    def counts(self) -> np.ndarray:
        return np.bincount(self.codes, minlength=len(self.cells))


class Style(NamedTuple):
    """How the numbers of a column are written."""

    point: bool  # whether all can be read with a decimal point
    comma: bool  # whether all can be read with a decimal comma


def kinds(texts: np.ndarray) -> Kinds:
    """The different cells of a column (rows,) of text."""
    import pandas as pd

    codes, cells = pd.factorize(texts)
    return Kinds(cells.tolist(), codes)


def is_missing(cell: str, missing: Sequence[str] = ()) -> bool:
    """Whether a cell says that nothing was measured."""
    return cell.lower() in NOTHING or cell in missing


def are_there(cells: Sequence[str], missing: Sequence[str] = ()) -> np.ndarray:
    """Which cells (cells,) say something, as booleans.

    >>> from wavetrain.tables.read.numbers import are_there
    >>> are_there(["1,5", "NA", "-999"], ["-999"]).tolist()
    [True, False, False]
    """
    silent = {cell for cell in cells if len(cell) <= LONGEST and cell.lower() in NOTHING}.union(missing)
    return np.array([cell not in silent for cell in cells], bool)


def style(cells: Sequence[str]) -> Style:
    """In which styles all cells that are numbers in one of them can be read."""
    lines = _lines(cells)
    together = Style(*(bool(ALL[decimal].fullmatch(lines)) for decimal in ".,"))
    if any(together):
        return together  # as nearly all columns are: told at once
    points = [_fits(cell, ".") for cell in cells]
    commas = [_fits(cell, ",") for cell in cells]
    numbers = [point or comma for point, comma in zip(points, commas, strict=True)]
    return Style(
        all(point for point, number in zip(points, numbers, strict=True) if number),
        all(comma for comma, number in zip(commas, numbers, strict=True) if number),
    )


def has_marks(cells: Sequence[str]) -> bool:
    """Whether the two styles read some of the cells differently."""
    marked = (cell for cell in cells if "," in cell or "." in cell)
    return any(_number(cell, ",") != _number(cell, ".") for cell in marked if _number(cell, "."))


def numbers(cells: Sequence[str], decimal: str, missing: Sequence[str] = ()) -> list[float | None]:
    """Each cell as a number; NaN where it says that there is none, None where it is no number.

    >>> from wavetrain.tables.read.numbers import numbers
    >>> numbers(["1.234,5", "NA", "red"], ","), numbers(["10,844", "1e-3"], "."), numbers(["true"], ".")
    ([1234.5, nan, None], [10844.0, 0.001], [1.0])
    """
    there = are_there(cells, missing)
    told = iter(told_numbers(list(compress(cells, there)), decimal))
    return [next(told) if known else math.nan for known in there]


def told_numbers(cells: Sequence[str], decimal: str) -> list[float | None]:
    """Each of some cells that say something as a number; None where it is none.

    >>> from wavetrain.tables.read.numbers import told_numbers
    >>> told_numbers(["1.234,5", "red"], ","), told_numbers(["yes", "no"], ".")
    ([1234.5, None], [1.0, 0.0])
    """
    lines = _lines(cells)
    if ALL[decimal].fullmatch(lines):
        return list(map(float, _plain(lines, decimal).split()))
    if {cell.lower() for cell in cells} <= set(TRUTH):
        return [TRUTH[cell.lower()] for cell in cells]
    return [_number(cell, decimal) for cell in cells]


def _lines(cells: Sequence[str]) -> str:
    """Cells as lines, to be read at once; words that are no number where a cell holds a line break."""
    text = "\n".join((*cells, "")).replace("−", "-")
    return text.replace("%\n", "\n") if text.count("\n") == len(cells) else "several lines in a cell"


def _fits(cell: str, decimal: str) -> bool:
    plain = cell.replace("−", "-").removesuffix("%").strip()
    return bool(ONE[decimal].fullmatch(plain) or SPECIAL.fullmatch(plain))


def _number(cell: str, decimal: str) -> float | None:
    if not _fits(cell, decimal):
        return None
    return float(_plain(cell.replace("−", "-").removesuffix("%").strip(), decimal))


def _plain(text: str, decimal: str) -> str:
    """Numbers without marks of thousands, and with a point."""
    bare = re.sub(GROUP, "", text)
    return bare.replace(",", "") if decimal == "." else bare.replace(".", "").replace(",", ".")
