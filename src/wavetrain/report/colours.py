"""Colours of a quantity: by size, on both sides of 0, or round a circle; where there is no value, grey."""

import matplotlib
import numpy as np
from matplotlib.colors import CenteredNorm, Colormap, LinearSegmentedColormap, Normalize

TIDE = LinearSegmentedColormap.from_list("tide", ["#f6f8f7", "#b9dbd5", "#5fa9ae", "#21698f", "#14295c"])
ABSENT = "#d9d4cb"  # where there is no value


def scale(values: np.ma.MaskedArray) -> tuple[Normalize, Colormap]:
    """Light to dark with size, or diverging around 0 where there are both signs."""
    norm, colours = _scale(values)
    return norm, colours.with_extremes(bad=ABSENT)


def phases() -> tuple[Normalize, Colormap]:
    """Radians from -pi to pi, whose ends look alike; the same for all pictures."""
    return Normalize(-np.pi, np.pi), matplotlib.colormaps["twilight"].with_extremes(bad=ABSENT)


def _scale(values: np.ma.MaskedArray) -> tuple[Normalize, Colormap]:
    if values.count() == 0:
        return Normalize(0, 1), TIDE
    low, high = float(values.min()), float(values.max())
    if low < 0 < high:
        return CenteredNorm(halfrange=max(-low, high)), matplotlib.colormaps["RdBu_r"]
    if low == high:  # one value everywhere: a scale from or to 0
        return Normalize(min(low, 0), max(high, 0) or 1.0), TIDE if high >= 0 else TIDE.reversed()
    return Normalize(low, high), TIDE if high > 0 else TIDE.reversed()
