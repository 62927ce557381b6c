"""Columns of text as numbers, in one style a column: points or commas for decimals, marks of thousands.

`10,844` and `1.5` are numbers of one style, `10.844,2` and `1,5` of the other. A column that both read, such
as 1,234, follows the columns beside it; where they say nothing, a comma is a decimal comma only where it is
not the delimiter of the file. A mark of thousands stands behind no zero: 0.844 and 0,844 have decimals. True
and false, and yes and no, are one and zero.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wavetrain.tables.read.table import WORDS

GROUP = r"[ '’\u00a0\u202f\u2009]"
POINT = re.compile(
    rf"[+-]?(?:\d+|[1-9]\d{{0,2}}(?:,\d{{3}})+|[1-9]\d{{0,2}}(?:{GROUP}\d{{3}})+)?(?:\.\d*)?(?:[eE][+-]?\d+)?"
)
COMMA = re.compile(
    rf"[+-]?(?:\d+|[1-9]\d{{0,2}}(?:\.\d{{3}})+|[1-9]\d{{0,2}}(?:{GROUP}\d{{3}})+)?(?:,\d*)?(?:[eE][+-]?\d+)?"
)
SPECIAL = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
TRUTH = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
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
    return Kinds([str(cell) for cell in cells], codes)


def is_missing(cell: str, missing: Sequence[str] = ()) -> bool:
    """Whether a cell says that nothing was measured."""
    return cell.lower() in WORDS or cell in missing


def style(cells: Sequence[str]) -> Style:
    """In which styles all cells that are numbers in one of them can be read."""
    points = [bool(_fits(POINT, cell)) for cell in cells]
    commas = [bool(_fits(COMMA, cell)) for cell in cells]
    numbers = [point or comma for point, comma in zip(points, commas, strict=True)]
    return Style(
        all(point for point, number in zip(points, numbers, strict=True) if number),
        all(comma for comma, number in zip(commas, numbers, strict=True) if number),
    )


def has_marks(cells: Sequence[str]) -> bool:
    """Whether the two styles read some of the cells differently."""
    return any(_number(cell, ",") != _number(cell, ".") for cell in cells if _number(cell, "."))


def numbers(cells: Sequence[str], decimal: str, missing: Sequence[str] = ()) -> list[float | None]:
    """Each cell as a number; NaN where it says that there is none, None where it is no number.

    >>> from wavetrain.tables.read.numbers import numbers
    >>> numbers(["1.234,5", "NA", "red"], ","), numbers(["10,844", "1e-3"], "."), numbers(["true"], ".")
    ([1234.5, nan, None], [10844.0, 0.001], [1.0])
    """
    found = [float("nan") if is_missing(cell, missing) else _number(cell, decimal) for cell in cells]
    truth = [
        TRUTH.get(cell.lower()) if number is None else number
        for cell, number in zip(cells, found, strict=True)
    ]
    told = {cell.lower() for cell in cells if not is_missing(cell, missing)}
    return truth if told <= set(TRUTH) else found


def _fits(style: re.Pattern[str], cell: str) -> bool:
    plain = cell.replace("−", "-").removesuffix("%").strip()
    return bool(style.fullmatch(plain) and re.search(r"\d", plain)) or bool(SPECIAL.fullmatch(plain))


def _number(cell: str, decimal: str) -> float | None:
    if not _fits(POINT if decimal == "." else COMMA, cell):
        return None
    plain = re.sub(GROUP, "", cell.replace("−", "-").removesuffix("%").strip())
    return float(plain.replace(",", "") if decimal == "." else plain.replace(".", "").replace(",", "."))
