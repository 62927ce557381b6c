"""Intervals of any forecast: errors of forecasts that are already known become half-widths of later ones.

Origins follow each other row by row, so that they meet every phase of a season. The half-width at step h
comes from errors at step h alone, in the units in which it is reported, for each series and column by itself.
A series needs a row before the first origin, `windows` origins `apart` rows from each other, and the horizon:

    1 + (windows - 1) apart + horizon    rows
"""

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.conformal import half_width, needed
from wavetrain.tables.panel import Panel
from wavetrain.tables.rolling import Rolls, evaluate

USUAL = 100  # windows, where a series has so many


def half_widths(
    rolls: Rolls,
    panel: Panel,
    *,
    horizon: int,
    coverage: float = 0.9,
    windows: int | None = None,
    apart: int = 1,
    season: int = 1,
) -> np.ndarray:
    """Half-widths (series, horizon, targets) from the last `windows` forecasts that end in the panel.

    >>> from wavetrain.tables.baselines import LastValue
    >>> from wavetrain.tables.intervals import half_widths
    >>> from wavetrain.tables.panel import panel
    >>> ramp = panel(np.arange(60.0))
    >>> half_widths(LastValue(horizon=5).rolling, ramp, horizon=5).ravel().tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0]
    """
    least = needed(coverage)
    if season > 1 and apart % season == 0:
        raise BadInput(f"intervals: {apart} rows apart, all origins meet one phase of the season of {season}")
    shortest = min(panel.series, key=len)
    most = (len(shortest) - 1 - horizon) // apart + 1
    count = max(least, min(USUAL, most)) if windows is None else windows
    if count < least:
        raise BadInput(f"intervals: a coverage of {coverage:g} needs at least {least} windows, got {count}")
    rows = 1 + (count - 1) * apart + horizon
    if len(shortest) < rows:
        raise BadInput(
            f"intervals: {count} windows, {apart} rows apart, of a horizon of {horizon} need {rows} rows "
            f"(1 before, ({count} - 1) x {apart} and {horizon}); series {shortest.name!r} has {len(shortest)}"
        )
    firsts = [len(one) - horizon - (count - 1) * apart for one in panel.series]
    found = evaluate(rolls, panel, firsts, horizon, apart=apart, most=count * len(panel.series))
    errors = np.abs(found.truth - found.forecast)
    hollow = np.isnan(found.forecast) & ~np.isnan(found.truth)
    if hollow.any():
        name = found.names[int(found.series[hollow.any((1, 2))][0])]
        raise BadInput(f"intervals: series {name!r}: expected a forecast at each origin, got none at some")
    return np.stack([half_width(errors[found.series == one], coverage) for one in range(len(found.names))])
