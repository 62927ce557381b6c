"""One stream as it comes: a row in, its score, likelihood and alarm out, in memory that does not grow."""

from typing import TYPE_CHECKING

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.estimators._anomalies import Judged, Recent, likelihood, shares
from wavetrain.estimators._foresight import Foreseen

if TYPE_CHECKING:
    from wavetrain.estimators.detector import AnomalyDetector


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
        if times is None and model.clock_ is not None:
            raise BadInput("expected a time with each row, as in training")
        told = self.course.extend(rows, times if model.clock_ is not None else None)
        self.count += len(rows)
        return self.judge(rows, told)

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
