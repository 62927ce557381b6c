"""What a detector says of rows, and how likely their scores are.

The anomaly likelihood of Ahmad, Lavin, Purdy and Agha 2017, Neurocomputing 262:134: with the mean mu and the
deviation sigma of the last W scores, and the mean m of the last w,

    z_t = (m_t - mu_t) / sigma_t,   L_t = 1 - Q(z_t),   Q the tail of the normal distribution

W = 8640 and w = 10, as in the authors' code. It tells a stretch of rows that are less predictable than usual
from single ones. Ours: mu and sigma are of the scores before a row, so that a row does not hide itself;
sigma is at least 0.01; rows without a score are passed over.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

HISTORY = 8640  # scores that the usual ones are measured on
RECENT = 10  # scores whose mean is held against them
LEAST = 0.01  # deviation of the scores
SAME = 1e-5  # scores whose shares differ by less are equal but for rounding


@dataclass(frozen=True, kw_only=True)
class Event:
    """Alarms that follow each other, by their places in what was detected."""

    first: int
    last: int
    peak: int  # the most unusual row
    alarms: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Anomalies:
    """What a detector found, a row for each row that it saw, the series one behind the other.

    >>> from wavetrain.estimators import AnomalyDetector
    >>> wave = np.sin(np.arange(600) / 3)
    >>> wave[500] = 3.0
    >>> found = AnomalyDetector("last_value").fit(wave[:400]).detect(wave)
    >>> len(found), found.time[500], found.alarm[500].item(), found.expected[500].round(3).tolist()
    (600, '500', True, [0.17])
    """

    columns: tuple[str, ...]  # that are watched
    series: np.ndarray  # (N,) the name of the series of each row
    row: np.ndarray  # (N,) its place in the series, from 0
    time: tuple[str, ...]  # as the file writes it; the number of the row where it has none
    value: np.ndarray  # (N, columns)
    expected: np.ndarray  # (N, columns) what was foreseen; NaN where nothing was
    score: np.ndarray  # (N,) NaN in the warm-up, and where nothing was measured
    likelihood: np.ndarray  # (N,) from 0 to 1
    unusual: np.ndarray  # (N,) what alarms follow: the score, or of a temporal memory z of the likelihood
    p: np.ndarray  # (N,) the share of calibration rows that were at least as unusual
    alarm: np.ndarray  # (N,) bool

    def __len__(self) -> int:
        return len(self.score)

    def events(self, rows: np.ndarray | None = None) -> list[Event]:
        """Alarms that follow each other within ten rows, as one; the most unusual first.

        Of the places `rows` alone, where they are given.
        """
        places = np.flatnonzero(self.alarm)
        if rows is not None:
            places = places[np.isin(places, rows)]
        apart = (np.diff(places) > RECENT) | (self.series[places[1:]] != self.series[places[:-1]])
        found = [
            Event(
                first=int(part[0]),
                last=int(part[-1]),
                peak=int(part[self.unusual[part].argmax()]),
                alarms=len(part),
            )
            for part in np.split(places, np.flatnonzero(apart) + 1)
            if len(part)
        ]
        return sorted(found, key=lambda one: -self.unusual[one.peak])


class Judged(NamedTuple):
    """What a detector says of n rows as they come, or of one."""

    expected: np.ndarray  # (n, columns), or (columns,)
    score: np.ndarray  # (n,), or a number
    likelihood: np.ndarray
    unusual: np.ndarray
    p: np.ndarray
    alarm: np.ndarray


class Recent:
    """The last scores of a stream, and how unusual the next ones are."""

    def __init__(self, before: np.ndarray):
        self.scores = before[~np.isnan(before)][-HISTORY:]  # (up to HISTORY + RECENT,)

    def extend(self, scores: np.ndarray) -> np.ndarray:
        """Deviations z (n,) of scores (n,); NaN where there is no score."""
        if len(scores) == 1:
            return np.array([self._next(float(scores[0]))])
        there = ~np.isnan(scores)
        whole = np.concatenate([self.scores, scores[there]])
        found = np.full(len(scores), np.nan)
        found[there] = deviations(whole)[len(self.scores) :]
        self.scores = whole[-(HISTORY + RECENT) :]
        return found

    def _next(self, score: float) -> float:
        """The same for one score, from the window alone."""
        if np.isnan(score):
            return np.nan
        before = self.scores[-HISTORY:]
        self.scores = np.append(self.scores[-(HISTORY + RECENT) + 1 :], score)
        if len(before) < 2:
            return np.nan
        spread = max(float(before.std()), LEAST)
        return float(self.scores[-RECENT:].mean() - before.mean()) / spread


def deviations(scores: np.ndarray) -> np.ndarray:
    """z_t (n,) of a stream of scores (n,); NaN for the first two.

    >>> from wavetrain.estimators._anomalies import deviations
    >>> deviations(np.array([0.0, 1.0, 0.0, 1.0, 0.5]))[2:].round(3).tolist()
    [-0.333, 0.354, 0.0]
    """
    sums = [_sums(scores**power) for power in (1, 2)]
    end = np.arange(len(scores))
    first = np.maximum(end - HISTORY, 0)
    count = np.maximum(end - first, 1)
    mean = (sums[0][end] - sums[0][first]) / count
    variance = np.maximum((sums[1][end] - sums[1][first]) / count - mean**2, 0)
    start = np.maximum(end + 1 - RECENT, 0)
    recent = (sums[0][end + 1] - sums[0][start]) / (end + 1 - start)
    found = ((recent - mean) / np.maximum(np.sqrt(variance), LEAST)).astype(np.float64)
    return np.where(end < 2, np.nan, found)


def _sums(values: np.ndarray) -> np.ndarray:
    """Sums of the first k values, k = 0 to n, in the widest floats that there are."""
    return np.concatenate([[0], np.cumsum(values, dtype=np.longdouble)])


def likelihood(z: np.ndarray) -> np.ndarray:
    """L = 1 - Q(z).

    >>> from wavetrain.estimators._anomalies import likelihood
    >>> likelihood(np.array([0.0, 3.0])).round(4).tolist()
    [0.5, 0.9987]
    """
    return norm.cdf(z)


def shares(held: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Conformal p-values (n,): of the ordered `held` (m,) those at least as large, and one, over m + 1.

    >>> from wavetrain.estimators._anomalies import shares
    >>> shares(np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 9.0, np.nan])).tolist()
    [1.0, 0.75, 0.25, nan]
    """
    above = len(held) - np.searchsorted(held, scores - SAME * np.abs(scores), side="left")
    return np.where(np.isnan(scores), np.nan, (above + 1) / (len(held) + 1))
