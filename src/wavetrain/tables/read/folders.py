"""A folder of files as one table or one panel: which files there are, and which series they hold.

Files of one kind of table are joined, with a column that says which file a row is from. Where each file goes
on in time where another one ends, they are parts of one series; else each is a series of its own, called by
its path in the folder. A folder that `datasets` of Hugging Face saved is read by that library.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.read import frames
from wavetrain.tables.read.table import Table, distinct

if TYPE_CHECKING:
    import pandas as pd

FILE = "file"  # the column that says which file a row is from
SAVED = ("state.json", "dataset_info.json")  # of a data set of `datasets`
SEVERAL = "dataset_dict.json"  # of several, by the names of their parts


class LineOf(int):
    """A line of one of several files."""

    file: str

    def __new__(cls, line: int, file: str) -> "LineOf":
        self = super().__new__(cls, line)
        self.file = file
        return self

    def __format__(self, form: str) -> str:
        return f"{int(self)} of {self.file}"


def files(folder: Path, endings: Sequence[str]) -> list[Path]:
    """The files of these endings in a folder and below it, in the order of their names; no hidden ones."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    seen = [path for path in found if not any(part[0] in "._" for part in path.relative_to(folder).parts)]
    kept = [path for path in seen if path.name.lower().removesuffix(".gz").endswith(tuple(endings))]
    if not kept:
        some = ", ".join(path.name for path in seen[:3]) or "no file"
        raise BadInput(f"expected a folder with files of {', '.join(endings)}; got {some}")
    return kept


def is_saved(folder: Path) -> bool:
    """Whether `datasets` saved it.

    >>> from wavetrain.tables.read.folders import is_saved
    >>> is_saved(Path("."))
    False
    """
    return (folder / SEVERAL).exists() or all((folder / name).exists() for name in SAVED)


def saved(folder: Path) -> Table:
    """The table of a folder that `datasets` saved."""
    if (folder / SEVERAL).exists():
        parts = sorted(path.name for path in folder.iterdir() if path.is_dir())
        if len(parts) != 1:
            raise BadInput(f"expected one data set, got {', '.join(parts)}: name one of these folders in it")
        folder = folder / parts[0]
    try:
        import datasets
    except ImportError as error:
        raise BadInput("a saved data set needs datasets: pip install 'wavetrain[datasets]'") from error
    try:
        frame = datasets.load_from_disk(str(folder)).to_pandas()
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise BadInput(f"expected a whole data set, got {str(error).splitlines()[0]}") from error
    return frames.table_of_frame(_plain(frame))


def _plain(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Lists, one for each series, as rows; where no column tells them apart, by the number of each."""
    lists = [
        name for name in frame.columns if len(frame) and isinstance(frame[name].iloc[0], np.ndarray | list)
    ]
    if not lists:
        return frame
    if all(frame[name].is_unique is False or len(frame) == 1 for name in frame.columns if name not in lists):
        frame = frame.assign(id=np.arange(len(frame)).astype(str))
    try:
        return frame.explode(lists, ignore_index=True).infer_objects()
    except ValueError as error:
        raise BadInput(
            f"expected lists of one length in each row, got others in {', '.join(lists)}"
        ) from error


def joined(parts: dict[str, Table | Panel]) -> Table | Panel:
    """What the files of a folder hold, by their paths in it."""
    panels = {name: one for name, one in parts.items() if isinstance(one, Panel)}
    tables = {name: one for name, one in parts.items() if isinstance(one, Table)}
    if panels and tables:
        one, other = next(iter(panels)), next(iter(tables))
        raise BadInput(f"expected files of one kind, got arrays in {one} and a table in {other}")
    return _panels(panels) if panels else _tables(tables)


def _panels(panels: dict[str, Panel]) -> Panel:
    first = next(iter(panels))
    series = []
    for name, one in panels.items():
        if one.columns != panels[first].columns:
            raise BadInput(_unlike(first, panels[first].columns, name, one.columns))
        series += [
            Series(name=f"{name}/{each.name}" if each.name else name, values=each.values)
            for each in one.series
        ]
    lengths = [len(one) for one in series]
    told = f"{len(series):,} series of {min(lengths):,} to {max(lengths):,} steps in {len(panels):,} files"
    said = panels[first].said
    return replace(panels[first], series=tuple(series), said=(said[0], told, *said[2:]))


def _tables(tables: dict[str, Table]) -> Table:
    import pandas as pd

    first = next(iter(tables))
    names = tables[first].names
    for name, one in tables.items():
        if set(one.names) != set(names):
            raise BadInput(_unlike(first, names, name, one.names))
    column = distinct([*names, FILE])[-1]
    ends = np.cumsum([len(one.frame) for one in tables.values()])
    each = list(tables.items())

    def line(row: int) -> int:
        place = int(np.searchsorted(ends, row, "right"))
        name, one = each[place]
        return LineOf(one.line(row - (int(ends[place - 1]) if place else 0)), name)

    def together(of: Callable[[Table], "pd.DataFrame | pd.Series"]) -> "pd.DataFrame":
        return pd.concat([of(one) for one in tables.values()], ignore_index=True)

    origin = np.repeat(np.array(list(tables), dtype=object), np.diff(ends, prepend=0))
    whole = together(lambda one: one.frame[names])
    whole[column] = origin

    def raw(name: str) -> "pd.Series":
        if name == column:
            return whole[column]
        return together(lambda one: one.frame[name] if one.raw is None else one.raw(name))

    return Table(
        whole,
        line,
        tables[first].delimiter,
        spreadsheet=tables[first].spreadsheet,
        raw=raw,
        units=tables[first].units,
        file=column,
        points=tuple(name for name in names if any(name in one.points for one in tables.values())),
    )


def _unlike(first: str, names: Sequence[str], other: str, others: Sequence[str]) -> str:
    return f"{other}: expected the columns of {first}, {', '.join(names[:9])}; got {', '.join(others[:9])}"


def named(path: Path, folder: Path) -> str:
    """A file by its path in a folder, without its ending.

    >>> from wavetrain.tables.read.folders import named
    >>> named(Path("a/north/oslo.csv.gz"), Path("a"))
    'north/oslo'
    """
    return str(path.relative_to(folder).with_name(path.name.partition(".")[0] or path.name).as_posix())


def go_on(ticks: np.ndarray, codes: np.ndarray) -> bool:
    """Whether each of several files (rows,) begins in time where another one ends, about one step later."""
    count = int(codes.max()) + 1
    begins = np.array([ticks[codes == code].min() for code in range(count)])
    ends = np.array([ticks[codes == code].max() for code in range(count)])
    order = np.argsort(begins)
    steps = np.concatenate([np.diff(np.sort(ticks[codes == code])) for code in range(count)])
    if not len(steps) or count < 2:
        return False
    between = begins[order][1:] - ends[order][:-1]
    return bool((between > 0).all() and (between <= 1.5 * np.quantile(steps, 0.9)).all())
