"""The rows of a panel that some forecasts read: a long series is not gone through for a few of them."""

from dataclasses import replace

import numpy as np

from wavetrain.tables.panel import Panel, Series


def near(
    panel: Panel, series: np.ndarray, rows: np.ndarray, *, context: int, origins: int, horizon: int
) -> tuple[Panel, np.ndarray]:
    """A panel that is cut to what windows read (`windows.py`), and the same first rows (N,) in it.

    Whole blocks are left out before them, so that each forecast has the window that it had. Of a series that
    is not asked for, the last row is kept, which tells its clock.

    >>> from wavetrain.tables.near import near
    >>> from wavetrain.tables.panel import panel
    >>> whole, sizes = panel(np.arange(100.0)), {"context": 5, "origins": 4, "horizon": 3}
    >>> cut, rows = near(whole, np.array([0]), np.array([90]), **sizes)
    >>> cut.series[0].values.ravel().tolist(), rows.tolist()
    ([84.0, 85.0, 86.0, 87.0, 88.0, 89.0, 90.0, 91.0, 92.0], [6])
    """
    over = np.zeros(len(panel.series), np.int64)
    found = []
    for place, one in enumerate(panel.series):
        mine = rows[series == place]
        if len(mine):
            over[place] = max(0, (int(mine.min()) - context) // origins * origins)
            part = slice(int(over[place]), int(mine.max()) + horizon)
        else:
            part = slice(max(0, len(one) - 1), None)
        times = None if one.times is None else one.times[part]
        found.append(Series(name=one.name, values=one.values[part], times=times))
    return replace(panel, series=tuple(found)), rows - over[series]
