"""The command `stream`: a forecast behind each row, as it comes."""

import contextlib
import csv
import gzip
import io
import math
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name
from wavetrain.errors import BadInput

if TYPE_CHECKING:
    from wavetrain.estimators._series_model import SeriesModel
    from wavetrain.estimators._streams import Told
    from wavetrain.tables.read.incoming import Incoming, Row

CHUNK = 2**16  # bytes that are read at once, where so many wait
LONGEST = 2**20  # bytes of a line
OFTEN = 10.0  # seconds after which states are kept again


def stream(
    model: Name,
    data: Name = "-",
    state: Path | None = None,
    fresh: bool = False,
    coverage: float = 0.9,
    json: Json = False,
) -> None:
    """Forecast behind each row of a table as it comes: one line in, one line out.

    The first line names the columns, as in the table that the model learned from; further columns are not
    read. A series that the model learned from goes on behind its rows there; a new id begins a new series.

    Args:
        model: the folder that `wavetrain fit` wrote, or one of the models that `wavetrain compare` kept
        data: a table (CSV, TSV, gz of them), or - for standard input
        state: a file that keeps the state of each series; where it is there, the stream goes on from it
        fresh: begin each series anew, not behind the rows that the model learned from
        coverage: share of the truth that the intervals are to hold
    """
    from wavetrain.estimators import ForecastStreams, load_series_model

    terminal.share("coverage", coverage)
    terminal.writable(state)
    kept = load_series_model(model)
    streams = ForecastStreams(kept, fresh=fresh, coverage=coverage)
    if state is not None and state.exists():
        streams.resume(state)
    run = Run(kept, streams, state, json)
    with contextlib.ExitStack() as stack:
        for number in (signal.SIGTERM, signal.SIGINT):
            stack.callback(signal.signal, number, signal.signal(number, run.stop))
        file = _opened(data, stack)
        try:
            for lines in waiting(file):
                run.read(lines)
        finally:
            run.keep()


class Run:
    """One stream of lines, with what is said and kept of it."""

    def __init__(self, kept: "SeriesModel", streams: Any, state: Path | None, json: bool):
        from wavetrain.estimators._streams import Order

        self.kept, self.streams, self.state, self.json = kept, streams, state, json
        self.plain = kept.plain(kept.panel_)
        form = self.plain.form
        self.order = Order(streams, form.step if form else 0.0)
        self.incoming: Incoming | None = None
        self.line = 0
        self.since = time.monotonic()
        self.said: set[str] = set()
        self.targets = list(self.plain.targets)
        self.counts: dict[str, int] = {}  # rows of series that have no times
        self.busy = self.stopped = False

    def stop(self, number: int, frame: Any) -> None:
        """End between two answers: what was read is answered, and the states are those behind it."""
        self.stopped = True
        if not self.busy:
            raise KeyboardInterrupt

    def read(self, lines: list[bytes]) -> None:
        """Answer lines that have come together; what stands before a bad one is answered all the same."""
        from wavetrain.tables.read.incoming import Incoming

        rows: list[tuple[Row, int]] = []
        try:
            for line in lines:
                self.line += 1
                text = _decoded(line, self.line)
                if not text.strip():
                    continue
                if self.incoming is None:
                    self.incoming = Incoming(text, self.plain)
                    self._begin()
                    continue
                row = self.incoming.row(text, self.line)
                rows.append((row, self._holes(row)))
        finally:
            self.busy = True
            self._answer(rows)
            self.busy = False
        if self.stopped:
            raise KeyboardInterrupt
        if self.state is not None and time.monotonic() - self.since > OFTEN:
            self.keep()

    def _holes(self, row: "Row") -> int:
        try:
            return self.order.holes(row.series, row.time, row.number)
        except BadInput as error:
            raise BadInput(f"line {row.line}: {error}") from error

    def keep(self) -> None:
        """Write the states, where they are wanted."""
        if self.state is not None:
            self.busy = True
            self.streams.save(self.state)
            self.since = time.monotonic()
            self.busy = False

    def _begin(self) -> None:
        from wavetrain.estimators._series_model import not_given

        if self.plain.known:
            terminal.note(not_given(self.plain.known))
        if not self.json:
            sys.stdout.write(_line(["series", "time", *names(self.targets, self.kept.horizon)]))

    def _answer(self, rows: list[tuple["Row", int]]) -> None:
        import numpy as np

        if not rows:
            return
        assert self.incoming is not None
        for name, levels in self.incoming.new.items():
            for level in sorted(levels - self.said):
                terminal.note(f"{name} {level!r} is new: it counts as none of the levels of training")
                self.said.add(level)
        plain = [row for row, _ in rows]
        timed = all(row.time is not None for row in plain)
        told = [row.told or self._count(row.series) for row in plain]
        found = self.streams.extend(
            [row.series for row in plain],
            np.array([row.values for row in plain]),
            np.array([row.time for row in plain], np.int64) if timed else None,
            [holes for _, holes in rows],
        )
        self.counts.clear()
        for row in plain:
            if row.number is not None:
                self.streams.numbers[row.series] = row.number
        heads = [(row.series, one) for row, one in zip(plain, told, strict=True)]
        sys.stdout.write(self._told(heads, found))
        sys.stdout.flush()

    def _count(self, series: str) -> str:
        """The number of the next row of a series, as `predict` counts them."""
        self.counts.setdefault(series, self.streams.stream(series).count)
        self.counts[series] += 1
        return str(self.counts[series] - 1)

    def _told(self, heads: list[tuple[str, str]], found: "Told") -> str:
        """The lines that answer rows."""
        if self.json:
            return "".join(self._object(head, place, found) for place, head in enumerate(heads))
        form = ",".join(["%.10g"] * 3 * found.value[0].size)
        table = _columns(found)
        return "".join(
            f"{_line(head)[:-1]},{form % tuple(numbers)}\n"
            for head, numbers in zip(heads, table, strict=True)
        )

    def _object(self, head: tuple[str, str], place: int, found: "Told") -> str:
        parts: dict[str, Any] = dict(zip(("series", "time"), head, strict=True))
        for at, target in enumerate(self.targets):
            parts[target] = {
                name: [number if math.isfinite(number) else None for number in part[place, :, at].tolist()]
                for name, part in zip(("forecast", "low", "high"), found, strict=True)
            }
        return dumps(parts) + "\n"


