"""One score: its value, what was scored and what was not, and what each window adds to it.

A forecast that is missing is never a better score: then there is no value at all, and the number of windows
without a forecast is told. Truth that was not measured counts neither above nor below the line.
"""

from dataclasses import dataclass

import numpy as np

from wavetrain.errors import BadInput


@dataclass(frozen=True, eq=False, kw_only=True)
class Score:
    """What a metric found.

    >>> from wavetrain.tables.metrics import mae
    >>> print(mae(truth=np.array([1.0, np.nan, 3.0]), forecast=np.array([1.0, 9.0, 2.0])))
    MAE 0.5 (1 window of 1 series, 2 values)
    """

    name: str  # of the metric, with its season, range or level
    value: float  # NaN where a forecast is missing or nothing could be scored
    series: np.ndarray  # (series,) the value of each one, NaN where it has none
    targets: np.ndarray  # (targets,) the value of each column
    windows: int  # that were scored
    points: int  # values that were scored
    missing: int = 0  # windows without a whole forecast
    undefined: int = 0  # columns of series for which the metric has no value
    parts: np.ndarray | None = None  # (windows,) what each adds to the value: their sum is the value
    shares: np.ndarray | None = None  # (windows,) how much each counts: their sum is one

    @property
    def scored(self) -> int:
        """Series that have a value."""
        return int(np.isfinite(self.series).sum())

    @property
    def whole(self) -> bool:
        """Whether each window that can be scored has a forecast, and there is a value."""
        return bool(np.isfinite(self.value))

    def __str__(self) -> str:
        told = [f"{_many(self.windows, 'window')} of {self.scored} series, {_many(self.points, 'value')}"]
        if self.missing:
            told.append(f"{_many(self.missing, 'window')} without a forecast")
        if self.undefined:
            told.append(f"{self.undefined} of {self.series.size * self.targets.size} undefined")
        return f"{self.name} {self.value:.4g} ({'; '.join(told)})"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def averaged(
    name: str, terms: np.ndarray, series: np.ndarray | None, left: np.ndarray, *, over_series: bool = False
) -> Score:
    """The mean of terms (windows, horizon, targets) that are not left out; NaN is a missing forecast.

    It is the mean of all terms, or over series, the mean of the mean of each column of each one.
    """
    count_of_series, which = _places(series, len(terms))
    missing = (np.isnan(terms) & ~left).any((1, 2))
    kept = np.where(left, 0.0, terms)  # NaN stays where a forecast is missing
    total = np.zeros((count_of_series, terms.shape[2]))
    count = np.zeros_like(total)
    np.add.at(total, which, kept.sum(1))
    np.add.at(count, which, (~left).sum(1))
    each = _over(total, count)
    if over_series:
        defined = count > 0
        value, targets = _over(np.nansum(each), defined.sum()), _over(np.nansum(each, 0), defined.sum(0))
        value, targets = value + 0 * total.sum(), targets + 0 * total.sum(0)  # what is missing stays so
        own = np.where(defined, np.nan_to_num(each), 0.0).sum(1)
        per_series = _over(own + 0 * total.sum(1), defined.sum(1))
        weight = _over(1.0, count * defined.sum())
    else:
        value, targets = _over(total.sum(), count.sum()), _over(total.sum(0), count.sum(0))
        per_series = _over(total.sum(1), count.sum(1))
        weight = np.full(total.shape, _over(1.0, count.sum()))
    weight = np.nan_to_num(weight)[which]
    return Score(
        name=name,
        value=float(value),
        series=per_series,
        targets=targets,
        windows=int(((~left).any((1, 2)) & ~missing).sum()),
        points=int((~left & ~missing[:, None, None]).sum()),
        missing=int(missing.sum()),
        undefined=int((count == 0).sum()),
        parts=(kept.sum(1) * weight).sum(1),
        shares=((~left).sum(1) * weight).sum(1),
    )


def _places(series: np.ndarray | None, windows: int) -> tuple[int, np.ndarray]:
    """How many series there are, and which one each window is of."""
    if series is None:
        return windows, np.arange(windows)
    if np.shape(series) != (windows,):
        raise BadInput(f"expected the series of each of {windows} windows, got {np.shape(series)}")
    names, which = np.unique(series, return_inverse=True)
    return len(names), which


def _over(above: np.ndarray | float, below: np.ndarray | float) -> np.ndarray:
    """A quotient; NaN over 0."""
    under = np.asarray(below, np.float64)
    return np.where(under > 0, above / np.where(under > 0, under, 1.0), np.nan)
