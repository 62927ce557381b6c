"""A detector and plain rules that watch the same series at the same rate: what all say, side by side.

The rules are the last value, the value a season ago, a ridge regression on lags and, for a layer, what its
forecast starts from without it. Without labels nothing says which alarms are right; what can be said is
whether a plain rule marks the same events, and with how many alarms.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import clone

from wavetrain.errors import BadInput
from wavetrain.estimators._anomalies import RECENT, Anomalies, Event
from wavetrain.estimators._foresight import PLAIN, Forecasts, called
from wavetrain.estimators.detector import AnomalyDetector
from wavetrain.evidence.picture import Alarms
from wavetrain.tables.anomaly_metrics import point_adjusted, pointwise, stretches, windowed
from wavetrain.tables.panel import Panel

AS_WELL = 0.9  # share of events from which on the plain rule would have done as well
MORE = 1.5  # times the alarms, up to which it would


@dataclass(frozen=True, eq=False, kw_only=True)
class Seen:
    """What a detector and plain rules say of the same rows."""

    found: Anomalies
    plain: dict[str, Anomalies]  # by the name of each rule
    learned: np.ndarray  # (N,) bool, the rows that were learned from
    calibrated: np.ndarray  # (N,) bool, those among them that the threshold was set on
    layer: str
    errors: dict[str, float]  # usual ones, of the detector and of each rule, in the units of the file
    threshold: float
    zone: str  # that the times of the file name; empty where they name none
    moments: dict[str, np.ndarray]  # of each series with times, in seconds since 1970

    @property
    def events(self) -> list[Event]:
        """Events in new rows, the most unusual first."""
        return self.found.events(np.flatnonzero(~self.learned))

    def alarms(self, found: Anomalies) -> int:
        """New rows with an alarm."""
        return int((found.alarm & ~self.learned).sum())

    def marked(self, rule: str) -> list[bool]:
        """Whether a plain rule has an alarm in each event, or within ten rows of it."""
        names, near = self.found.series, np.flatnonzero(self.plain[rule].alarm)
        return [
            bool(
                (
                    (near >= one.first - RECENT)
                    & (near <= one.last + RECENT)
                    & (names[near] == names[one.first])
                ).any()
            )
            for one in self.events
        ]

    def table(self) -> list[dict[str, Any]]:
        """Each event, the most unusual first: its most unusual row, in the column that shows it."""
        found, told = self.found, []
        rules = np.array([self.marked(rule) for rule in self.plain])  # (rules, events)
        for one, plain in zip(self.events, rules.sum(0).tolist(), strict=True):
            place, at = one.peak, self._column(one.peak)
            told.append(
                {
                    "series": str(found.series[place]),
                    "time": found.time[place],
                    "column": found.columns[at],
                    "value": float(found.value[place, at]),
                    "expected": float(found.expected[place, at]),
                    "score": float(found.score[place]),
                    "likelihood": float(found.likelihood[place]),
                    "alarms": one.alarms,
                    "plain": plain,
                }
            )
        return told

    def rows(self) -> Iterator[list[Any]]:
        """A header and all rows, as a table; empty where there is no number."""
        found = self.found
        columns = [f"{name}{end}" for name in found.columns for end in ("", " expected")]
        yield ["series", "time", *columns, "score", "likelihood", "p", "alarm", "part"]
        part = np.where(self.calibrated, "calibration", np.where(self.learned, "learned", "new")).tolist()
        pairs = np.stack([found.value, found.expected], 2).reshape(len(found), -1)
        told = np.concatenate([pairs, np.stack([found.score, found.likelihood, found.p], 1)], 1)
        for place, values in enumerate(told.tolist()):
            cells = ["" if one != one else f"{one:.6g}" for one in values]
            named = [str(found.series[place]), found.time[place]]
            yield [*named, *cells, int(found.alarm[place]), part[place]]

    def picture(self, source: str) -> Alarms:
        """The series with the most unusual event, in the column that shows it."""
        found = self.found
        events = self.events or found.events()
        peak = events[0].peak if events else 0
        name, at = str(found.series[peak]), self._column(peak)
        mine = found.series == name
        moments = self.moments.get(name)
        by_error = bool(np.array_equal(found.unusual, found.score, equal_nan=True))
        return Alarms(
            f"Alarms of {self.layer} in {source}" + f", series {name}" * bool(name),
            np.arange(float(mine.sum())) if moments is None else moments,
            found.value[mine, at],
            found.expected[mine, at],
            found.unusual[mine],
            found.alarm[mine],
            self.threshold,
            int(self.learned[mine].sum()),
            moments is not None,
            "row" if moments is None else "time (UTC)" if self.zone else "time",
            found.columns[at],
            "error (robust deviations)" if by_error else "mean of ten scores (deviations)",
        )

    def scores(self, labels: np.ndarray) -> list[str]:
        """How well the alarms in new rows meet labels (N,), bool, in words; the plain score comes first."""
        new = ~self.learned
        truth, alarm = labels[new], self.found.alarm[new]
        told = [str(pointwise(truth=truth, alarm=alarm))]
        if not truth.any():
            return told
        score = windowed(alarm=alarm, windows=stretches(truth))
        return [
            *told,
            f"{point_adjusted(truth=truth, alarm=alarm)}: one alarm finds a whole stretch",
            f"windowed score {score:.3g} after the Numenta benchmark: 0 without an alarm, 100 at best",
        ]

    def _column(self, place: int) -> int:
        """The column that is furthest from what was expected, against how far it usually is."""
        apart = np.abs(self.found.value - self.found.expected)
        usual = np.array([np.median(one[~np.isnan(one)]) if (~np.isnan(one)).any() else 1 for one in apart.T])
        return int(np.nan_to_num(apart[place] / np.maximum(usual, 1e-30), nan=-1.0).argmax())

    def rules(self) -> list[dict[str, Any]]:
        """The detector and each plain rule: events that it marks, alarms, usual error."""
        mine = {"name": self.layer, "events": len(self.events), "alarms": self.alarms(self.found)}
        others = [
            {"name": rule, "events": sum(self.marked(rule)), "alarms": self.alarms(found)}
            for rule, found in self.plain.items()
        ]
        return [{**one, "error": self.errors[str(one["name"])]} for one in (mine, *others)]

    def verdict(self) -> str:
        """In words, whether a plain rule would have done as well, and whether one foresees better."""
        mine, *others = self.rules()
        if not mine["events"]:
            return f"{self.layer} has no alarm in new rows"
        told = self._nearest(mine, others)
        least = min(others, key=lambda one: one["error"])
        if least["error"] <= mine["error"]:
            told += (
                f"; {least['name']} foresees no worse than {self.layer}: "
                f"its usual error is {least['error']:.4g}, that of {self.layer} {mine['error']:.4g}"
            )
        return told

    def _nearest(self, mine: dict[str, Any], others: list[dict[str, Any]]) -> str:
        """Which rule marks the same events with as few alarms, or comes nearest."""
        same = [one for one in others if one["events"] >= AS_WELL * mine["events"]]
        as_well = [one for one in same if one["alarms"] <= MORE * mine["alarms"]]
        if as_well:
            best = min(as_well, key=lambda one: one["error"])
            return f"the plain {best['name']} would have done as well: it marks the same events"
        best = (
            min(same, key=lambda one: one["alarms"]) if same else max(others, key=lambda one: one["events"])
        )
        alarms = f"{best['alarms']:,} alarms against {mine['alarms']:,}"
        if same:
            return f"the plain {best['name']} marks the same events, with {alarms}"
        missed = f"{mine['events'] - best['events']} of {mine['events']}"
        return (
            f"no plain rule marks the same events: {best['name']}, which comes nearest, misses {missed}, "
            f"with {alarms}"
        )


class Watch:
    """A detector with the plain rules that it is held against.

    >>> from wavetrain.estimators import AnomalyDetector
    >>> from wavetrain.estimators.watch import Watch
    >>> from wavetrain.tables.panel import panel
    >>> wave = np.random.default_rng(0).normal(size=800)
    >>> wave[700] = 15.0
    >>> rows = panel(wave)
    >>> seen = Watch.learn(rows, AnomalyDetector("gru", width=4, depth=1, steps=5), share=0.5).look(rows)
    >>> seen.events[0].peak, sorted(seen.plain)
    (700, ['exponential smoothing', 'last value', 'ridge on lags'])
    """

    def __init__(self, model: AnomalyDetector, plain: list[AnomalyDetector], ends: dict[str, int]):
        self.model, self.plain, self.ends = model, plain, ends

    @property
    def layer(self) -> str:
        """The name by which what foresees is found again."""
        return called(self.model.layer)

    @classmethod
    def learn(cls, whole: Panel, detector: AnomalyDetector, *, share: float) -> Self:
        """Learn from the first `share` of the rows of each series."""
        check_share(share)
        ends = {one.name: round(share * len(one)) for one in whole.series}
        parts = [
            replace(
                one,
                values=one.values[: ends[one.name]],
                times=None if one.times is None else one.times[: ends[one.name]],
            )
            for one in whole.series
        ]
        head = replace(whole, series=tuple(parts))
        names = [name for name in PLAIN if name != called(detector.layer)]
        rules = [clone(detector).set_params(layer=name).fit(head) for name in names]
        detector.fit(head)
        if isinstance(detector.foresight_, Forecasts) and detector.steps:
            rules.append(clone(detector).set_params(steps=0).fit(head))
        apart = {one.foresight_.name: one for one in reversed(rules)}  # without a season two are the same
        apart.pop(detector.foresight_.name, None)
        return cls(detector, list(apart.values())[::-1], ends)

    def look(self, whole: Panel) -> Seen:
        """What all say of all rows; the first ones of a series are those that were learned from."""
        found = self.model.detect(whole)
        ends = np.array([self.ends.get(name, 0) for name in found.series.tolist()])
        return Seen(
            found=found,
            plain={one.foresight_.name: one.detect(whole) for one in self.plain},
            learned=found.row < ends,
            calibrated=(found.row < ends) & (found.row >= np.round((1 - self.model.calibration) * ends)),
            layer=self.model.foresight_.name,
            errors={one.foresight_.name: usual_error(one) for one in (self.model, *self.plain)},
            threshold=self.model.threshold_,
            zone=whole.clock.zone if whole.clock else "",
            moments={one.name: one.times / 1e6 for one in whole.series if one.times is not None},
        )

    def save(self, folder: Path) -> None:
        """Keep all; whoever takes them up has new rows."""
        self.model.save(folder)
        for place, one in enumerate(self.plain):
            one.save(folder / "plain" / str(place))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        places = sorted((folder / "plain").glob("[0-9]"))
        plain = [AnomalyDetector.load(place) for place in places]
        return cls(AnomalyDetector.load(folder), plain, {})


def labelled(whole: Panel, name: str) -> tuple[Panel, np.ndarray]:
    """A panel without its column of labels, and the labels of all rows (N,), bool; an empty cell is none.

    >>> from wavetrain.estimators.watch import labelled
    >>> from wavetrain.tables.panel import panel
    >>> rest, labels = labelled(panel(np.array([[1.5, 0.0], [9.0, 1.0]])), "y2")
    >>> rest.columns, labels.tolist()
    (('y1',), [False, True])
    """
    (at,) = whole.places([name])
    values = np.concatenate([one.values[:, at] for one in whole.series])
    strange = np.flatnonzero(~np.isin(values, (0, 1)) & ~np.isnan(values))
    if len(strange):
        raise BadInput(f"expected labels 0 and 1 in {name}, got {values[strange[0]]:g}")
    left = [place for place in range(len(whole.columns)) if place != at]
    rest = replace(
        whole,
        columns=tuple(one for one in whole.columns if one != name),
        targets=tuple(one for one in whole.targets if one != name),
        known=tuple(one for one in whole.known if one != name),
        series=tuple(replace(one, values=one.values[:, left]) for one in whole.series),
    )
    return rest, values == 1


def usual_error(model: AnomalyDetector) -> float:
    """The robust deviation of its errors on calibration rows, the geometric mean over columns and series."""
    return float(np.exp(np.log(model.spread_).mean()))


def check_share(share: float) -> None:
    """Raise for a share of rows to learn from that is none."""
    if not 0 < share <= 1:
        raise BadInput(f"expected a share of rows to learn from, above 0 and up to 1, got {share}")