def names(targets: list[str], horizon: int) -> list[str]:
    """Names of the columns of the answers: each target, so many rows ahead, with its interval.

    >>> from wavetrain.cli.stream import names
    >>> names(["sold"], 1)
    ['sold +1', 'sold +1 low', 'sold +1 high']
    """
    ends = ("", " low", " high")
    return [f"{target} +{step}{end}" for target in targets for step in range(1, horizon + 1) for end in ends]


def _columns(found: "Told") -> list[list[float]]:
    """The answers in the order of their names, a list for each row."""
    import numpy as np

    whole = np.stack([found.value, found.low, found.high], -1)  # (rows, horizon, targets, 3)
    table: list[list[float]] = whole.swapaxes(1, 2).reshape(len(whole), -1).tolist()
    return table


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def waiting(file: BinaryIO) -> Iterator[list[bytes]]:
    """Lines, as many as wait together; the last one may lack its end."""
    rest = b""
    while chunk := _chunk(file):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST:
            raise BadInput(f"expected lines of at most {LONGEST:,} bytes, got a longer one")
        if lines:
            yield lines
    if rest:
        yield [rest]


def _chunk(file: BinaryIO) -> bytes:
    """What waits, and no more; empty at the end."""
    if isinstance(file, gzip.GzipFile):
        return file.read(CHUNK)
    try:
        return os.read(file.fileno(), CHUNK)
    except io.UnsupportedOperation:  # of a file in memory
        return file.read(CHUNK)


def _opened(data: str, stack: contextlib.ExitStack) -> BinaryIO:
    if data == "-":
        return sys.stdin.buffer
    path = Path(data)
    if not path.is_file():
        raise BadInput(f"{data}: there is no such file")
    file = stack.enter_context(path.open("rb", buffering=0))
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return stack.enter_context(gzip.open(file)) if packed else file  # type: ignore[return-value]


def _decoded(line: bytes, number: int) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r")
    except UnicodeDecodeError as error:
        raise BadInput(f"line {number}: expected text in UTF-8, got other bytes") from error
