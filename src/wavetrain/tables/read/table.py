"""A table as it was read: columns of a pandas frame, which stay text wherever text may matter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

WORDS = (  # that say that nothing was measured, in small letters
    *("", "na", "n/a", "n.a.", "nan", "nat", "null", "none", "nil", "missing", "nd", "n.d.", "<na>", "<nan>"),
    *("-", "--", "---", "?", ".", "..", "...", "#n/a", "#na", "#value!", "#div/0!", "#ref!", "#num!"),
)


@dataclass(frozen=True, eq=False)
class Table:
    """A frame whose columns have text names, each once."""

    frame: "pd.DataFrame"
    line: Callable[[int], int]  # of the source, in which a row stands
    delimiter: str = ""  # of a text
    spreadsheet: bool = False
    raw: Callable[[str], "pd.Series"] | None = None  # a column as the source writes it
    units: dict[str, str] = field(default_factory=dict)  # of columns, from a row of units
    file: str = ""  # the column that says which of several files a row is from
    points: tuple[str, ...] = ()  # columns that were read as numbers of a text, and hold points

    @property
    def names(self) -> list[str]:
        return [str(name) for name in self.frame.columns]

    def texts(self, name: str) -> np.ndarray:
        """A column as text (rows,) of str: no spaces around it, empty where there is nothing."""
        column = self.frame[name] if self.raw is None else self.raw(name)
        return texts(column)


class Lines(Sequence[int]):
    """The lines of some rows, each found when it is asked for."""

    def __init__(self, line: Callable[[int], int], rows: np.ndarray):
        self.line, self.rows = line, rows

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...
    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        if isinstance(place, slice):
            return Lines(self.line, self.rows[place])
        return self.line(int(self.rows[place]))

    def __len__(self) -> int:
        return len(self.rows)


def texts(column: "pd.Series") -> np.ndarray:
    """What a column says, as text (rows,): whole numbers without a point, times in ISO 8601.

    >>> import pandas as pd
    >>> from wavetrain.tables.read.table import texts
    >>> texts(pd.Series([2**53 + 1, 7])).tolist(), texts(pd.Series([" 007", None])).tolist()
    (['9007199254740993', '7'], ['007', ''])
    """
    import pandas as pd

    if isinstance(column.dtype, pd.StringDtype):
        return np.asarray(column.str.strip().fillna("").to_numpy(dtype=object))
    codes, kinds = column.factorize()
    said = np.array([_text(kind) for kind in kinds] + [""], dtype=object)
    return said[codes]


def _text(cell: object) -> str:
    if isinstance(cell, float | np.floating) and (number := float(cell)).is_integer() and abs(number) < 2**53:
        return str(int(number))
    return str(cell).strip()


def distinct(names: Sequence[object]) -> list[str]:
    """Names of columns, each once; one that is empty is called by its place."""
    taken: list[str] = []
    for place, name in enumerate(names):
        plain = str(name).strip() or f"column {place + 1}"
        again, tried = 1, plain
        while tried in taken:
            again += 1
            tried = f"{plain} ({again})"
        taken.append(tried)
    return taken
