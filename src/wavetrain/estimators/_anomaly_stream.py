"""One stream as it comes: a row in, its score, likelihood and alarm out, in memory that does not grow."""

from typing import TYPE_CHECKING

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.estimators._anomalies import Judged, Recent, likelihood, shares
from wavetrain.estimators._foresight import Foreseen
from wavetrain.estimators._series_stream import missing
from wavetrain.tables.clock import Clock

if TYPE_CHECKING:
    from wavetrain.estimators.detector import AnomalyDetector

LONGEST = 100_000  # steps that may be missing between two rows


class AnomalyStream:
    """Equal to `detect` on all rows so far, however they are cut.

    >>> from wavetrain.estimators import AnomalyDetector
    >>> stream = AnomalyDetector("last_value").fit(np.sin(np.arange(600) / 3)).stream()
    >>> [bool(stream.push(value).alarm) for value in (0.0, 0.1, 9.0)]
    [False, False, True]
    """

    def __init__(self, model: "AnomalyDetector", place: int = 0):
        self.model, self.place = model, place
        self.targets = [model.columns_.index(name) for name in model.targets_]
        self.course, self.recent = model.foresight_.begin(), Recent(model.history_)
        self.count = 0
        self.time: int | None = None  # of the last row

    def push(self, row: np.ndarray | float, time: int | None = None) -> Judged:
        """A row (columns,), and its time in microseconds since 1970 where the detector learned times."""
        times = None if time is None else np.array([time], np.int64)
        judged = self.extend(np.atleast_1d(np.asarray(row, np.float64))[None], times)
        return Judged(*(part[0] for part in judged))

    def extend(self, rows: np.ndarray, times: np.ndarray | None = None) -> Judged:
        """Rows (n, columns) and their times (n,)."""
        model = self.model
        if rows.ndim != 2 or rows.shape[1] != len(model.columns_):
            raise BadInput(f"expected rows of {len(model.columns_)} columns, got {rows.shape}")
        if len(infinite := np.flatnonzero(np.isinf(rows).any(1))):
            raise BadInput(f"row {self.count + 1 + infinite[0]} is infinite")
        if model.clock_ is None:
            times = None
        elif times is None or times.shape != rows.shape[:1]:
            raise BadInput("expected a time with each row, as in training")
        else:
            return self._spread(rows, times, model.clock_)
        told = self.course.extend(rows, times)
        self.count += len(rows)
        return self.judge(rows, told)

    def _spread(self, rows: np.ndarray, times: np.ndarray, clock: Clock) -> Judged:
        """Rows in time; steps that were left out are rows in which nothing was measured."""
        if not len(rows):
            return self.judge(rows, self.course.extend(rows, times))
        before = [int(times[0]) - 1 if self.time is None else self.time, *times[:-1].tolist()]
        if (times <= np.array(before)).any():
            raise BadInput("expected times that rise; one is out of order, or repeated")
        holes = [
            0 if self.time is None and not place else missing(clock, one, int(other))
            for place, (one, other) in enumerate(zip(before, times, strict=True))
        ]
        if max(holes) > LONGEST:
            raise BadInput(f"{max(holes):,} steps are missing before a row; begin a new stream there")
        kept = np.arange(len(rows)) + np.cumsum(holes)
        whole = np.full((int(kept[-1]) + 1, rows.shape[1]), np.nan)
        whole[kept] = rows
        parts = [
            np.append(clock.after(one, hole), other)
            for one, hole, other in zip(before, holes, times, strict=True)
        ]
        told = self.course.extend(whole, np.concatenate(parts).astype(np.int64))
        self.time, self.count = int(times[-1]), self.count + len(rows)
        return Judged(*(part[kept] for part in self.judge(whole, told)))

    def judge(self, rows: np.ndarray, told: Foreseen) -> Judged:
        """Rows (n, columns) of which that was expected, behind those that were judged before."""
        model = self.model
        score = model._score(rows[:, self.targets], told, self.place)
        z = self.recent.extend(score)
        unusual = score if told.surprise is None else z
        return Judged(
            told.expected,
            score,
            likelihood(z),
            unusual,
            shares(model.held_, unusual),
            unusual > model.threshold_,
        )
