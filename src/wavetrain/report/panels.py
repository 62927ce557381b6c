"""Draws pictures of several panels side by side: maps of one quantity, and lines in the plane."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from wavetrain.evidence.picture import Maps, Paths
from wavetrain.report.colours import scale

LETTERS = 24  # in a line over a panel


def panels(one: Maps | Paths, figure: Figure, colours: Sequence[str]) -> None:
    """Panels in rows of so many columns, of one scale."""
    if isinstance(one, Maps):
        _maps(one, figure)
    else:
        _paths(one, figure, colours)


def _maps(one: Maps, figure: Figure) -> None:
    """A grid of maps; only those at its edges carry numbers of places."""
    values = np.ma.masked_invalid(one.values.astype(float))
    norm, colours = scale(values)
    across = min(one.columns, len(values))
    down = -(-len(values) // across)
    titles = [textwrap.wrap(label, LETTERS) or [""] for label in one.labels]
    longest = max(len(line) for title in titles for line in title)
    wide = max(1.75, 0.1 * longest)  # inches, so that titles do not meet
    high = 1.85 + 0.17 * (max(map(len, titles)) - 1)
    figure.set_size_inches(max(4.2, wide * across + 1.2), high * down + 1.2)
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for index, axes in enumerate(grid.flat):
        axes.set_visible(index < len(values))
        if index < len(values):
            image = axes.imshow(values[index], norm=norm, cmap=colours)
            axes.set_title("\n".join(titles[index]), fontsize=11)
            axes.spines[:].set_visible(False)
            axes.locator_params(integer=True, nbins=4, min_n_ticks=1)
            axes.tick_params(labelbottom=index + across >= len(values))
    figure.supxlabel(one.xlabel, fontsize=12)
    figure.supylabel(one.ylabel, fontsize=12)
    bar = figure.colorbar(image, ax=grid, shrink=0.9, aspect=28, pad=0.02)
    bar.set_label("\n".join(textwrap.wrap(one.label, 16 * down + 8)))
    bar.outline.set_visible(False)


def _paths(one: Paths, figure: Figure, colours: Sequence[str]) -> None:
    """One scale in both directions; the end of each line is marked."""
    across = min(one.columns, len(one.lines))
    down = -(-len(one.lines) // across)
    figure.set_size_inches(max(4.2, 2.2 * across + 0.9), 2.35 * down + 1.1)
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for index, axes in enumerate(grid.flat):
        axes.set_visible(index < len(one.lines))
        if index >= len(one.lines):
            continue
        for line in one.wanted:
            axes.plot(*line.T, color="#bdbdbd", linewidth=2.4, solid_capstyle="round")
        for line in one.lines[index]:
            drawn = np.where(np.isfinite(line), line, np.nan)
            axes.plot(*drawn.T, color=colours[0], linewidth=1.2, marker="o", markersize=2.4)
            axes.plot(*drawn[-1:].T, "o", color=colours[1], markersize=4.5)
        axes.set_title("\n".join(textwrap.wrap(one.labels[index], LETTERS)), fontsize=11)
        axes.set_aspect("equal")
        axes.locator_params(nbins=5)
        axes.grid(color="#ececec", linewidth=0.7)
        axes.set_axisbelow(True)
    figure.supxlabel(one.xlabel, fontsize=12)
    figure.supylabel(one.ylabel, fontsize=12)
