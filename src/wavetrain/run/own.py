"""What a comparison is of: series of one's own, or sequences, text, a task by name.

What is given decides:

    frames, arrays, panels, tables in files                 series: forecast the next rows (`forecasts.py`)
    .npz of x and y, .ts, .txt without a target, a task     sequences: answer them (`compare.py`)
    a table with a column of classes, folders of classes    the same
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from wavetrain.errors import BadInput
from wavetrain.run.contestants import Question, ends
from wavetrain.run.forecasts import Series
from wavetrain.tables import recorded
from wavetrain.tables.ahead import parted
from wavetrain.tables.cases import case
from wavetrain.tables.load import Described, load
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read
from wavetrain.tables.read.answered import Reading, is_archive_of_answers
from wavetrain.tables.read.asked import Names, named
from wavetrain.tables.read.classed import is_of_classes
from wavetrain.tables.read.sources import ENDINGS
from wavetrain.tables.rolling import Metric
from wavetrain.tables.seasons import season_before
from wavetrain.tables.split import Split, by_series, in_time, later
from wavetrain.tables.windows import usual_context


class Roles(NamedTuple):
    """Which columns of a table are what; see `wavetrain.tables.read.read`."""

    target: Names = ()
    time: Names | None = None
    id: Names | None = None
    inputs: Names | None = None
    known: Names = ()
    missing: tuple[str | float, ...] = ()
    resample: str = ""  # the step that rows are brought to

    def panel(self, source: Any) -> Panel:
        """The series of a table in these roles."""
        if isinstance(source, Panel):
            if any(self):
                raise BadInput("a panel has its roles: expected no names of columns besides")
            return source
        return read(
            source,
            target=self.target,
            time=self.time,
            id=self.id,
            inputs=self.inputs,
            known=self.known,
            missing=self.missing,
            resample=self.resample,
        )


def sequences(source: Any, roles: Roles, classes: str, out: Path) -> tuple[Described, tuple[str, ...]]:
    """Sequences whose classes are in a column, or are the folders they lie in, and what was understood.

    They are kept in a file, which other processes read.
    """
    if classes:
        if roles.target or roles.known or roles.resample:
            raise BadInput(
                "a class is told for each sequence: expected no --target, --known-ahead, --resample"
            )
        inputs = None if roles.inputs is None else named(roles.inputs)
        missing = tuple(f"{word:g}" if isinstance(word, float) else str(word) for word in roles.missing)
        reading = Reading(
            classes=classes,
            id=named(roles.id),
            time=named(roles.time),
            inputs=inputs,
            missing=missing,
        )
    else:
        reading = Reading()
    found, said = reading.first(source if classes else Path(source))
    told = str(source) if isinstance(source, str | Path) else f"a {type(source).__name__}"
    name = Path(told).name.partition(".")[0] if isinstance(source, str | Path) else "frame"
    try:
        whole = case(found)
    except BadInput as error:
        raise BadInput(f"{told}: {error}") from error
    loaded = load(str(recorded.write(whole, out / "data", name if told != "-" else "input")))
    return replace(loaded, reading=reading.like(found)), said


def answered(
    source: Any,
    roles: Roles,
    classes: str,
    out: Path,
    *,
    horizon: int,
    window: int | None,
    split: str,
) -> tuple[Described, tuple[str, ...]]:
    """What is to be answered, and what was understood of its columns."""
    check_plain(Roles() if classes else roles, horizon=horizon, window=window, split=split)
    if isinstance(source, Described):
        return source, ()
    if classes or (isinstance(source, str | Path) and str(source) and is_of_classes(Path(source))):
        return sequences(source, roles, classes, out)
    return load(str(source)), ()


def is_series(source: Any, roles: Roles) -> bool:
    """Whether there are series to forecast, and not sequences, text or a task.

    >>> from wavetrain.run.own import Roles, is_series
    >>> [is_series(one, Roles()) for one in ("taxi.csv", "taxi.parquet", "book.txt", "copying", "-")]
    [True, True, False, False, True]
    """
    if not isinstance(source, str | Path):
        return True
    path = Path(source)
    name = path.name.lower().removesuffix(".gz")
    if str(source) and path.is_dir():
        return any(roles) or not is_of_classes(path)
    if str(source) == "-":
        return True
    if name.endswith(".npz"):
        return is_archive_of_answers(path) is False
    if name.endswith(".txt"):
        return any(roles)
    return name.endswith(ENDINGS) and not name.endswith(".ts")


def series(
    source: Any,
    roles: Roles,
    *,
    horizon: int = 1,
    window: int | None = None,
    metric: Metric = Metric.MASE,
    split: str = "time",
) -> Series:
    """Series with a question: forecast the next `horizon` rows of the test part.

    `split` is `time` (the last rows), `group` (whole series) or the file of another table to test on.
    """
    check_asked(horizon=horizon, window=window, split=split)
    whole = roles.panel(source)
    parts = _split(whole, roles, horizon, window, split)
    parts = replace(parts, past=parted(parts.past)[0])  # rows without a target at its end teach nothing
    question = Question(horizon=horizon, metric=metric, context=window, season=season(parts.past, horizon))
    told = str(source) if isinstance(source, str | Path) else f"a {type(source).__name__}"
    name = Path(told).name.partition(".")[0] if isinstance(source, str | Path) else "frame"
    return Series(source=told, name=name if told != "-" else "input", split=parts, question=question)


def check_asked(*, horizon: int, window: int | None, split: str) -> None:
    """Raise for a question that makes no sense of any table, before it is read."""
    if horizon < 1 or (window is not None and window < 1):
        raise BadInput(f"expected a horizon and a window of at least 1 row, got {horizon} and {window}")
    if split == "random":
        raise BadInput(
            "rows of series are not dealt out at random, for neighbours share most of what they tell: "
            "expected --split time, group or a file"
        )
    if split not in ("time", "group") and not Path(split).exists():
        raise BadInput(f"expected --split time, group or a file to test on, got {split!r}")


def season(past: Panel, horizon: int) -> int:
    """The season of the longest series, found before its validation part."""
    return season_before(past, ends(past, horizon))


def check_device(device: str) -> None:
    """Forecasts of tables are learned on the CPU."""
    if device != "cpu":
        raise BadInput(f"forecasts of a table are trained on the CPU: expected --device cpu, got {device}")


def check_plain(roles: Roles, *, horizon: int, window: int | None, split: str) -> None:
    """What is asked of a table must not be asked of sequences, text or a task."""
    if any(roles) or (horizon, window, split) != (1, None, "time"):
        raise BadInput(
            "columns, --horizon, --window and --split are of tables that are forecast; this data is none"
        )


def _split(whole: Panel, roles: Roles, horizon: int, window: int | None, split: str) -> Split:
    if split == "time":
        return in_time(whole, horizon)
    context = window or usual_context(season(whole, horizon))
    if split == "group":
        return by_series(whole, context)
    return later(whole, roles.panel(split), context)
