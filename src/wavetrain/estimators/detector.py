"""Which rows of a stream are unusual: by any layer, by a temporal memory, or by a plain rule.

Each row is foreseen from those before it. Of a forecast the score is the error, in robust deviations of the
errors on calibration rows (1.4826 times the median distance from the median), the largest over columns; of a
temporal memory it is the share of active columns that it had not foreseen. The likelihood says how far the
mean of the last scores is from the usual (`_anomalies.py`).

    fit         | learn to foresee .............. | calibrate ...... |
    threshold   the value that a share `rate` of the calibration rows exceeds, by split conformal prediction
    detect      score, likelihood, p-value and alarm of each row; nothing is fitted to them

Rows like those of calibration have an alarm with a probability of `rate` at most, averaged over calibrations.
Alarms follow the score of a forecast, and the likelihood of a temporal memory, whose score is coarse.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.estimators import _detector_kept
from wavetrain.estimators._anomalies import HISTORY, SAME, Anomalies, Recent
from wavetrain.estimators._anomaly_stream import AnomalyStream
from wavetrain.estimators._foresight import Forecasts, Foreseen, Foresight, Lags, Plain, called, member
from wavetrain.estimators._temporal import Temporal, usual
from wavetrain.estimators.forecaster import Forecaster
from wavetrain.memories.temporal_memory import TemporalMemory
from wavetrain.tables import conformal, phases
from wavetrain.tables.baselines import Baseline, LastValue
from wavetrain.tables.panel import Panel, panel
from wavetrain.tables.ridge import Ridge
from wavetrain.tables.seasons import season_of

NORMAL = 1.4826  # the deviation of a normal distribution, over its median distance from the median
FLAT = 1e-6  # of the size of the values: the least deviation of errors

Watched = Panel | np.ndarray | Sequence[Any]


class AnomalyDetector(OutlierMixin, BaseEstimator):
    """Learns what is usual in a stream, and finds rows that are not.

    `layer` is a name from `wavetrain list layers` or a class of a layer; `temporal_memory`, its class or one
    of a size of your own; or a plain rule: `last_value`, `seasonal_naive` or `ridge`. `rate` is the share of
    usual rows that may have an alarm, `calibration` the share of rows, the last ones, that it is set on. What
    follows is for the `Forecaster`; of it a plain rule reads `season`, and a temporal memory `random_state`.
    Rows are in the order of time: an array (rows, columns) is one stream.

    >>> import numpy as np
    >>> from wavetrain.estimators import AnomalyDetector
    >>> wave = np.sin(np.arange(600) / 3)[:, None]
    >>> model = AnomalyDetector("gru", width=4, depth=1, steps=5).fit(wave)
    >>> wave[500] = 3.0
    >>> int(model.score_samples(wave)[100:].argmin()) + 100, model.predict(wave)[500].item()
    (500, -1)
    """

    def __init__(
        self,
        layer: str | type[Layer] | type[TemporalMemory] | TemporalMemory | type[Baseline] = "gru",
        *,
        rate: float = 0.01,
        calibration: float = 0.3,
        context: int | None = None,
        season: int | None = None,
        width: int = 32,
        depth: int = 2,
        steps: int = 300,
        learning_rate: float = 3e-3,
        random_state: Any = 0,
    ):
        self.layer, self.rate, self.calibration = layer, rate, calibration
        self.context, self.season, self.width, self.depth = context, season, width, depth
        self.steps, self.learning_rate, self.random_state = steps, learning_rate, random_state

    def fit(self, X: Watched, y: None = None) -> Self:
        """Learn from the first rows of each series, and calibrate on the last."""
        if hasattr(self, "threshold_"):
            del self.threshold_  # what fails to be fitted is not fitted
        self.check()
        whole = self._taken(X, reset=True)
        self._check(whole)
        starts = [round((1 - self.calibration) * len(one)) for one in whole.series]
        head = _heads(whole, starts)
        self.asked_: dict[str, list[str]] = {}  # how a file was read, told by whoever read it
        self.columns_, self.targets_, self.known_ = whole.columns, whole.targets, whole.known
        self.clock_, self.series_ = whole.clock, tuple(one.name for one in whole.series)
        self.foresight_ = self._foresight(head).learn(head)
        self._calibrate(whole, [self.foresight_.study(whole, place) for place in range(len(starts))], starts)
        return self

    def detect(self, X: Watched) -> Anomalies:
        """Score, likelihood and alarm of each row; the first rows of a series have no score yet."""
        check_is_fitted(self, "threshold_")
        whole = self._taken(X, reset=False)
        parts = [
            self.stream(one.name).judge(one.values, self.foresight_.over(whole, place))
            for place, one in enumerate(whole.series)
        ]
        joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
        expected, score, likelihood, unusual, p, alarm = joined
        places = whole.places(whole.targets)
        return Anomalies(
            columns=whole.targets,
            series=np.concatenate([np.full(len(one), one.name) for one in whole.series]),
            row=np.concatenate([np.arange(len(one)) for one in whole.series]),
            time=tuple(word for one in whole.series for word in _told(whole, one.times, len(one))),
            value=np.concatenate([one.values[:, places] for one in whole.series]),
            expected=expected,
            score=score,
            likelihood=likelihood,
            unusual=unusual,
            p=p,
            alarm=alarm,
        )

    def score_samples(self, X: Watched) -> np.ndarray:
        """Minus what alarms follow, so that unusual rows are low, as in scikit-learn; NaN in the warm-up."""
        return -self.detect(X).unusual

    def decision_function(self, X: Watched) -> np.ndarray:
        """`score_samples` less its threshold: below 0 there is an alarm."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Watched) -> np.ndarray:
        """-1 for a row with an alarm, 1 for all others, those without a score among them."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def stream(self, series: str = "") -> AnomalyStream:
        """A new stream, row by row, of the series of that name: equal to `detect` on all rows so far."""
        check_is_fitted(self, "threshold_")
        return AnomalyStream(self, self._place(series))

    def save(self, folder: str | Path) -> None:
        """Write all that is needed to go on: tensors and JSON, without the rows that were learned from."""
        check_is_fitted(self, "threshold_")
        _detector_kept.save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """What `save` wrote; nothing is unpickled."""
        return _detector_kept.load(cls, Path(folder))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _place(self, series: str) -> int:
        """Where what was calibrated for a series stands; with one series it holds for any name."""
        if len(self.series_) == 1:
            return 0
        if series not in self.series_:
            raise BadInput(f"expected one of the series {', '.join(self.series_[:9])}; got {series!r}")
        return self.series_.index(series)

    def _taken(self, X: Watched, reset: bool) -> Panel:
        if isinstance(X, Panel):
            whole = X
        elif isinstance(X, list | tuple) and len(X) and all(isinstance(one, np.ndarray) for one in X):
            whole = panel(X)
        else:
            rows = (
                np.asarray(X)[:, None] if isinstance(X, list | tuple | np.ndarray) and np.ndim(X) == 1 else X
            )
            whole = panel(
                validate_data(self, rows, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
            )
        if reset:
            self.n_features_in_ = len(whole.columns)
        elif whole.columns != self.columns_:
            raise BadInput(f"expected the columns {', '.join(self.columns_)}; got {', '.join(whole.columns)}")
        elif self.clock_ is not None and str(whole.clock) != str(self.clock_):
            got = "rows without even times" if whole.clock is None else f"rows every {whole.clock}"
            raise BadInput(f"expected rows every {self.clock_}, as in training; got {got}")
        return whole

    def check(self) -> None:
        """Raise BadInput for settings that make no sense, before any row is read."""
        for name in ("rate", "calibration"):
            if not 0 < (got := getattr(self, name)) < 1:
                raise BadInput(f"AnomalyDetector: expected a {name} between 0 and 1, got {got}")
        for name, least in (("width", 1), ("depth", 1), ("context", 1), ("season", 1), ("steps", 0)):
            if (got := getattr(self, name)) is not None and got < least:
                raise BadInput(f"AnomalyDetector: expected {name} of at least {least}, got {got}")
        member(self.layer)

    def _check(self, whole: Panel) -> None:
        for one in whole.series:
            first = one.values[: round((1 - self.calibration) * len(one)), whole.places(whole.targets)]
            if len(one) < 8 or not np.isfinite(first).any(0).all():
                raise BadInput(
                    f"{f'series {one.name!r}: ' * bool(one.name)}expected at least 8 rows, with numbers in "
                    f"each column to watch before calibration, got {len(one)} sample{'s' * (len(one) != 1)}"
                )

    def _foresight(self, head: Panel) -> Foresight:
        """What foresees, for the kind of layer."""
        kind, targets = member(self.layer), head.places(head.targets)
        seed = self.random_state
        seed = seed if isinstance(seed, int) else int(check_random_state(seed).randint(2**31 - 1))
        first = head.series[0].times
        cycles = phases.cycles(first) if first is not None and head.clock is not None else ()
        if isinstance(kind, TemporalMemory):
            return Temporal(kind, targets, cycles)
        if kind is TemporalMemory:
            return Temporal(usual(seed), targets, cycles)
        if isinstance(kind, type) and issubclass(kind, Baseline):
            longest = max(head.series, key=len).values[:, targets]
            found = self.season or season_of(longest, head.clock)
            return Lags(found) if kind is Ridge else Plain(targets, 1 if kind is LastValue else found)
        return Forecasts(
            Forecaster(
                self.layer,  # type: ignore[arg-type]
                context=self.context,
                season=self.season,
                width=self.width,
                depth=self.depth,
                steps=self.steps,
                rate=self.learning_rate,
                phases=head.clock is not None,
                random_state=seed,
            ),
            called(self.layer),
        )

    def _calibrate(self, whole: Panel, seen: list[Foreseen], starts: list[int]) -> None:
        """Centre and spread of errors, the scores that others are held against, and the threshold."""
        targets = whole.places(whole.targets)
        parts = list(zip(whole.series, seen, starts, strict=True))
        errors = [one.values[:, targets] - told.expected for one, told, _ in parts]
        self.centre_ = np.stack([_median(part[start:]) for part, start in zip(errors, starts, strict=True)])
        spread = [
            NORMAL * _median(np.abs(part[start:] - centre))
            for part, start, centre in zip(errors, starts, self.centre_, strict=True)
        ]
        sizes = [np.nanmax(np.abs(one.values[:start, targets]), 0) for one, _, start in parts]
        self.spread_ = np.maximum(spread, np.maximum(FLAT * np.stack(sizes), 1e-30))
        held, history = [], []
        for place, (one, told, start) in enumerate(parts):
            score = self._score(one.values[:, targets], told, place)
            follows = score
            if told.surprise is not None:  # its history begins when half of what there is has been learned
                follows = np.concatenate(
                    [score[:start], Recent(score[start // 2 : start]).extend(score[start:])]
                )
            held.append(follows[start:])
            history.append(score[start:])
        calibrated = np.concatenate(held)
        self.held_ = np.sort(calibrated[~np.isnan(calibrated)])
        self.history_ = np.concatenate(history)[-HISTORY:]
        coverage = round(1 - self.rate, 12)
        if len(self.held_) < (least := conformal.needed(coverage)):
            raise BadInput(
                f"AnomalyDetector: expected at least {least} rows with a score to calibrate on for a rate of "
                f"{self.rate:g}, got {len(self.held_)} in {sum(map(len, whole.series))} samples; give more "
                "rows or a higher rate"
            )
        threshold = max(float(conformal.half_width(self.held_, coverage)), 0.0)  # less than usual is no alarm
        self.threshold_ = threshold + 2 * SAME * max(threshold, 1.0)  # nor is a row that is the threshold
        self.offset_ = -self.threshold_

    def _score(self, values: np.ndarray, told: Foreseen, place: int) -> np.ndarray:
        """The score (n,) of rows of a series."""
        there = ~np.isnan(values)
        if told.surprise is not None:
            return np.where(there.any(1), told.surprise, np.nan)
        apart = np.abs(values - told.expected - self.centre_[place]) / self.spread_[place]
        known = ~np.isnan(apart)
        return np.where(known.any(1), np.where(known, apart, -np.inf).max(1, initial=-np.inf), np.nan)


def _heads(whole: Panel, ends: list[int]) -> Panel:
    """The first rows of each series."""
    parts = [
        replace(one, values=one.values[:end], times=None if one.times is None else one.times[:end])
        for one, end in zip(whole.series, ends, strict=True)
    ]
    return replace(whole, series=tuple(parts))


def _told(whole: Panel, times: np.ndarray | None, count: int) -> list[str]:
    if times is None:
        return [str(row) for row in range(count)]
    return whole.clock.told(times) if whole.clock else [str(one) for one in times.astype("datetime64[us]")]


def _median(values: np.ndarray) -> np.ndarray:
    """Of each column, 0 where it holds no number."""
    known = ~np.isnan(values).all(0)
    return np.array(
        [np.nanmedian(column) if there else 0.0 for column, there in zip(values.T, known, strict=True)]
    )
