"""Series of one's own as everything that learns from them takes them: named columns, rows in time, roles.

A panel holds one series or many. Rows of a series follow each other by one step of the panel's clock; where
nothing was measured there is NaN, never a neighbour's value. What a column is for is said by its role:
targets are forecast, columns known ahead (a holiday, a price that is set) may be read beyond the present, and
all others are read up to the present alone. Identifiers and times are no columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.clock import Clock
from wavetrain.tables.form import Form

LARGEST = 1e100  # its square is a number, too


@dataclass(frozen=True, eq=False, kw_only=True)
class Series:
    """One series of a panel.

    >>> from wavetrain.tables.panel import Series
    >>> one = Series(name="Oslo", values=np.array([[1.0, 0.5], [2.0, np.nan]]))
    >>> len(one), one.times is None
    (2, True)
    """

    name: str  # its id; empty where a table holds one series and names none
    values: np.ndarray  # (T, C) float64, NaN where nothing was measured
    times: np.ndarray | None = None  # (T,) int64, microseconds since 1970 in UTC; None: rows are numbered

    def __len__(self) -> int:
        return len(self.values)

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.dtype != np.float64:
            raise BadInput(
                f"series {self.name!r}: expected values (steps, columns) of float64, got "
                f"{self.values.shape} of {self.values.dtype}"
            )
        if (np.abs(self.values) > LARGEST).any():
            self._refuse()
        if self.times is not None and self.times.shape != self.values.shape[:1]:
            raise BadInput(
                f"series {self.name!r}: expected a time for each of {len(self.values)} rows, got "
                f"{self.times.shape}"
            )

    def _refuse(self) -> None:
        """Raise for a number that is too large."""
        infinite = np.argwhere(np.isinf(self.values))
        if len(infinite):
            raise BadInput(f"series {self.name!r}: row {infinite[0, 0] + 1} is infinite")
        row, column = np.argwhere(np.abs(self.values) > LARGEST)[0]
        raise BadInput(
            f"series {self.name!r}: expected numbers up to {LARGEST:g}, got "
            f"{self.values[row, column]:g} in row {row + 1}"
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """Series with the same columns and the same clock.

    >>> from wavetrain.tables.panel import panel
    >>> taxis = panel(np.arange(6.0))  # one series of one column
    >>> taxis.columns, taxis.targets, len(taxis.series), taxis.series[0].values.shape
    (('y',), ('y',), 1, (6, 1))
    """

    columns: tuple[str, ...]
    series: tuple[Series, ...]
    targets: tuple[str, ...]  # the columns that are forecast
    known: tuple[str, ...] = ()  # the columns that are known ahead
    clock: Clock | None = None  # None: rows are numbered
    said: tuple[str, ...] = ()  # what was understood, left out and filled, in words
    doubts: tuple[str, ...] = ()  # what was taken for granted, in words
    form: Form | None = None  # how a table wrote it; None where it is from arrays

    def __post_init__(self) -> None:
        if not self.series:
            raise BadInput("expected at least one series, got none")
        if len(set(self.columns)) < len(self.columns):
            raise BadInput(f"expected columns with different names, got {', '.join(self.columns)}")
        for role, names in (("targets", self.targets), ("columns known ahead", self.known)):
            strange = [name for name in names if name not in self.columns]
            if strange:
                raise BadInput(f"expected {role} among {', '.join(self.columns)}; got {', '.join(strange)}")
        if not self.targets:
            raise BadInput("expected a column to forecast, got none")
        both = set(self.targets) & set(self.known)
        if both:
            raise BadInput(f"expected targets that are not known ahead, got {', '.join(sorted(both))}")
        if len({one.name for one in self.series}) < len(self.series):
            raise BadInput("expected one series for each id, got an id twice")
        for one in self.series:
            if one.values.shape[1] != len(self.columns):
                raise BadInput(
                    f"series {one.name!r}: expected {len(self.columns)} columns, got {one.values.shape[1]}"
                )

    def places(self, names: Sequence[str]) -> list[int]:
        """Where columns stand in the values."""
        return [self.columns.index(name) for name in names]

    def taken(self, names: Sequence[str]) -> "Panel":
        """These columns alone, in this order; all targets must be among them."""
        places = self.places(names)
        return replace(
            self,
            columns=tuple(names),
            known=tuple(name for name in self.known if name in names),
            series=tuple(
                Series(name=one.name, values=one.values[:, places], times=one.times) for one in self.series
            ),
        )

    def cut(self, first: int | None = None, last: int | None = None) -> "Panel":
        """The rows from `first` to before `last` of each series, by the rules of a slice."""
        part = slice(first, last)
        return replace(
            self,
            series=tuple(
                Series(
                    name=one.name,
                    values=one.values[part],
                    times=None if one.times is None else one.times[part],
                )
                for one in self.series
            ),
        )


def panel(values: np.ndarray | Sequence[float] | Sequence[np.ndarray]) -> Panel:
    """Numbers as a panel: (T,) or (T, C) for one series, or a list of such arrays; all columns are targets.

    >>> from wavetrain.tables.panel import panel
    >>> two = panel([np.zeros(5), np.zeros(9)])
    >>> [one.name for one in two.series], two.columns
    (['0', '1'], ('y',))
    """
    several = isinstance(values, list | tuple) and len(values) > 0 and np.ndim(values[0]) > 0
    arrays = [np.asarray(one, np.float64) for one in (values if several else [values])]
    for one in arrays:
        if one.ndim not in (1, 2):
            raise BadInput(f"expected a series (steps,) or (steps, columns), got {one.shape}")
    arrays = [one[:, None] if one.ndim == 1 else one for one in arrays]
    widths = {one.shape[1] for one in arrays}
    if len(widths) > 1:
        raise BadInput(f"expected series with the same number of columns, got {sorted(widths)}")
    width = widths.pop()
    columns = ("y",) if width == 1 else tuple(f"y{place + 1}" for place in range(width))
    named = [
        Series(name=str(place) if several else "", values=one.copy()) for place, one in enumerate(arrays)
    ]
    return Panel(columns=columns, series=tuple(named), targets=columns)
