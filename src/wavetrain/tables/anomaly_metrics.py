"""How well alarms meet labelled anomalies. The plain score counts rows; every other one says what it changes.

    point-wise       a row is right if it has an alarm and a label, or neither
    point-adjusted   one alarm anywhere in a labelled stretch counts as an alarm on each of its rows. Random
                     alarms reach a high F1 this way where stretches are long, so it is never the headline
    windowed         after the Numenta Anomaly Benchmark (Lavin and Ahmad 2015, arXiv 1510.03336): the first
                     alarm in a window counts, more the earlier it comes; alarms outside of windows cost

The windowed score weighs the first alarm in a window, and each alarm outside, by a sigmoid of its place y, in
lengths of the window: y = -1 at its beginning, 0 behind its end, above 0 further on.

    s(y) = 2 / (1 + exp(5 y)) - 1, and -1 for y > 3 and before the first window
    S = sum over windows (tp s(y) / s(-1), or -fn without an alarm) + sum over alarms outside (fp s(y))
    score = 100 (S + fn windows) / ((1 + fn) windows): 0 without alarms, 100 with each window met at once

The benchmark also leaves out the first 15 % of each file and takes the threshold that scores best; neither is
done here, so values are not those of its table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wavetrain.errors import BadInput

STEEP = 5.0
FAR = 3.0  # lengths of a window behind it, from which on an alarm is as wrong as can be


@dataclass(frozen=True, kw_only=True)
class Found:
    """Precision, recall and F1 of alarms.

    >>> from wavetrain.tables.anomaly_metrics import pointwise
    >>> truth = np.array([0, 0, 1, 1, 1, 0], bool)
    >>> print(pointwise(truth=truth, alarm=np.array([0, 0, 0, 1, 0, 1], bool)))
    point-wise F1 0.4, precision 0.5, recall 0.3333 (6 rows, 3 labelled, 2 alarms)
    """

    name: str
    precision: float  # 0 without an alarm
    recall: float  # NaN without a label
    f1: float  # NaN without a label
    rows: int
    labelled: int
    alarms: int

    def __str__(self) -> str:
        shares = f"F1 {self.f1:.4g}, precision {self.precision:.4g}, recall {self.recall:.4g}"
        return (
            f"{self.name} {shares} ({self.rows:,} rows, {self.labelled:,} labelled, {self.alarms:,} alarms)"
        )


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What a hit, a miss and a false alarm weigh; as published for the benchmark's standard profile."""

    tp: float = 1.0
    fn: float = 1.0
    fp: float = 0.11


STANDARD = Profile()
FEW_FALSE_ALARMS = Profile(fp=0.22)
FEW_MISSES = Profile(fn=2.0)


def pointwise(*, truth: np.ndarray, alarm: np.ndarray) -> Found:
    """Row by row, from labels (T,) and alarms (T,), bool."""
    return _found("point-wise", *_checked(truth, alarm))


def point_adjusted(*, truth: np.ndarray, alarm: np.ndarray) -> Found:
    """After each labelled stretch with an alarm in it was taken as found whole.

    >>> from wavetrain.tables.anomaly_metrics import point_adjusted
    >>> truth = np.array([0, 0, 1, 1, 1, 0], bool)
    >>> point_adjusted(truth=truth, alarm=np.array([0, 0, 0, 1, 0, 1], bool)).f1.__round__(4)
    0.8571
    """
    truth, alarm = _checked(truth, alarm)
    adjusted = alarm.copy()
    for first, last in stretches(truth):
        adjusted[first : last + 1] |= alarm[first : last + 1].any()
    return _found("point-adjusted", truth, adjusted)


def windowed(*, alarm: np.ndarray, windows: Sequence[tuple[int, int]], profile: Profile = STANDARD) -> float:
    """The score of alarms (T,), bool, for windows from a first row to a last one.

    >>> from wavetrain.tables.anomaly_metrics import windowed
    >>> alarm = np.zeros(100, bool)
    >>> alarm[40] = True
    >>> windowed(alarm=alarm, windows=[(40, 49)]), windowed(alarm=~alarm & False, windows=[(40, 49)])
    (100.0, 0.0)
    """
    alarm = np.asarray(alarm)
    if alarm.ndim != 1 or alarm.dtype != bool:
        raise BadInput(f"expected alarms (rows,) of bool, got {alarm.shape} of {alarm.dtype}")
    ordered, before = sorted(windows), -1
    for first, last in ordered:
        if not before < first <= last < len(alarm):
            raise BadInput(
                f"expected windows inside {len(alarm)} rows that do not overlap, got rows {first} to {last}"
            )
        before = last
    if not ordered:
        raise BadInput("expected at least one window, got none")
    total, inside = 0.0, np.zeros(len(alarm), bool)
    for first, last in ordered:
        inside[first : last + 1] = True
        hits = np.flatnonzero(alarm[first : last + 1])
        place = (hits[:1] - (last - first + 1)) / (last - first + 1)
        total += profile.tp * float(_weight(place)[0] / _weight(np.array([-1.0]))[0]) if len(hits) else 0.0
        total -= 0.0 if len(hits) else profile.fn
    wrong = np.flatnonzero(alarm & ~inside)
    ends = np.array([last for _, last in ordered])
    latest = np.searchsorted(ends, wrong) - 1  # the window before each
    sizes = np.array([last - first + 1 for first, last in ordered])
    away = np.where(latest >= 0, (wrong - ends[latest]) / sizes[latest], np.inf)
    total += profile.fp * float(_weight(away).sum())
    worst = -profile.fn * len(ordered)
    return 100 * (total - worst) / (profile.tp * len(ordered) - worst)


def stretches(marked: np.ndarray) -> list[tuple[int, int]]:
    """First and last rows of each run of marked rows (T,), bool.

    >>> from wavetrain.tables.anomaly_metrics import stretches
    >>> stretches(np.array([1, 0, 1, 1], bool))
    [(0, 0), (2, 3)]
    """
    edges = np.diff(np.concatenate([[False], np.asarray(marked, bool), [False]]).astype(int))
    firsts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(int(first), int(end) - 1) for first, end in zip(firsts, ends, strict=True)]


def _weight(place: np.ndarray) -> np.ndarray:
    """The sigmoid s(y)."""
    near = np.minimum(place, FAR)
    return np.where(place > FAR, -1.0, 2 / (1 + np.exp(STEEP * near)) - 1)


def _checked(truth: np.ndarray, alarm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth, alarm = np.asarray(truth), np.asarray(alarm)
    fits = truth.ndim == 1 and truth.shape == alarm.shape and truth.dtype == alarm.dtype == bool
    if not fits or not len(truth):
        raise BadInput(
            f"expected labels and alarms (rows,) of bool, got {truth.shape} of {truth.dtype} and "
            f"{alarm.shape} of {alarm.dtype}"
        )
    return truth, alarm


def _found(name: str, truth: np.ndarray, alarm: np.ndarray) -> Found:
    hits, labelled, alarms = int((truth & alarm).sum()), int(truth.sum()), int(alarm.sum())
    return Found(
        name=name,
        precision=hits / alarms if alarms else 0.0,
        recall=hits / labelled if labelled else float("nan"),
        f1=2 * hits / (labelled + alarms) if labelled else float("nan"),
        rows=len(truth),
        labelled=labelled,
        alarms=alarms,
    )
