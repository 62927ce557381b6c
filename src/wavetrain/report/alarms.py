"""Draws a series with its alarms, and below it how unusual each row is against the threshold."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from wavetrain.evidence.picture import Alarms

MANY = 2000  # rows from which on an SVG holds lines as an image
LETTERS = 26  # in a line of a vertical label


def alarms(one: Alarms, figure: Figure, colours: Sequence[str]) -> None:
    """Values above, with what was expected; below, on the same axis of time, how unusual they are."""
    figure.set_figheight(4.8)
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    x = (one.x * 1e6).astype("datetime64[us]") if one.dates else one.x
    many = len(x) > MANY
    width, dot = (0.6, 2.4) if many else (1.2, 4.0)
    above.plot(x, one.expected, color="#9a9a9a", linewidth=width, label="expected", rasterized=many)
    above.plot(x, one.value, color=colours[0], linewidth=width, label="value", rasterized=many)
    marked = np.flatnonzero(one.alarm)
    above.plot(
        x[marked], one.value[marked], "o", color=colours[1], markersize=dot, label="alarm", rasterized=many
    )
    below.plot(x, one.unusual, color=colours[0], linewidth=width, rasterized=many)
    below.plot(x[marked], one.unusual[marked], "o", color=colours[1], markersize=dot, rasterized=many)
    below.axhline(one.threshold, color=colours[6], linewidth=1.0, linestyle=(0, (5, 1.6)), label="threshold")
    for axes in (above, below):
        _learned(one, x, axes)
        axes.margins(x=0.01)
        axes.grid(axis="y", color="#e6e6e6", linewidth=0.7)
        axes.set_axisbelow(True)
    if one.dates:
        locator = AutoDateLocator(minticks=3)
        below.xaxis.set_major_locator(locator)
        below.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    above.set_ylabel("\n".join(textwrap.wrap(one.ylabel, LETTERS)))
    below.set_ylabel("\n".join(textwrap.wrap(one.label, LETTERS // 2 + 4)))
    below.set_xlabel(one.xlabel)
    figure.align_ylabels()
    figure.legend(loc="outside lower left", ncols=5, handlelength=1.6, columnspacing=1.2)


def _learned(one: Alarms, x: np.ndarray, axes: Axes) -> None:
    """Shade the rows that were learned from."""
    if one.learned:
        label = "learned from" if axes.get_subplotspec().rowspan.start == 0 else None  # type: ignore[union-attr]
        axes.axvspan(
            x[0], x[min(one.learned, len(x)) - 1], color="#efefef", zorder=0, linewidth=0, label=label
        )
